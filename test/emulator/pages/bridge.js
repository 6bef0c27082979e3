/* Inside the app's iframe: `__bridge.callBridge` over messages to the host page; functions travel as numbers. Also tells the host how high the content is. */
(() => {
  const host = document.referrer ? new URL(document.referrer).origin : '*';
  const waiting = new Map();
  const functions = new Map();
  let nextId = 1;

  const pack = (value) => {
    if (typeof value === 'function') {
      const id = nextId++;
      functions.set(id, value);
      return { __function: id };
    }
    if (Array.isArray(value)) return value.map(pack);
    if (value !== null && typeof value === 'object') {
      return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, pack(part)]));
    }
    return value;
  };

  const enableTheming = (mode) => {
    const root = document.documentElement;
    root.setAttribute('data-color-mode', mode.colorMode);
    root.setAttribute('data-theme', mode.theme);
    return new Promise((done) => {
      const link = document.createElement('link');
      link.rel = 'stylesheet';
      link.href = '/_forge/theme.css';
      link.onload = () => done(true);
      document.head.append(link);
    });
  };

  const send = (message) => window.parent.postMessage(message, host);
  const ask = (command, payload) =>
    new Promise((resolve, reject) => {
      const id = nextId++;
      waiting.set(id, { command, resolve, reject });
      send({ bridge: id, command, payload: pack(payload) });
    });

  /** A path of the app's own URL as history v4 describes it. */
  const locationOf = (to, state) => {
    if (typeof to !== 'string') return { pathname: '/', search: '', hash: '', key: String(nextId++), state, ...to };
    const { pathname, search, hash } = new URL(to, 'https://app.invalid/');
    return { pathname, search, hash, key: String(nextId++), state };
  };
  let history;
  const createHistory = (path) => {
    const listeners = new Set();
    const move = (action, location) => {
      Object.assign(history, { action, location });
      for (const listener of listeners) listener(location, action);
    };
    const go = (verb, action) => (to, state) => {
      const location = locationOf(to, state);
      send({ history: verb, path: location.pathname + location.search + location.hash });
      move(action, location);
    };
    history = {
      action: 'POP',
      location: locationOf(path),
      push: go('push', 'PUSH'),
      replace: go('replace', 'REPLACE'),
      go: (steps) => send({ history: 'go', steps }),
      goBack: () => send({ history: 'go', steps: -1 }),
      goForward: () => send({ history: 'go', steps: 1 }),
      listen: (listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
      popped: (to) => move('POP', locationOf(to)),
    };
    return history;
  };

  window.addEventListener('message', (event) => {
    if (event.source !== window.parent) return;
    const { answer, error, result, call, args, popped } = event.data ?? {};
    if (popped !== undefined) history?.popped(popped);
    if (call !== undefined) functions.get(call)?.(...(args ?? []));
    if (answer === undefined) return;
    const entry = waiting.get(answer);
    waiting.delete(answer);
    if (!entry) return;
    if (error) entry.reject(Object.assign(new Error(error.message), { name: error.name }));
    else if (entry.command === 'enableTheming') enableTheming(result).then(entry.resolve);
    else if (entry.command === 'createHistory') entry.resolve(createHistory(result));
    else entry.resolve(result);
  });

  // The frame is as high as its content; what is laid over the content does not make it higher.
  const report = () => send({ height: Math.ceil(document.documentElement.getBoundingClientRect().height) });
  new ResizeObserver(report).observe(document.documentElement);

  window.__bridge = { callBridge: ask };
})();

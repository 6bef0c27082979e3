/*
 * Inside the app's iframe: `__bridge.callBridge` by messages to the host page, in which functions are sent as
 * numbers, and reports of the document's height, so that the host page can size the frame to fit.
 */
(() => {
  const host = document.referrer ? new URL(document.referrer).origin : '*';
  const waiting = new Map();
  const functions = new Map();
  /** The histories the app has created. The host page reports every change of address to all of them. */
  const histories = new Set();
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

  const callBridge = (command, payload) =>
    new Promise((resolve, reject) => {
      const id = nextId++;
      waiting.set(id, { command, resolve, reject });
      window.parent.postMessage({ bridge: id, command, payload: pack(payload) }, host);
    });

  /** A history object (version 4). The host page makes every change, so `location` is updated a moment later. */
  const createHistory = ({ location, action }) => {
    const listeners = new Set();
    const history = {
      action,
      location,
      push: (to, state) => callBridge('changeHistory', { action: 'PUSH', to, state }),
      replace: (to, state) => callBridge('changeHistory', { action: 'REPLACE', to, state }),
      go: (steps) => callBridge('goInHistory', { steps }),
      goBack: () => history.go(-1),
      goForward: () => history.go(1),
      listen: (listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    };
    histories.add({ history, listeners });
    return history;
  };

  const showChange = ({ location, action }) => {
    for (const { history, listeners } of histories) {
      Object.assign(history, { location, action });
      for (const listener of listeners) listener(location, action);
    }
  };

  window.addEventListener('message', (event) => {
    if (event.source !== window.parent) return;
    const { answer, error, result, call, args, historyChange } = event.data ?? {};
    if (call !== undefined) functions.get(call)?.(...(args ?? []));
    if (historyChange !== undefined) showChange(historyChange);
    if (answer === undefined) return;
    const entry = waiting.get(answer);
    waiting.delete(answer);
    if (!entry) return;
    if (error) entry.reject(Object.assign(new Error(error.message), { name: error.name }));
    else if (entry.command === 'enableTheming') enableTheming(result).then(entry.resolve);
    else if (entry.command === 'createHistory') entry.resolve(createHistory(result));
    else entry.resolve(result);
  });

  window.__bridge = { callBridge };

  // Not scrollHeight, which is never less than the height of the frame, so that the frame could not shrink again.
  const root = document.documentElement;
  const reportHeight = () => window.parent.postMessage({ height: Math.ceil(root.getBoundingClientRect().height) }, host);
  new ResizeObserver(reportHeight).observe(root);
})();

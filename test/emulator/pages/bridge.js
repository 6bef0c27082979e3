/* Inside the app's iframe: `__bridge.callBridge` over messages to the host page; functions travel as numbers. */
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

  window.addEventListener('message', (event) => {
    if (event.source !== window.parent) return;
    const { answer, error, result, call, args } = event.data ?? {};
    if (call !== undefined) functions.get(call)?.(...(args ?? []));
    if (answer === undefined) return;
    const entry = waiting.get(answer);
    waiting.delete(answer);
    if (!entry) return;
    if (error) entry.reject(Object.assign(new Error(error.message), { name: error.name }));
    else if (entry.command === 'enableTheming') enableTheming(result).then(entry.resolve);
    else entry.resolve(result);
  });

  window.__bridge = {
    callBridge: (command, payload) =>
      new Promise((resolve, reject) => {
        const id = nextId++;
        waiting.set(id, { command, resolve, reject });
        window.parent.postMessage({ bridge: id, command, payload: pack(payload) }, host);
      }),
  };
})();

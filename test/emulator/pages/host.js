/* On the host page: serves the bridge commands of the app's iframes. What is not modelled is refused and told to the server. */
(() => {
  const context = window.__context;
  const frames = [...document.querySelectorAll('iframe[data-module]')];
  const flagArea = document.getElementById('flags');
  const uiOrigin = `http://localhost:${location.port}`;

  const callBack = (frame, fn, ...args) => {
    if (fn?.__function) frame.contentWindow.postMessage({ call: fn.__function, args }, uiOrigin);
  };
  const post = async (url, body) => {
    const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
    return response.json();
  };
  const closeFlag = (id) => document.getElementById(`flag-${id}`)?.remove();

  const extensionOf = (frame) => ({
    type: frame.dataset.type,
    ...(context.contentId
      ? { location: location.href, content: { id: context.contentId, type: 'page' }, space: { key: context.spaceKey } }
      : {}),
  });

  const urlOf = (to) => {
    if (to.url) return to.url;
    if (to.target === 'spaceView') return `/wiki/spaces/${encodeURIComponent(to.spaceKey)}/overview`;
    if (to.target === 'contentView') return `/wiki/rest/not-modelled/${to.contentId}`;
    if (to.target === 'module') return `/wiki/apps/${to.moduleKey}`;
    throw new Error(`not modelled: navigation to ${to.target}`);
  };

  const commands = {
    getContext: (frame) => ({
      accountId: context.accountId,
      cloudId: context.cloudId,
      siteUrl: location.origin,
      localId: frame.dataset.module,
      moduleKey: frame.dataset.module,
      environmentType: 'DEVELOPMENT',
      locale: context.locale,
      timezone: 'UTC',
      theme: { colorMode: document.documentElement.dataset.colorMode },
      extension: extensionOf(frame),
    }),
    invoke: async (frame, { functionKey, payload }) => {
      const { result, error } = await post('/_forge/invoke', {
        moduleKey: frame.dataset.module,
        functionKey,
        payload,
        extension: extensionOf(frame),
      });
      if (error) throw Object.assign(new Error(error.message), { name: error.name });
      return result;
    },
    enableTheming: () => ({ colorMode: document.documentElement.dataset.colorMode, theme: document.documentElement.dataset.theme }),
    showFlag: (frame, flag) => {
      closeFlag(flag.id);
      const box = document.createElement('section');
      box.className = 'flag';
      box.id = `flag-${flag.id}`;
      const title = document.createElement('h2');
      title.textContent = flag.title;
      const text = document.createElement('p');
      text.textContent = flag.description ?? '';
      const row = document.createElement('div');
      row.className = 'row';
      for (const action of flag.actions ?? []) {
        const button = document.createElement('button');
        button.textContent = action.text;
        button.addEventListener('click', () => callBack(frame, action.onClick));
        row.append(button);
      }
      const close = document.createElement('button');
      close.className = 'flag-close';
      close.setAttribute('aria-label', 'Close');
      close.textContent = '×';
      close.addEventListener('click', () => box.remove());
      box.append(title, text, row, close);
      flagArea.append(box);
      if (flag.isAutoDismiss) setTimeout(() => box.remove(), 8000);
      return true;
    },
    closeFlag: (_frame, { id }) => {
      closeFlag(id);
      return true;
    },
    navigate: (_frame, to) => {
      const url = urlOf(to);
      if (to.type === 'new-tab') window.open(url, '_blank');
      else location.assign(url);
      return true;
    },
    createHistory: async (frame) => {
      const { createHistoryIn } = await (await fetch('/_local/site')).json();
      if (!createHistoryIn.includes(frame.dataset.type.replace('confluence:', ''))) {
        throw new Error(`createHistory is not available in ${frame.dataset.type}`);
      }
      return location.pathname.slice(appRoot(frame).length) + location.search + location.hash || '/';
    },
    getUrl: (_frame, to) => new URL(urlOf(to), location.origin).href,
    reload: () => location.reload(),
    fetchProduct: async (_frame, { restPath, fetchRequestInit }) => {
      const headers = new Headers(fetchRequestInit.headers ?? []);
      headers.set('x-forge-frontend', 'true');
      const response = await fetch(restPath, { ...fetchRequestInit, headers });
      const kept = Object.fromEntries([...response.headers].filter(([name]) => !/ratelimit|retry-after/i.test(name)));
      return { body: await response.text(), headers: kept, status: response.status, statusText: response.statusText, isAttachment: false };
    },
  };

  /** Where the app's own paths begin. */
  const appRoot = (frame) => `/wiki/apps/${frame.dataset.module}`;
  const moveHistory = (frame, { history: verb, path, steps }) => {
    if (verb === 'go') history.go(steps);
    else history[`${verb}State`](null, '', appRoot(frame) + path.replace(/^\/(?=$|\?|#)/, ''));
  };
  window.addEventListener('popstate', () => {
    for (const frame of frames) {
      const path = location.pathname.slice(appRoot(frame).length) + location.search + location.hash;
      frame.contentWindow?.postMessage({ popped: path || '/' }, uiOrigin);
    }
  });

  window.addEventListener('message', async (event) => {
    const frame = frames.find((f) => f.contentWindow === event.source);
    if (!frame || event.origin !== uiOrigin) return;
    if (event.data?.history !== undefined) moveHistory(frame, event.data);
    // The window scrolls, not the frame.
    if (event.data?.height !== undefined && frame.classList.contains('app-frame')) frame.style.height = `${event.data.height}px`;
    if (event.data?.bridge === undefined) return;
    const { bridge, command, payload } = event.data;
    const answer = (data) => frame.contentWindow?.postMessage({ answer: bridge, ...data }, uiOrigin);
    try {
      const run = commands[command];
      if (!run) {
        await fetch(`/_forge/not-modelled/bridge/${encodeURIComponent(command)}`, { method: 'POST' });
        throw new Error(`not modelled: bridge ${command}`);
      }
      answer({ result: await run(frame, payload ?? {}) });
    } catch (error) {
      answer({ error: { name: error.name, message: error.message } });
    }
  });

  for (const frame of frames) frame.src = `${uiOrigin}/_forge/ui/${frame.dataset.resource}/index.html`;
})();

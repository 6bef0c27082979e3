/* On the host page: serves the bridge commands of the app's iframes. What is not modeled is refused and reported to the server. */
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

  /** Frames whose app has created a history. */
  const historyFrames = new Set();
  const appPath = (moduleKey) => `/wiki/apps/${moduleKey}`;

  /** The app's location (history version 4): the address without the path of the app's page. */
  const appLocation = (frame) => {
    const { key, state } = window.history.state ?? {};
    const pathname = location.pathname.slice(appPath(frame.dataset.module).length) || '/';
    return { pathname, search: location.search, hash: location.hash, state, key };
  };
  const reportHistory = (frame, action) =>
    frame.contentWindow?.postMessage({ historyChange: { location: appLocation(frame), action } }, uiOrigin);

  /** The address for a path or location within the app. Relative paths start at the current one, and none leads outside the app. */
  const addressOf = (frame, to) => {
    const here = appLocation(frame);
    const path = typeof to === 'string' ? to : `${to.pathname ?? here.pathname}${to.search ?? ''}${to.hash ?? ''}`;
    const { pathname, search, hash } = new URL(path.replace(/^\/+/, '/'), new URL(here.pathname + here.search, location.origin));
    return `${appPath(frame.dataset.module)}${pathname === '/' ? '' : pathname}${search}${hash}`;
  };

  /**
   * An app's page is as tall as its document, and at least as tall as the rest of the window: the window
   * scrolls, not the frame. Background scripts are not visible.
   */
  const appFrames = frames.filter((frame) => frame.dataset.type !== 'confluence:backgroundScript');
  const fillWindow = () => {
    for (const frame of appFrames) frame.style.minHeight = `calc(100vh - ${frame.getBoundingClientRect().top + window.scrollY}px)`;
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
    if (to.target === 'module') return appPath(to.moduleKey) + (to.path ?? '');
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
      const close = document.createElement('button');
      close.className = 'flag-close';
      close.setAttribute('aria-label', 'Close');
      close.textContent = '×';
      close.addEventListener('click', () => box.remove());
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
      box.append(title, close, text, row);
      flagArea.append(box);
      if (flag.isAutoDismiss) setTimeout(() => box.remove(), 8000);
      return true;
    },
    closeFlag: (_frame, { id }) => {
      closeFlag(id);
      return true;
    },
    createHistory: (frame) => {
      const type = frame.dataset.type.replace('confluence:', '');
      if (!context.createHistoryIn.includes(type)) throw new Error(`createHistory is not available in ${type} modules`);
      historyFrames.add(frame);
      return { location: appLocation(frame), action: 'POP' };
    },
    changeHistory: (frame, { action, to, state }) => {
      const entry = { key: crypto.randomUUID().slice(0, 8), state: typeof to === 'string' ? state : to.state };
      const address = addressOf(frame, to);
      if (action === 'PUSH') window.history.pushState(entry, '', address);
      else window.history.replaceState(entry, '', address);
      for (const follower of historyFrames) reportHistory(follower, action);
    },
    goInHistory: (_frame, { steps }) => window.history.go(steps),
    navigate: (_frame, to) => {
      const url = urlOf(to);
      if (to.type === 'new-tab') window.open(url, '_blank');
      else location.assign(url);
      return true;
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

  window.addEventListener('message', async (event) => {
    const frame = frames.find((f) => f.contentWindow === event.source);
    if (!frame || event.origin !== uiOrigin) return;
    if (event.data?.height !== undefined && appFrames.includes(frame)) frame.style.height = `${event.data.height}px`;
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

  window.addEventListener('popstate', () => {
    for (const frame of historyFrames) reportHistory(frame, 'POP');
  });
  window.addEventListener('resize', fillWindow);
  // A page that the browser caches for the Back button must not come back with old flags.
  window.addEventListener('pagehide', () => flagArea.replaceChildren());

  fillWindow();
  for (const frame of frames) frame.src = `${uiOrigin}/_forge/ui/${frame.dataset.resource}/index.html`;
})();

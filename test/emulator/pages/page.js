/* On every page of the local site: the sidebar's toggle, the running clock, and finding people while typing. */
(() => {
  const CLOCK_MS = 15_000;
  const MOVED = 'local-site-clock-moved';
  const NARROW = matchMedia('(max-width: 900px)');

  const toggle = document.getElementById('sidebar-toggle');
  const body = document.body;
  if (toggle) {
    // In a wide window it is open unless collapsed. In a narrow one it is closed unless opened, and closed again on the next page.
    const isOpen = () => (NARROW.matches ? body.classList.contains('sidebar-over') : !body.classList.contains('sidebar-away'));
    const tell = () => toggle.setAttribute('aria-expanded', String(isOpen()));
    body.classList.toggle('sidebar-away', localStorage.getItem('sidebar-away') === 'yes');
    toggle.addEventListener('click', () => {
      if (NARROW.matches) body.classList.toggle('sidebar-over');
      else localStorage.setItem('sidebar-away', body.classList.toggle('sidebar-away') ? 'yes' : 'no');
      tell();
    });
    document.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape' || !body.classList.contains('sidebar-over') || document.querySelector(':popover-open')) return;
      body.classList.remove('sidebar-over');
      tell();
      toggle.focus();
    });
    NARROW.addEventListener('change', tell);
    tell();
  }

  const clock = document.getElementById('site-clock');
  const said = document.getElementById('clock-said');
  if (sessionStorage.getItem(MOVED)) {
    sessionStorage.removeItem(MOVED);
    // A live region announces changes, not its initial content.
    setTimeout(() => {
      said.textContent = `The clock now shows ${clock.textContent}.`;
    }, 100);
  }
  for (const form of document.querySelectorAll('form[action="/wiki/clock"]')) {
    form.addEventListener('submit', (event) => {
      sessionStorage.setItem(MOVED, 'yes');
      said.textContent = 'Moving the clock…';
      event.submitter?.setAttribute('aria-busy', 'true');
    });
  }
  setInterval(async () => {
    if (document.hidden) return;
    const response = await fetch('/wiki/clock').catch(() => null);
    if (!response?.ok) return;
    const { now, text } = await response.json();
    clock.dateTime = now;
    clock.textContent = text;
  }, CLOCK_MS);

  for (const input of document.querySelectorAll('[data-live-search]')) {
    const list = document.getElementById(input.dataset.liveSearch);
    const suggested = list.innerHTML;
    let latest = 0;
    input.addEventListener('input', async () => {
      latest += 1;
      const mine = latest;
      const query = input.value.trim();
      const found = query === '' ? suggested : await (await fetch(`/wiki/signin/matches?q=${encodeURIComponent(query)}`)).text();
      if (mine === latest) list.innerHTML = found;
    });
  }
  for (const form of document.querySelectorAll('form[data-submit-on-change] select')) {
    form.addEventListener('change', () => form.form.requestSubmit());
  }
  // However the panel is opened, its search field comes first.
  document.getElementById('switch-panel')?.addEventListener('toggle', (event) => {
    if (event.newState === 'open') event.target.querySelector('input')?.focus();
  });
})();

/** Background script: shows the caller's notice as a flag, and carries their answer back. */
import { router, showFlag, view } from '@forge/bridge';
import type { NoticeView } from '../../src/contract';
import { callNotice } from '../shared/call';
import { setLocale, text, textOf } from '../shared/text';

const FLAG_ID = 'homestead-notice';

type Flag = ReturnType<typeof showFlag>;
interface Action {
  label: string;
  run: () => Promise<void>;
}

/** Shows a flag; each action closes it first, so nobody presses twice. */
function show(title: string, description: string, actions: Action[], type: 'info' | 'success' | 'warning' = 'info'): Flag {
  const flag: Flag = showFlag({
    id: FLAG_ID,
    title,
    description,
    type,
    actions: actions.map(({ label, run }) => ({ text: label, onClick: () => press(flag, run) })),
  });
  return flag;
}

async function press(flag: Flag, run: () => Promise<void>): Promise<void> {
  await flag.close();
  try {
    await run();
  } catch {
    show(text('notice.error.title'), text('notice.error.text'), [], 'warning');
  }
}

async function openSpace(spaceKey: string): Promise<void> {
  await callNotice('notice.dismiss', {});
  await router.navigate({ target: 'spaceView', spaceKey });
}

const DESCRIPTIONS = { private: 'notice.ready.private', open: 'notice.ready.open', unknown: 'notice.ready.unknown' } as const;

const later = (): Action => ({
  label: text('notice.later'),
  run: async () => {
    await callNotice('notice.dismiss', {});
  },
});

function showReady(spaceKey: string | null, access: NoticeView['access']): void {
  const open: Action[] = spaceKey === null ? [] : [{ label: text('notice.ready.open-space'), run: () => openSpace(spaceKey) }];
  show(text('notice.ready.title'), text(DESCRIPTIONS[access ?? 'unknown']), [...open, later()], 'success');
}

async function create(): Promise<void> {
  const working = show(text('notice.working.title'), text('notice.working.text'), []);
  const answer = await callNotice('offer.create', {}).finally(() => working.close());
  const { spaceKey } = answer;
  if (answer.kind === 'ready') showReady(spaceKey, answer.access);
  else if (answer.kind === 'has-space') {
    const open: Action[] = spaceKey === null ? [] : [{ label: text('notice.ready.open-space'), run: () => openSpace(spaceKey) }];
    show(text('notice.has-space.title'), text('notice.has-space.text'), open);
  } else show(text('notice.refused.title'), textOf('notice.refused', answer.reason), [], 'warning');
}

function showOffer(): void {
  show(text('notice.offer.title'), text('notice.offer.text'), [
    { label: text('notice.offer.create'), run: create },
    {
      label: text('notice.later'),
      run: async () => {
        await callNotice('offer.later', {});
      },
    },
    {
      label: text('notice.offer.never'),
      run: async () => {
        await callNotice('offer.never', {});
      },
    },
  ]);
}

async function main(): Promise<void> {
  const { locale } = await view.getContext();
  setLocale(locale);
  const notice = await callNotice('notice.get', {});
  if (notice.kind === 'ready') showReady(notice.spaceKey, notice.access);
  if (notice.kind === 'offer') showOffer();
}

// A notice that cannot be read is no reason to disturb anybody's reading: it comes with the next page.
main().catch((error: unknown) => console.warn('homestead notice', error));

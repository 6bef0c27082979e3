/** Background script: shows the caller's notice as a flag and sends back their answer. */
import { router, showFlag, view } from '@forge/bridge';
import noticeEn from '../../src/locales/app/notice.en-US.json';
import noticeEs from '../../src/locales/app/notice.es-ES.json';
import personEn from '../../src/locales/app/person.en-US.json';
import personEs from '../../src/locales/app/person.es-ES.json';
import type { NoticeView } from '../../src/notices/pending';
import { callPerson } from '../shared/call';
import { moment, setLocale, text, textOf } from '../shared/text';

const FLAG_ID = 'homestead-notice';
/** The page's key in manifest.yml. */
const MY_SPACE = 'my-space';

type Flag = ReturnType<typeof showFlag>;
interface Action {
  label: string;
  run: () => Promise<void>;
}

/** Shows a flag; each action closes it first, so that nobody presses twice. */
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
  await callPerson('notice.dismiss', {});
  await router.navigate({ target: 'spaceView', spaceKey });
}

const DESCRIPTIONS = {
  private: 'notice.ready.private',
  licensed: 'notice.ready.licensed',
  open: 'notice.ready.open',
  unknown: 'notice.ready.unknown',
  sampled: 'notice.ready.sampled',
} as const;

const later = (): Action => ({
  label: text('notice.later'),
  run: async () => {
    await callPerson('notice.dismiss', {});
  },
});

const openAction = (spaceKey: string | null): Action[] =>
  spaceKey === null ? [] : [{ label: text('notice.ready.open-space'), run: () => openSpace(spaceKey) }];

/** Goes to "My personal space", where the details are filled in. */
const fillIn = (): Action => ({
  label: text('notice.fill'),
  run: async () => {
    await callPerson('notice.dismiss', {});
    await router.navigate({ target: 'module', moduleKey: MY_SPACE });
  },
});

type Ready = Pick<NoticeView, 'spaceKey' | 'access' | 'isPromiseBroken' | 'lacksDetails'>;

function showReady({ spaceKey, access, isPromiseBroken, lacksDetails }: Ready, isAdopted = false): void {
  const actions = [...openAction(spaceKey), ...(lacksDetails ? [fillIn()] : []), later()];
  const title = text(isAdopted ? 'notice.adopted.title' : 'notice.ready.title');
  show(title, text(isPromiseBroken ? 'notice.ready.closing' : DESCRIPTIONS[access ?? 'unknown']), actions, 'success');
}

/** @param at when their turn comes (ms); null = nobody can tell */
function showWaiting(at: number | null): void {
  show(text('notice.waiting.title'), at === null ? text('notice.waiting.unknown') : text('notice.waiting.text', moment(at)), []);
}

async function create(): Promise<void> {
  const working = show(text('notice.working.title'), text('notice.working.text'), []);
  const answer = await callPerson('offer.create', {}).finally(() => working.close());
  const { spaceKey } = answer;
  if (answer.kind === 'waiting') showWaiting(answer.servedAt);
  else if (answer.kind === 'ready') showReady({ ...answer, lacksDetails: false });
  else if (answer.kind === 'has-space') show(text('notice.has-space.title'), text('notice.has-space.text'), openAction(spaceKey));
  else show(text('notice.refused.title'), textOf('reason.you', answer.reason), [], 'warning');
}

function showOffer(): void {
  show(text('notice.offer.title'), text('notice.offer.text'), [
    { label: text('notice.offer.create'), run: create },
    {
      label: text('notice.later'),
      run: async () => {
        await callPerson('offer.later', {});
      },
    },
    {
      label: text('notice.offer.never'),
      run: async () => {
        await callPerson('offer.never', {});
      },
    },
  ]);
}

async function main(): Promise<void> {
  const { locale } = await view.getContext();
  // One small script holds both languages.
  await setLocale(locale, { english: { ...noticeEn, ...personEn }, spanish: async () => ({ ...noticeEs, ...personEs }) });
  const notice = await callPerson('notice.get', {});
  if (notice.kind === 'ready' || notice.kind === 'adopted') showReady(notice, notice.kind === 'adopted');
  if (notice.kind === 'details') show(text('notice.details.title'), text('notice.details.text'), [fillIn(), later()]);
  if (notice.kind === 'offer') showOffer();
}

// A notice that cannot be loaded must not disturb anyone's reading: it appears with the next page.
main().catch((error: unknown) => console.warn('homestead notice', error));

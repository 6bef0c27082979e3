/**
 * The site check finds out, on this site, what documentation leaves open. Each check answers with an outcome and
 * what was found; the sentences are in the catalogue. Only `app-role`, `create` and `archive` create anything, as the asking
 * admin or as the app, and delete it again.
 */
import { getAppContext } from '@forge/api';
import { assignAppRole, readRoleMode } from '../confluence/access';
import { asApp, asCaller } from '../confluence/call';
import { createByPermissionList } from '../confluence/creation';
import { readCurrentUser, readPerson } from '../confluence/people';
import { createOwnSpace, listPersonalSpaces, readSpace, setSpaceStatus } from '../confluence/spaces';
import { listTemplates, readTemplateBody } from '../confluence/templates';
import { personalSpaceKey } from '../domain/personal-space-key';
import { readBudget } from '../forge/budget';
import { ConfluenceError, isFinal, NoPoints, PlatformRefusal } from '../forge/errors';
import { lastReportedLeft } from '../forge/meter';
import { renderTemplate } from '../page-templates/render';
import { type AppRoleWay, learnWay, noteAppRoleGrant } from '../provisioning/app-role';
import { createPersonalSpace } from '../provisioning/creation-calls';
import { readPolicy } from '../store/policy';
import {
  type CheckResult,
  type CheckSpace,
  forgetCheckSpace,
  markTrialSpace,
  noteCheckSpace,
  readAppRole,
  readCheckSpaces,
  readCreationCalls,
  readNativeCreation,
  rememberWorkingCall,
} from '../store/site-facts';
import { listCurrentSpaces } from '../store/spaces';
import { CHECK_KEY, deleteLeftBehind, deleteTrialSpace, leftBehind, purposeOf } from './trial-spaces';

export const SITE_CHECKS = [
  'roles',
  'scopes',
  'templates',
  'rights-open',
  'rights-private',
  'app-role',
  'create',
  'archive',
  'native',
  'points',
] as const;
export type SiteCheckName = (typeof SITE_CHECKS)[number];

type Found = Omit<CheckResult, 'at'>;

export interface CheckCaller {
  accountId: string;
  cloudId: string;
  consent: boolean;
}

/** Runs one check, after deleting what an earlier one left behind. A failure of Confluence is a finding, not an error. */
export async function runCheck(name: SiteCheckName, caller: CheckCaller, now: number): Promise<CheckResult> {
  try {
    await deleteLeftBehind(caller.accountId, now);
    return { ...(await CHECKS[name](caller, now)), at: now };
  } catch (error) {
    if (error instanceof NoPoints || !(error instanceof ConfluenceError || error instanceof PlatformRefusal)) throw error;
    return { ...found('unknown', 'failed', { operation: error.operation, status: error.status }), at: now };
  }
}

function found(outcome: Found['outcome'], finding: string, details: Found['details'] = {}): Found {
  return { outcome, finding, details };
}

const CHECKS: Record<SiteCheckName, (caller: CheckCaller, now: number) => Promise<Found>> = {
  roles: async () => {
    const mode = await readRoleMode();
    return found(mode === 'PRE_ROLES' ? 'limited' : 'good', mode);
  },
  scopes: async () => {
    const scopes = getAppContext().permissions?.scopes ?? [];
    const held = Array.isArray(scopes) ? scopes : Object.keys(scopes);
    const missing = SCOPES.filter((scope) => !held.includes(scope));
    return missing.length === 0 ? found('good', 'all', { count: SCOPES.length }) : found('bad', 'missing', { scopes: missing.join(', ') });
  },
  templates: checkTemplates,
  'rights-open': checkOpenSpaces,
  'rights-private': checkPrivateSpaces,
  'app-role': checkAppRole,
  create: checkCreation,
  archive: checkArchive,
  native: async () => {
    const at = await readNativeCreation();
    return at === null ? found('unknown', 'not-seen') : found('limited', 'seen', { seenAt: at });
  },
  points: checkPoints,
};

/** What the app asks for when it is installed, in the order of manifest.yml. */
const SCOPES = [
  'storage:app',
  'read:confluence-content.summary',
  'read:confluence-space.summary',
  'read:confluence-user',
  'read:confluence-groups',
  'read:user:confluence',
  'read:space:confluence',
  'read:page:confluence',
  'write:page:confluence',
  'search:confluence',
  'read:content-details:confluence',
  'write:confluence-space',
  'write:space:confluence',
  'read:space.permission:confluence',
  'write:space.permission:confluence',
  'read:configuration:confluence',
  'read:user.property:confluence',
  'write:user.property:confluence',
];

const NO_VALUES = { name: '', date: '', spaceName: '', spaceKey: '' };

/** Templates that the policy names and that are gone or cannot be used. */
async function checkTemplates(): Promise<Found> {
  const [templates, state] = [await listTemplates(), await readPolicy()];
  const sources =
    state.kind === 'unreadable' ? [] : state.policy.templates.flatMap((t) => [t.homepage, ...t.children.map((c) => c.source)]);
  const ids = new Set(templates.map((t) => t.id));
  const gone = sources.flatMap((source) => (source.kind === 'confluence' && !ids.has(source.templateId) ? [source.templateId] : []));
  if (gone.length > 0) return found('bad', 'gone', { ids: [...new Set(gone)].join(', ') });
  const broken: string[] = [];
  const tooLarge: string[] = [];
  for (const id of new Set(sources.flatMap((source) => (source.kind === 'confluence' ? [source.templateId] : [])))) {
    const body = await readTemplateBody(id);
    const { kind } = body === null ? { kind: 'invalid' } : renderTemplate(body, NO_VALUES);
    if (kind !== 'ok') (kind === 'too-large' ? tooLarge : broken).push(templates.find((t) => t.id === id)?.name ?? id);
  }
  if (broken.length > 0 && tooLarge.length > 0)
    return found('bad', 'broken-and-too-large', { broken: broken.join(', '), tooLarge: tooLarge.join(', ') });
  if (broken.length > 0) return found('bad', 'broken', { names: broken.join(', ') });
  if (tooLarge.length > 0) return found('bad', 'template-too-large', { names: tooLarge.join(', ') });
  return templates.length === 0 ? found('limited', 'none') : found('good', 'some', { count: templates.length });
}

/** Spaces read for each of the two questions about rights; 2 points each. */
const SAMPLE = 10;

async function checkOpenSpaces(): Promise<Found> {
  const { spaces } = await listPersonalSpaces(null, SAMPLE);
  if (spaces.length === 0) return found('unknown', 'none');
  const looked = await Promise.all(spaces.map((space) => readSpace(asApp(), space.id)));
  const administered = looked.filter((space) => space?.canAdminister === true).length;
  return found(administered === spaces.length ? 'good' : administered > 0 ? 'limited' : 'bad', 'share', {
    administered,
    of: spaces.length,
  });
}

async function checkPrivateSpaces(): Promise<Found> {
  const spaces = await listCurrentSpaces(SAMPLE * 2);
  const ids = spaces.flatMap(({ spaceId, access }) => (access.actual === 'private' ? [spaceId] : [])).slice(0, SAMPLE);
  if (ids.length === 0) return found('unknown', 'none');
  const looked = await Promise.all(ids.map((id) => readSpace(asApp(), id)));
  const seen = looked.filter((space) => space !== null).length;
  const administered = looked.filter((space) => space?.canAdminister === true).length;
  return found(administered === ids.length ? 'good' : 'limited', 'share', { seen, administered, of: ids.length });
}

/** Lets the app into a private space of the asking admin's, as provisioning does, and deletes it. */
async function checkAppRole({ accountId, consent }: CheckCaller, now: number): Promise<Found> {
  const { grant } = await readAppRole();
  const known = grant === null ? found('unknown', 'untried') : found(GRANT_OUTCOMES[grant.outcome], grant.outcome, { seenAt: grant.at });
  // One that Confluence did not delete is enough.
  const isLeft = (await readCheckSpaces()).some((space) => space.accountId === accountId && purposeOf(space) === 'app-role');
  if (!consent || isLeft) return known;
  // Nothing is taken from memory: what this site allows is what is to be found out.
  const way = await learnWay({ accountId: null, mode: null, roleId: null, grant }, now);
  if (way.kind === 'refused') return found('limited', 'no-role');
  const noted: CheckSpace = { spaceKey: `${CHECK_KEY}ROLE${now}`, spaceId: null, accountId, since: now, isRefused: false };
  await noteCheckSpace(noted);
  const spaceId = await createLettingIn(noted, way);
  if (spaceId === null) {
    await forgetCheckSpace(noted.spaceKey);
    return found('limited', 'refused', { seenAt: now });
  }
  await noteCheckSpace({ ...noted, spaceId });
  try {
    const isAccepted = way.kind === 'at-creation' || (await isRoleAccepted(spaceId, way));
    await noteAppRoleGrant(isAccepted ? 'accepted' : 'refused', now);
    if (!isAccepted) return found('limited', 'refused', { seenAt: now });
    const isAdmin = (await readSpace(asApp(), spaceId))?.canAdminister === true;
    return isAdmin ? found('good', 'accepted', { seenAt: now }) : found('limited', 'no-effect');
  } finally {
    await deleteTrialSpace({ ...noted, spaceId });
  }
}

const GRANT_OUTCOMES = { accepted: 'good', refused: 'limited' } as const;

/** A private space of the caller's; without roles, one that lets the app in from the start. null = Confluence refused that. */
async function createLettingIn({ spaceKey: key, accountId }: CheckSpace, way: AppRoleWay): Promise<string | null> {
  const name = 'Homestead site check';
  if (way.kind !== 'at-creation') return createOwnSpace(asCaller(), key, name);
  const created = await createByPermissionList(asCaller(), { accountId: accountId ?? '', key, name }, [], way.accountId);
  return created.kind === 'created' ? created.spaceId : null;
}

async function isRoleAccepted(spaceId: string, { role }: Extract<AppRoleWay, { kind: 'role' }>): Promise<boolean> {
  try {
    await assignAppRole(asCaller(), spaceId, role);
    return true;
  } catch (error) {
    if (!isFinal(error)) throw error;
    return false;
  }
}

/** Creates the asking admin's own personal space, if they have none and agree, and deletes it. */
async function checkCreation({ accountId, cloudId, consent }: CheckCaller, now: number): Promise<Found> {
  const { worked } = await readCreationCalls();
  const known = worked === null ? found('unknown', 'untried') : found('good', 'worked', { call: worked });
  if (!consent) return known;
  if ((await readPerson(accountId))?.personalSpaceId) return worked === null ? found('unknown', 'has-space') : known;
  const { displayName } = await readCurrentUser(asCaller());
  const space = { accountId, key: personalSpaceKey(accountId), name: displayName || accountId };
  // The profile lags: a trial space that could not be deleted may not be in it yet.
  if ((await readCheckSpaces()).some(({ spaceKey }) => spaceKey === space.key)) return known;
  const noted: CheckSpace = { spaceKey: space.key, spaceId: null, accountId, since: now, isRefused: false };
  // Its events arrive when it is gone again: they are not about a space that anybody had.
  await markTrialSpace(space.key);
  await noteCheckSpace(noted);
  const created = await createPersonalSpace({
    as: asCaller(),
    cloudId,
    space,
    access: 'private',
    appId: null,
    begun: null,
    begin: async () => {},
  });
  if (created.kind !== 'created') {
    await forgetCheckSpace(space.key);
    return created.kind === 'no-private-way'
      ? found('bad', 'no-private-way', { detail: created.detail })
      : found('bad', 'refused', { detail: 'detail' in created ? created.detail : created.kind });
  }
  const { spaceId, call } = created;
  // The space itself tells at once; the person's profile lags behind it.
  const trial = await readSpace(asCaller(), spaceId);
  const isPersonal = trial?.type === 'personal' && trial.ownerId === accountId;
  if (isPersonal) await rememberWorkingCall(call);
  await deleteTrialSpace({ ...noted, spaceId });
  return isPersonal ? found('good', 'worked', { call }) : found('bad', 'not-personal', { call });
}

/** Archives and restores a private space of the app's own, and deletes it whatever happened. */
async function checkArchive({ consent }: CheckCaller, now: number): Promise<Found> {
  if (!consent) return found('unknown', 'untried');
  const space = await ownTrialSpace(now);
  const { spaceKey, spaceId } = space;
  const statusAfter = async (status: 'archived' | 'current'): Promise<boolean> => {
    try {
      await setSpaceStatus(spaceKey, status);
    } catch (error) {
      if (!isFinal(error) && !(error instanceof ConfluenceError && error.status === 502)) throw error;
    }
    return (await readSpace(asApp(), spaceId))?.status === status;
  };
  try {
    if (!(await statusAfter('archived'))) return found('bad', 'no-archive');
    return (await statusAfter('current')) ? found('good', 'both') : found('bad', 'no-restore');
  } finally {
    await deleteTrialSpace(space);
  }
}

/** A new space; or the one that Confluence refused to delete, since another would stay behind as well. */
async function ownTrialSpace(now: number): Promise<CheckSpace & { spaceId: string }> {
  for (const left of (await readCheckSpaces()).filter(({ accountId }) => accountId === null)) {
    const { spaceId } = left;
    if (left.isRefused && spaceId !== null) return { ...left, spaceId };
    await deleteTrialSpace(left);
  }
  const noted: CheckSpace = { spaceKey: `${CHECK_KEY}${now}`, spaceId: null, accountId: null, since: now, isRefused: false };
  await noteCheckSpace(noted);
  const space = { ...noted, spaceId: await createOwnSpace(asApp(), noted.spaceKey, 'Homestead site check') };
  await noteCheckSpace(space);
  return space;
}

async function checkPoints(_caller: CheckCaller, now: number): Promise<Found> {
  const { spent, limit, quota } = await readBudget(now);
  await readRoleMode();
  const left = lastReportedLeft();
  const details = { spent, limit, quota };
  return left === null ? found('good', 'counted', details) : found('limited', 'near', { ...details, left });
}

/** What is true in addition to a check's last result, and may have changed since then. */
export interface CheckNote {
  /** Key of the catalogue after `site.<name>.`. */
  finding: string;
  details: CheckResult['details'];
}

/** Notes by the check that they belong to. */
export async function checkNotes(now: number): Promise<Record<'create' | 'archive' | 'app-role', CheckNote[]>> {
  const [{ unfit }, left] = await Promise.all([readCreationCalls(), leftBehind(now)]);
  const notes = (purpose: ReturnType<typeof purposeOf>): CheckNote[] =>
    left.filter((space) => purposeOf(space) === purpose).map(({ spaceKey }) => ({ finding: 'left-behind', details: { key: spaceKey } }));
  return {
    create: [...unfit.map(({ call, until }) => ({ finding: 'unfit', details: { call, untilAt: until } })), ...notes('create')],
    archive: notes('archive'),
    'app-role': notes('app-role'),
  };
}

/**
 * The site check finds out, on this site, what documentation leaves open. Each check answers with an
 * outcome and what was found; the sentences stand in the catalogue. Only `create` and `archive` make
 * anything, on the asking admin's own account and in a space of the app's, and remove it again.
 */
import { getAppContext } from '@forge/api';
import { readRoleMode } from '../confluence/access';
import { asApp, asCaller } from '../confluence/call';
import { readCurrentUser, readPerson } from '../confluence/people';
import { createOwnSpace, deleteSpace, listPersonalSpaces, readSpace, setSpaceStatus } from '../confluence/spaces';
import { listTemplates, readTemplateBody } from '../confluence/templates';
import { readBudget } from '../forge/budget';
import { ConfluenceError, isFinal, NoPoints, PlatformRefusal } from '../forge/errors';
import { lastReportedLeft } from '../forge/meter';
import { renderTemplate } from '../page-templates/render';
import { createPersonalSpace, rememberCall } from '../provisioning/creation-calls';
import { personalSpaceKey } from '../provisioning/personal-space-key';
import { readPolicy } from '../store/policy';
import {
  type CheckResult,
  markTrialSpace,
  readCheckSpace,
  readCreationStrategies,
  readNativeCreation,
  writeCheckSpace,
} from '../store/site-facts';
import { listCurrentSpaces } from '../store/spaces';

export const SITE_CHECKS = [
  'roles',
  'scopes',
  'templates',
  'rights-open',
  'rights-private',
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

/** Runs one check. A failure of Confluence is a finding, not an error. */
export async function runCheck(name: SiteCheckName, caller: CheckCaller, now: number): Promise<CheckResult> {
  try {
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
  create: checkCreation,
  archive: checkArchive,
  native: async () => {
    const at = await readNativeCreation();
    return at === null ? found('unknown', 'not-seen') : found('limited', 'seen', { seenAt: at });
  },
  points: checkPoints,
};

/** What the app asks for when it is installed, by what it is needed for (manifest.yml). */
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

/** Templates that the policy names and that are gone, or cannot be used. */
async function checkTemplates(): Promise<Found> {
  const [templates, state] = [await listTemplates(), await readPolicy()];
  const sources =
    state.kind === 'unreadable' ? [] : state.policy.templates.flatMap((t) => [t.homepage, ...t.children.map((c) => c.source)]);
  const ids = new Set(templates.map((t) => t.id));
  const gone = sources.flatMap((source) => (source.kind === 'confluence' && !ids.has(source.templateId) ? [source.templateId] : []));
  if (gone.length > 0) return found('bad', 'gone', { ids: [...new Set(gone)].join(', ') });
  const broken: string[] = [];
  for (const id of new Set(sources.flatMap((source) => (source.kind === 'confluence' ? [source.templateId] : [])))) {
    const body = await readTemplateBody(id);
    if (body === null || renderTemplate(body, NO_VALUES).kind === 'invalid') broken.push(templates.find((t) => t.id === id)?.name ?? id);
  }
  if (broken.length > 0) return found('bad', 'broken', { names: broken.join(', ') });
  return templates.length === 0 ? found('limited', 'none') : found('good', 'some', { count: templates.length });
}

/** Spaces looked at for each of the two questions about rights; 2 points each. */
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

/** Makes the asking admin's own personal space, if they have none and agree, and removes it. */
async function checkCreation({ accountId, cloudId, consent }: CheckCaller): Promise<Found> {
  const { worked } = await readCreationStrategies();
  const known = worked === null ? found('unknown', 'untried') : found('good', 'worked', { call: worked });
  if (!consent) return known;
  if ((await readPerson(accountId))?.personalSpaceId) return worked === null ? found('unknown', 'has-space') : known;
  const { displayName } = await readCurrentUser(asCaller());
  const space = { accountId, key: personalSpaceKey(accountId), name: displayName || accountId };
  // Its events arrive when it is gone again: they are not about a space that anybody had.
  await markTrialSpace(space.key);
  const made = await createPersonalSpace({ as: asCaller(), cloudId, space, access: 'private', begun: null, begin: async () => {} });
  if (made.kind === 'no-private-way') return found('bad', 'no-private-way', { detail: made.detail });
  if (made.kind !== 'created') return found('bad', 'refused', { detail: 'detail' in made ? made.detail : made.kind });
  // The space itself tells at once; the person's profile lags behind it.
  const trial = await readSpace(asCaller(), made.spaceId);
  const isPersonal = trial?.type === 'personal' && trial.ownerId === accountId;
  await deleteSpace(asCaller(), space.key);
  if (!isPersonal) return found('bad', 'not-personal', { call: made.call });
  await rememberCall(made.call);
  return found('good', 'worked', { call: made.call });
}

/**
 * Makes a private space of the app's own, archives it, restores it, and deletes it whatever happened.
 * One that a stopped check left behind is deleted first.
 */
async function checkArchive({ consent }: CheckCaller, now: number): Promise<Found> {
  if (!consent) return found('unknown', 'untried');
  const left = await readCheckSpace();
  if (left !== null) await removeCheckSpace(left);
  const key = `HSCHECK${now}`;
  await writeCheckSpace(key);
  const spaceId = await createOwnSpace(key, 'Homestead site check');
  const statusAfter = async (status: 'archived' | 'current'): Promise<boolean> => {
    try {
      await setSpaceStatus(key, status);
    } catch (error) {
      if (!isFinal(error) && !(error instanceof ConfluenceError && error.status === 502)) throw error;
    }
    return (await readSpace(asApp(), spaceId))?.status === status;
  };
  try {
    if (!(await statusAfter('archived'))) return found('bad', 'no-archive');
    return (await statusAfter('current')) ? found('good', 'both') : found('bad', 'no-restore');
  } finally {
    await removeCheckSpace(key);
  }
}

async function removeCheckSpace(key: string): Promise<void> {
  try {
    await deleteSpace(asApp(), key);
  } catch (error) {
    // It was never made, or is gone already.
    if (!(error instanceof ConfluenceError && error.status === 404)) throw error;
  }
  await writeCheckSpace(null);
}

async function checkPoints(_caller: CheckCaller, now: number): Promise<Found> {
  const { spent, limit, quota } = await readBudget(now);
  await readRoleMode();
  const left = lastReportedLeft();
  const details = { spent, limit, quota };
  return left === null ? found('good', 'counted', details) : found('limited', 'near', { ...details, left });
}

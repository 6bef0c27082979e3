/** Small facts about the site that the app has learned. */
import { kvs, WhereConditions as Where } from '@forge/kvs';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { currentInstallation } from '../forge/installation';

/** Records say how they are shaped, so that a later version can read earlier ones. */
const SCHEMA_VERSION = 1;
const schemaVersion = z.literal(SCHEMA_VERSION);

/**
 * Reading these for each of many people would use up what storage allows in a minute, so a process knows them for a while. Whoever
 * changes one reads it first.
 */
const KNOWN_MS = 60_000;
/** The same for what was found out once, and holds for days. */
const FOUND_OUT_MS = 600_000;
const known = new LRUCache<string, object>({ max: 500, ttl: KNOWN_MS });
const nameOf = (key: string): string => `${currentInstallation()} ${key}`;

/** @param isFoundOut whether nothing more is to be learned of it for days */
async function knownFact<T extends object>(
  key: string,
  read: () => Promise<T>,
  isFoundOut: (fact: T) => boolean = () => false,
): Promise<T> {
  const name = nameOf(key);
  const remembered = known.get(name) as T | undefined;
  if (remembered) return remembered;
  const fact = await read();
  known.set(name, fact, { ttl: isFoundOut(fact) ? FOUND_OUT_MS : KNOWN_MS });
  return fact;
}

async function writeFact(key: string, fact: object): Promise<void> {
  await kvs.set(key, { schemaVersion: SCHEMA_VERSION, ...fact });
  known.delete(nameOf(key));
}

const CREATION_CALLS_KEY = 'creation-calls';
/** A call that created something other than a personal space is tried again after this: one odd answer is not the site's last word. */
const UNFIT_MS = 30 * 86_400_000;
const UnfitCall = z.object({ call: z.string(), until: z.number() });
const CreationCalls = z.object({
  schemaVersion,
  worked: z.string().nullable(),
  unfit: z.array(UnfitCall),
  /** People for whom every call was refused, since one was accepted. */
  refusals: z.number().int().default(0),
});
export type CreationCalls = Pick<z.infer<typeof CreationCalls>, 'worked' | 'unfit' | 'refusals'>;

/** Which creation call worked last on this site, and which are not used for a while, until when (ms). */
export const knownCreationCalls = (): Promise<CreationCalls> => knownFact(CREATION_CALLS_KEY, readCreationCalls);

export async function readCreationCalls(): Promise<CreationCalls> {
  const parsed = CreationCalls.safeParse(await kvs.get<unknown>(CREATION_CALLS_KEY));
  if (!parsed.success) return { worked: null, unfit: [], refusals: 0 };
  const now = Date.now();
  const { worked, unfit, refusals } = parsed.data;
  return { worked, unfit: unfit.filter(({ until }) => until > now), refusals };
}

const writeCreationCalls = ({ worked, unfit, refusals }: CreationCalls): Promise<void> =>
  writeFact(CREATION_CALLS_KEY, { worked, unfit, refusals });

/** The call that worked is tried first from now on. @returns whether others had been refused before */
export async function rememberWorkingCall(call: string): Promise<boolean> {
  const remembered = await knownCreationCalls();
  if (remembered.worked === call && remembered.refusals === 0) return false;
  const calls = await readCreationCalls();
  if (calls.worked !== call || calls.refusals > 0) await writeCreationCalls({ ...calls, worked: call, refusals: 0 });
  return calls.refusals > 0;
}

/** Confluence refused every call for somebody. @returns for how many people in a row it has done so */
export async function rememberRefusal(): Promise<number> {
  const calls = await readCreationCalls();
  const refusals = calls.refusals + 1;
  await writeCreationCalls({ ...calls, refusals });
  return refusals;
}

/** The call created something other than a personal space. */
export async function rememberUnfitCall(call: string): Promise<void> {
  const { worked, unfit, refusals } = await readCreationCalls();
  const others = unfit.filter((known) => known.call !== call);
  const until = Date.now() + UNFIT_MS;
  await writeCreationCalls({ worked: worked === call ? null : worked, unfit: [...others, { call, until }], refusals });
}

/** Every call may be tried again. */
export async function forgetUnfitCalls(): Promise<void> {
  const calls = await readCreationCalls();
  if (calls.unfit.length > 0) await writeCreationCalls({ ...calls, unfit: [] });
}

const APP_ROLE_KEY = 'app-role';
/** A refusal is not the site's last word: an admin may change what apps are allowed, and Confluence may too. */
export const APP_ROLE_RETRY_MS = 86_400_000;

const AppRole = z.object({
  schemaVersion,
  /** The app's own account. */
  accountId: z.string().nullable(),
  /** How permissions work here, and when that was read (ms). */
  mode: z.object({ name: z.enum(['PRE_ROLES', 'ROLES_TRANSITION', 'ROLES']), at: z.number() }).nullable(),
  /** The role that administers a space. */
  roleId: z.string().nullable(),
  /** Whether people may give that role to the app, as Confluence last answered. */
  grant: z.object({ outcome: z.enum(['accepted', 'refused']), at: z.number() }).nullable(),
});
export type AppRoleFacts = Omit<z.infer<typeof AppRole>, 'schemaVersion'>;

/** What has been learned about the app's own role in people's spaces. */
export const knownAppRole = (): Promise<AppRoleFacts> => knownFact(APP_ROLE_KEY, readAppRole);

export async function readAppRole(): Promise<AppRoleFacts> {
  const parsed = AppRole.safeParse(await kvs.get<unknown>(APP_ROLE_KEY));
  if (!parsed.success) return { accountId: null, mode: null, roleId: null, grant: null };
  const { accountId, mode, roleId, grant } = parsed.data;
  return { accountId, mode, roleId, grant };
}

/** Remembers what is new of it. */
export async function learnAppRole(learned: Partial<AppRoleFacts>): Promise<void> {
  await writeFact(APP_ROLE_KEY, { ...(await readAppRole()), ...learned });
}

const PROFILE_KEY = 'profile';
const Profile = z.object({
  schemaVersion,
  /** Whether a person's own profile names their personal space, once that was found out. */
  outcome: z.enum(['named', 'not-named']).nullable(),
  /** A space that Homestead created: by its owner it is found out. */
  sample: z.string().nullable(),
  /** When that was found out, or the space created (ms). */
  at: z.number(),
});
export type ProfileFacts = Omit<z.infer<typeof Profile>, 'schemaVersion'>;

export const knownProfileFacts = (): Promise<ProfileFacts> => knownFact(PROFILE_KEY, readProfileFacts, ({ outcome }) => outcome !== null);

export async function readProfileFacts(): Promise<ProfileFacts> {
  const parsed = Profile.safeParse(await kvs.get<unknown>(PROFILE_KEY));
  return parsed.success ? parsed.data : { outcome: null, sample: null, at: 0 };
}

export const writeProfileFacts = ({ outcome, sample, at }: ProfileFacts): Promise<void> => writeFact(PROFILE_KEY, { outcome, sample, at });

const AppsSeen = z.object({ schemaVersion, accountIds: z.array(z.string()) });
/** A site has a few dozen apps with accounts of their own. */
const MAX_APPS = 500;
const APPS_KEY = 'apps-seen';

/** Accounts of apps that were met in the permissions of spaces: an account never becomes another kind of account. */
export async function knownApps(): Promise<readonly string[]> {
  const read = async (): Promise<{ accountIds: readonly string[] }> =>
    AppsSeen.safeParse(await kvs.get<unknown>(APPS_KEY)).data ?? { accountIds: [] };
  return (await knownFact(APPS_KEY, read)).accountIds;
}

export async function learnApps(accountIds: readonly string[]): Promise<void> {
  const all = [...new Set([...(await knownApps()), ...accountIds])].slice(-MAX_APPS);
  await writeFact(APPS_KEY, { accountIds: all });
}

const Closing = z.object({
  schemaVersion,
  mode: z.enum(['PRE_ROLES', 'ROLES_TRANSITION', 'ROLES']),
  /** What was promised to the space that was looked at, and who could see it when that had been set. */
  promised: z.enum(['private', 'licensed']),
  actual: z.enum(['private', 'licensed', 'open', 'unknown']),
  at: z.number(),
});
export type ClosingFacts = Omit<z.infer<typeof Closing>, 'schemaVersion'>;
const closingKey = (promised: ClosingFacts['promised']): string => `closing:${promised}`;

/** What came of setting the access of one space on this site, looked at as a sample; null = none was. */
export async function knownClosing(promised: ClosingFacts['promised']): Promise<ClosingFacts | null> {
  const key = closingKey(promised);
  const read = async (): Promise<{ sample: ClosingFacts | null }> => ({
    sample: Closing.safeParse(await kvs.get<unknown>(key)).data ?? null,
  });
  return (await knownFact(key, read, ({ sample }) => sample !== null)).sample;
}

export const writeClosing = (facts: ClosingFacts): Promise<void> => writeFact(closingKey(facts.promised), facts);

const NativeCreation = z.object({ schemaVersion, at: z.number() });

/** When Confluence was last seen creating a personal space on its own (ms); null = not yet. */
export async function readNativeCreation(): Promise<number | null> {
  const parsed = NativeCreation.safeParse(await kvs.get<unknown>('native-creation'));
  return parsed.success ? parsed.data.at : null;
}

export async function writeNativeCreation(at: number): Promise<void> {
  await kvs.set('native-creation', { schemaVersion: SCHEMA_VERSION, at });
}

const CheckResult = z.object({
  outcome: z.enum(['good', 'limited', 'bad', 'unknown']),
  /** Key of the catalogue that says what was found. */
  finding: z.string(),
  details: z.record(z.string(), z.union([z.string(), z.number()])),
  at: z.number(),
});
export type CheckResult = z.infer<typeof CheckResult>;
const SiteCheck = z.object({ schemaVersion, results: z.record(z.string(), CheckResult) });

/** Results of the site check by the name of the check. */
export async function readSiteCheck(): Promise<Record<string, CheckResult>> {
  const parsed = SiteCheck.safeParse(await kvs.get<unknown>('site-check'));
  return parsed.success ? parsed.data.results : {};
}

export async function writeSiteCheck(results: Record<string, CheckResult>): Promise<void> {
  await kvs.set('site-check', { schemaVersion: SCHEMA_VERSION, results });
}

const FirstStart = z.object({
  schemaVersion,
  at: z.number(),
  /** Personal spaces looked at for the mark of an earlier installation, and how many bear it. */
  spaces: z.number().int(),
  marks: z.number().int(),
});
export type FirstStart = Omit<z.infer<typeof FirstStart>, 'schemaVersion'>;

/** What the first start of this installation found (`privacy/first-start.ts`); null = it was not finished. */
export async function readFirstStart(): Promise<FirstStart | null> {
  const parsed = FirstStart.safeParse(await kvs.get<unknown>('first-start'));
  return parsed.success ? { at: parsed.data.at, spaces: parsed.data.spaces, marks: parsed.data.marks } : null;
}

export async function writeFirstStart(found: FirstStart): Promise<void> {
  await kvs.set('first-start', { schemaVersion: SCHEMA_VERSION, ...found });
}

const Quota = z.object({ points: z.number().int().positive() });

/** Points an hour that Confluence last named in its headers; null = not yet. */
export async function readQuota(): Promise<number | null> {
  const parsed = Quota.safeParse(await kvs.get<unknown>('quota'));
  return parsed.success ? parsed.data.points : null;
}

export async function writeQuota(points: number): Promise<void> {
  await kvs.set('quota', { points });
}

const AdminSeen = z.object({ at: z.number() });
/** How long a person is remembered as an administrator (`mayPause`). */
export const ADMIN_DAYS = 30;
const ADMIN_PREFIX = 'admin:';
const adminKey = (accountId: string): string => `${ADMIN_PREFIX}${accountId}`;

/** When Confluence last said that this person administers it (ms); null = never, or too long ago. */
export async function readAdminSeen(accountId: string): Promise<number | null> {
  const parsed = AdminSeen.safeParse(await kvs.get<unknown>(adminKey(accountId)));
  return parsed.success ? parsed.data.at : null;
}

/** Account ids of administrators that are remembered. */
export async function listAdminsSeen(limit: number, cursor: string | null): Promise<{ accountIds: string[]; cursor: string | null }> {
  const query = kvs.query().where('key', Where.beginsWith(ADMIN_PREFIX)).limit(limit);
  const page = await (cursor === null ? query : query.cursor(cursor)).getMany();
  return { accountIds: page.results.map(({ key }) => key.slice(ADMIN_PREFIX.length)), cursor: page.nextCursor ?? null };
}

/** `at` null: Confluence says that they do not. */
export async function writeAdminSeen(accountId: string, at: number | null): Promise<void> {
  if (at === null) await kvs.delete(adminKey(accountId));
  else await kvs.set(adminKey(accountId), { at }, { ttl: { value: ADMIN_DAYS, unit: 'DAYS' } });
}

/** For this long after the site check tries to create a personal space, events about one with this key are its own. */
const TRIAL_MS = 3_600_000;
/** Only saves room: storage may return a value for 48 hours after it has expired. */
const TRIAL_TTL = { ttl: { value: 1, unit: 'HOURS' } } as const;
const Trial = z.object({ schemaVersion, until: z.number() });
/** Keys of personal spaces begin with `~`, which keys of storage may not contain. */
const trialKey = (spaceKey: string): string => `trial-space:${spaceKey.replace('~', '')}`;

export async function markTrialSpace(spaceKey: string): Promise<void> {
  await kvs.set(trialKey(spaceKey), { schemaVersion: SCHEMA_VERSION, until: Date.now() + TRIAL_MS }, TRIAL_TTL);
}

export async function isTrialSpace(spaceKey: string): Promise<boolean> {
  const trial = Trial.safeParse(await kvs.get<unknown>(trialKey(spaceKey)));
  return trial.success && Date.now() < trial.data.until;
}

/** A space that the site check is about to create, or created and has not deleted yet. */
const CheckSpace = z.object({
  spaceKey: z.string(),
  /** null until it is created. */
  spaceId: z.string().nullable(),
  /** Whose personal space it is; null = the app's own. */
  accountId: z.string().nullable(),
  /** When it was noted (ms). */
  since: z.number(),
  /** The check is over, and Confluence refused to delete the space. */
  isRefused: z.boolean(),
});
export type CheckSpace = z.infer<typeof CheckSpace>;
const CheckSpaces = z.object({ schemaVersion, spaces: z.array(CheckSpace) });

export async function readCheckSpaces(): Promise<CheckSpace[]> {
  const parsed = CheckSpaces.safeParse(await kvs.get<unknown>('check-spaces'));
  return parsed.success ? parsed.data.spaces : [];
}

export async function noteCheckSpace(space: CheckSpace): Promise<void> {
  await writeCheckSpaces([...(await readCheckSpaces()).filter(({ spaceKey }) => spaceKey !== space.spaceKey), space]);
}

export async function forgetCheckSpace(key: string): Promise<void> {
  await writeCheckSpaces((await readCheckSpaces()).filter(({ spaceKey }) => spaceKey !== key));
}

async function writeCheckSpaces(spaces: CheckSpace[]): Promise<void> {
  if (spaces.length === 0) await kvs.delete('check-spaces');
  else await kvs.set('check-spaces', { schemaVersion: SCHEMA_VERSION, spaces });
}

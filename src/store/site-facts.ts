/** Small facts about the site that the app has learnt. */
import { kvs } from '@forge/kvs';
import { z } from 'zod';

const CreationStrategies = z.object({ worked: z.string().nullable(), unfit: z.array(z.string()) });
export type CreationStrategies = z.infer<typeof CreationStrategies>;

/** Which creation call worked last on this site, and which made something other than a personal space. */
export async function readCreationStrategies(): Promise<CreationStrategies> {
  const parsed = CreationStrategies.safeParse(await kvs.get<unknown>('creation-strategies'));
  return parsed.success ? parsed.data : { worked: null, unfit: [] };
}

export async function writeCreationStrategies(strategies: CreationStrategies): Promise<void> {
  await kvs.set('creation-strategies', strategies);
}

const NativeCreation = z.object({ at: z.number() });

/** When Confluence was last seen making a personal space by itself (ms); null = not yet. */
export async function readNativeCreation(): Promise<number | null> {
  const parsed = NativeCreation.safeParse(await kvs.get<unknown>('native-creation'));
  return parsed.success ? parsed.data.at : null;
}

export async function writeNativeCreation(at: number): Promise<void> {
  await kvs.set('native-creation', { at });
}

const CheckResult = z.object({
  outcome: z.enum(['good', 'limited', 'bad', 'unknown']),
  /** Key of the catalogue that says what was found. */
  finding: z.string(),
  details: z.record(z.string(), z.union([z.string(), z.number()])),
  at: z.number(),
});
export type CheckResult = z.infer<typeof CheckResult>;
const SiteCheck = z.record(z.string(), CheckResult);

/** Results of the site check by the name of the check. */
export async function readSiteCheck(): Promise<Record<string, CheckResult>> {
  const parsed = SiteCheck.safeParse(await kvs.get<unknown>('site-check'));
  return parsed.success ? parsed.data : {};
}

export async function writeSiteCheck(results: Record<string, CheckResult>): Promise<void> {
  await kvs.set('site-check', results);
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
/** How long it is remembered that somebody administered the site (`mayPause`). */
export const ADMIN_DAYS = 30;
const adminKey = (accountId: string): string => `admin:${accountId}`;

/** When Confluence last said that this person administers it (ms); null = never, or too long ago. */
export async function readAdminSeen(accountId: string): Promise<number | null> {
  const parsed = AdminSeen.safeParse(await kvs.get<unknown>(adminKey(accountId)));
  return parsed.success ? parsed.data.at : null;
}

/** `at` null: Confluence says that they do not. */
export async function writeAdminSeen(accountId: string, at: number | null): Promise<void> {
  if (at === null) await kvs.delete(adminKey(accountId));
  else await kvs.set(adminKey(accountId), { at }, { ttl: { value: ADMIN_DAYS, unit: 'DAYS' } });
}

/** So long after the site check has tried to create a personal space, events about one with this key are its own. */
const TRIAL_MS = 3_600_000;
/** Only tidies up: storage may return a value for 48 hours after it has expired. */
const TRIAL_TTL = { ttl: { value: 1, unit: 'HOURS' } } as const;
const Trial = z.object({ until: z.number() });
/** Keys of personal spaces begin with `~`, which keys of storage may not contain. */
const trialKey = (spaceKey: string): string => `trial-space:${spaceKey.replace('~', '')}`;

export async function markTrialSpace(spaceKey: string): Promise<void> {
  await kvs.set(trialKey(spaceKey), { until: Date.now() + TRIAL_MS }, TRIAL_TTL);
}

export async function isTrialSpace(spaceKey: string): Promise<boolean> {
  const trial = Trial.safeParse(await kvs.get<unknown>(trialKey(spaceKey)));
  return trial.success && Date.now() < trial.data.until;
}

const CheckSpace = z.object({ spaceKey: z.string() });

/** The space that the site check was about to make, or made; null = it left none behind. */
export async function readCheckSpace(): Promise<string | null> {
  const parsed = CheckSpace.safeParse(await kvs.get<unknown>('check-space'));
  return parsed.success ? parsed.data.spaceKey : null;
}

export async function writeCheckSpace(spaceKey: string | null): Promise<void> {
  if (spaceKey === null) await kvs.delete('check-space');
  else await kvs.set('check-space', { spaceKey });
}

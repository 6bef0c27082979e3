/**
 * The first start of an installation. Storage is empty after a reinstall, so who declined and whose space was removed is
 * forgotten, but the homepages still bear Homestead's mark. A site that has some begins paused, until an admin has brought the
 * promises back.
 */
import { defineWork, HOURLY_MS } from '../agenda/define';
import { listPages } from '../confluence/pages';
import { listPersonalSpaces } from '../confluence/spaces';
import { DEFAULT_POLICY, type PolicyState } from '../domain/policy/document';
import { MINUTE_MS } from '../domain/time';
import { within } from '../forge/budget';
import { isFinal, StaleRecord } from '../forge/errors';
import { describe, log } from '../forge/log';
import { bearsMark } from '../page-templates/builtin';
import { readPolicy, writePolicy } from '../store/policy';
import { type FirstStart, readFirstStart, writeFirstStart } from '../store/site-facts';

/** The oldest and the newest personal spaces, this many of each: between them lie those that Confluence created on its own. */
const SPACES_AT_EACH_END = 25;

/** Nobody has to open the admin page for it. */
export const firstStart = defineWork({
  kind: 'first-start',
  everyMs: HOURLY_MS,
  leaseMs: MINUTE_MS,
  run: (now) => within('admin', () => finishFirstStart(now)),
});

/**
 * Looks for marks, once for each installation, and pauses the policy where it finds some. It may stop anywhere and be repeated.
 * @throws ConfluenceError when it should be tried again
 */
export async function finishFirstStart(now: number): Promise<void> {
  if (await readFirstStart()) return;
  // Whoever has saved a policy knows what is on their site.
  const isNew = (await readPolicy()).kind === 'unset';
  const found = isNew ? await lookForMarks() : { spaces: 0, marks: 0 };
  if (found.marks > 0) await beginPaused(now);
  await writeFirstStart({ at: now, ...found });
}

async function lookForMarks(): Promise<Omit<FirstStart, 'at'>> {
  try {
    const oldest = await listPersonalSpaces(null, SPACES_AT_EACH_END);
    const newest = await listPersonalSpaces(null, SPACES_AT_EACH_END, { sort: '-id' });
    const spaces = new Map([...oldest.spaces, ...newest.spaces].map((space) => [space.id, space]));
    const homepageIds = [...spaces.values()].flatMap((space) => space.homepageId ?? []);
    const pages = homepageIds.length === 0 ? [] : await listPages(homepageIds);
    return { spaces: spaces.size, marks: pages.filter((page) => bearsMark(page.version.message)).length };
  } catch (error) {
    // What Confluence refuses for good would keep every policy from being saved.
    if (!isFinal(error)) throw error;
    log('first-start-not-seen', describe(error));
    return { spaces: 0, marks: 0 };
  }
}

async function beginPaused(now: number): Promise<void> {
  const pause = { paused: true, administratorSince: null };
  try {
    await writePolicy(0, { policy: { ...DEFAULT_POLICY, paused: true }, savedBy: 'app', now, reason: null, restores: null, pause });
  } catch (error) {
    // An admin was faster: they have decided.
    if (!(error instanceof StaleRecord)) throw error;
  }
}

/** The policy for an admin. Where there is none yet, the first start comes before it. @throws ConfluenceError */
export async function readPolicyAfterFirstStart(): Promise<PolicyState> {
  const state = await readPolicy();
  if (state.kind !== 'unset') return state;
  await finishFirstStart(Date.now());
  return readPolicy();
}

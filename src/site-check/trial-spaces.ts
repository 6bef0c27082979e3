/**
 * The spaces that the site check creates and deletes again. Each is noted before it is created, so that one that
 * stays behind (the check was stopped, or Confluence refused to delete it) is named, and the next check tries again.
 */
import { asApp, asCaller } from '../confluence/call';
import { countBlogPosts, listNewestPages } from '../confluence/pages';
import { countOthers } from '../confluence/search';
import { deleteSpace, findSpaceByKey, readSpace, type SpaceRecord } from '../confluence/spaces';
import { isUntouched } from '../domain/provisioning/adoption';
import { ConfluenceError, PlatformRefusal } from '../forge/errors';
import { type CheckSpace, forgetCheckSpace, noteCheckSpace, readCheckSpaces } from '../store/site-facts';
import { readSpaceRecord } from '../store/spaces';

/** A note this old belongs to no running check: a function of a page has 25 s (Forge: invocation limits). */
const RUNNING_MS = 60_000;

/** How the keys of the ordinary spaces begin that checks create; nobody would choose such a key. */
export const CHECK_KEY = 'HSCHECK';

/** What a space that a check left behind was for: whose it is, and what kind, tells. */
export function purposeOf({ accountId, spaceKey }: CheckSpace): 'create' | 'archive' | 'app-role' {
  if (accountId === null) return 'archive';
  return spaceKey.startsWith(CHECK_KEY) ? 'app-role' : 'create';
}

/** The spaces that earlier checks left behind. */
export async function leftBehind(now: number): Promise<CheckSpace[]> {
  return (await readCheckSpaces()).filter(({ isRefused, since }) => isRefused || now - since > RUNNING_MS);
}

/** Deletes what earlier checks left behind: the app's own spaces, and the caller's. What cannot be deleted stays noted. */
export async function deleteLeftBehind(callerId: string, now: number): Promise<void> {
  for (const space of await leftBehind(now)) {
    try {
      const isCallers = space.accountId === callerId && (purposeOf(space) !== 'create' || (await isStillTrial(space)));
      if (space.accountId === null || isCallers) await deleteTrialSpace(space);
    } catch (error) {
      // That must not stop the check that was asked for.
      if (!isRefusal(error)) throw error;
    }
  }
}

const isRefusal = (error: unknown): error is ConfluenceError | PlatformRefusal =>
  error instanceof ConfluenceError || error instanceof PlatformRefusal;

/** Deletes the space, or notes that it stays. */
export async function deleteTrialSpace(space: CheckSpace): Promise<void> {
  try {
    await deleteSpace(space.accountId === null ? asApp() : asCaller(), space.spaceKey);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    // 404: it was never created, or is gone already.
    if (error.status !== 404) return noteCheckSpace({ ...space, isRefused: true });
  }
  await forgetCheckSpace(space.spaceKey);
}

/** A personal space is deleted only while it is as the check created it. If someone has started to use it, it is theirs, and the note about it is removed. */
async function isStillTrial(noted: CheckSpace): Promise<boolean> {
  const space = await readNoted(noted);
  const isTrial = space !== null && (await isUnused(space, noted));
  if (!isTrial) await forgetCheckSpace(noted.spaceKey);
  return isTrial;
}

const readNoted = ({ spaceId, spaceKey }: CheckSpace): Promise<SpaceRecord | null> =>
  spaceId === null ? findSpaceByKey(asCaller(), spaceKey) : readSpace(asCaller(), spaceId);

async function isUnused(space: SpaceRecord, { accountId, since }: CheckSpace): Promise<boolean> {
  const isOfTheCheck = space.type === 'personal' && space.ownerId === accountId && Math.abs(space.createdAt - since) <= RUNNING_MS;
  if (!isOfTheCheck || accountId === null || (await readSpaceRecord(space.id)) !== null) return false;
  const pages = (await listNewestPages(asCaller(), space.id)).map((page) => ({
    id: page.id,
    versions: page.version.number,
    createdAt: Date.parse(page.createdAt),
    isOwnVersion: false,
  }));
  const [blogPosts, others] = [await countBlogPosts(asCaller(), space.id), await countOthers(asCaller(), space.key)];
  return isUntouched(space, { pages, blogPosts, others, sharedWith: 'unknown' }) === true;
}

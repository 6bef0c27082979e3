/** Who may use the admin page. Each throws AppError `not-admin`, or what Confluence answered when it could not be asked. */
import { callerIsAdmin } from '../confluence/people';
import { DAY_MS, MINUTE_MS } from '../domain/time';
import { AppError, ConfluenceError, isStorageError, PlatformRefusal } from '../forge/errors';
import { describe, log } from '../forge/log';
import { ADMIN_DAYS, readAdminSeen, writeAdminSeen } from '../store/site-facts';
import type { Caller } from './define';

/** Somebody who loses the admin's rights may read and save for at most this long. */
const REMEMBERED_MS = 10 * MINUTE_MS;
const PAUSE_REMEMBERED_MS = ADMIN_DAYS * DAY_MS;
/** A pause waits at most this long for Confluence to confirm a remembered administrator. A function of a page has 25 s (Forge: limits). */
const PAUSE_CONFIRM_MS = 5_000;

/** To read, and to save. */
export async function administers(caller: Caller): Promise<void> {
  const seen = await readAdminSeen(caller.accountId);
  if (!isWithin(seen, REMEMBERED_MS)) await administersNow(caller);
}

/** For whatever acts on spaces or people: start, resume, undo, restore, remove. Always asks Confluence. */
export async function administersNow({ accountId }: Caller): Promise<void> {
  const isAdmin = await callerIsAdmin();
  if (isAdmin) await remember(accountId);
  else if ((await readAdminSeen(accountId)) !== null) await writeAdminSeen(accountId, null);
  if (!isAdmin) throw new AppError('not-admin');
}

/** What Confluence has just said holds, also when it cannot be remembered. */
async function remember(accountId: string): Promise<void> {
  try {
    await writeAdminSeen(accountId, Date.now());
  } catch (error) {
    if (!isStorageError(error)) throw error;
    log('standing-not-remembered', describe(error));
  }
}

/** To pause, which is safe: while Confluence cannot be asked, whoever was recently an administrator may do that, and only that. */
export async function mayPause(caller: Caller): Promise<void> {
  if (!isWithin(await readAdminSeen(caller.accountId), PAUSE_REMEMBERED_MS)) return administers(caller);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const tooLate = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, PAUSE_CONFIRM_MS);
  });
  try {
    await Promise.race([administers(caller), tooLate]);
  } catch (error) {
    const isTransient = (error instanceof ConfluenceError || error instanceof PlatformRefusal) && error.isTransient;
    if (!isTransient) throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** How the trail describes a caller whom `mayPause` accepted. */
export async function standingOf({ accountId }: Caller): Promise<{ standing: 'confirmed' | 'remembered'; standingSince: number | null }> {
  const seen = await readAdminSeen(accountId);
  return { standing: isWithin(seen, REMEMBERED_MS) ? 'confirmed' : 'remembered', standingSince: seen };
}

const isWithin = (seen: number | null, ms: number): boolean => seen !== null && Date.now() - seen < ms;

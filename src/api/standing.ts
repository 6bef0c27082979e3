/** Who may use the admin page. Each throws AppError `not-admin`, or what Confluence answered when it could not be asked. */
import { callerIsAdmin } from '../confluence/people';
import { AppError } from '../forge/errors';
import type { Caller } from './define';

/** To read, and to save. */
export async function administers(caller: Caller): Promise<void> {
  await administersNow(caller);
}

/** For whatever acts on spaces or people: start, resume, undo, restore, remove. Always asks Confluence. */
export async function administersNow(_caller: Caller): Promise<void> {
  if (!(await callerIsAdmin())) throw new AppError('not-admin');
}

/** To pause, which is safe. */
export async function mayPause(caller: Caller): Promise<void> {
  await administersNow(caller);
}

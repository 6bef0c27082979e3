/** Closed accounts are taken out of everything that Homestead stores. What it did to their spaces stays, without them. */

import { defineWork, HOURLY_MS } from '../agenda/define';
import { eraseAccounts } from '../directory/accounts';
import type { TrailEvent } from '../domain/event';
import { forgetRemover, isIn } from '../domain/person';
import { MINUTE_MS } from '../domain/time';
import { StaleRecord, UnreadableRecord } from '../forge/errors';
import { commit, newTransaction } from '../forge/kvs';
import { log } from '../forge/log';
import { eraseFromRows } from '../jobs/accounts';
import { forgetStarter } from '../jobs/record';
import { listClosedAccounts, type RowsWalk, readRowsWalk, removeClosedAccount, writeRowsWalk } from '../store/accounts';
import { erasePerson, readPersonRecord, writePerson } from '../store/people';
import { forgetSaver } from '../store/policy';
import { writeAdminSeen } from '../store/site-facts';
import { listSpacesOf, setSpace } from '../store/spaces';
import { eraseFromEntries, readEntriesOf } from '../store/trail';

/** Accounts in one turn of the schedule; the rest comes with the next. */
const ACCOUNTS_PER_TURN = 50;
/** Nobody has more than one personal space at a time; a few may have been created one after another. */
const SPACES_PER_ACCOUNT = 25;

export const erasure = defineWork({ kind: 'erasure', everyMs: HOURLY_MS, leaseMs: MINUTE_MS, run: eraseClosedAccounts });

/** An account stays on the list until every step is done; each step may be repeated. */
async function eraseClosedAccounts(now: number, deadline: number): Promise<void> {
  const hasTime = (): boolean => Date.now() < deadline;
  const walk = await readRowsWalk();
  if (walk !== null) return eraseFromAllRows(walk, now, hasTime);
  const erased: string[] = [];
  for (const accountId of await listClosedAccounts(ACCOUNTS_PER_TURN)) {
    if (!hasTime()) break;
    try {
      if (!(await eraseFromRecords(accountId, now, hasTime))) break;
      erased.push(accountId);
    } catch (error) {
      // Somebody wrote one of the records at the same moment: the next turn begins again.
      if (!(error instanceof StaleRecord)) throw error;
      log('erasure-postponed', {});
    }
  }
  if (erased.length > 0) await eraseFromAllRows({ accountIds: erased, cursor: null, hasLeft: false }, now, hasTime);
}

/** The rows of jobs are many, and are walked once for all these accounts; when time runs out, the next turn continues. */
async function eraseFromAllRows(from: RowsWalk, now: number, hasTime: () => boolean): Promise<void> {
  let walk = from;
  const closed = new Set(walk.accountIds);
  do {
    await writeRowsWalk(walk);
    if (!hasTime()) return;
    const { cursor, hasLeft } = await eraseFromRows(closed, walk.cursor, now);
    walk = { ...walk, cursor, hasLeft: walk.hasLeft || hasLeft };
  } while (walk.cursor !== null);
  if (walk.hasLeft) {
    await writeRowsWalk({ ...walk, hasLeft: false });
    return;
  }
  for (const accountId of walk.accountIds) await removeClosedAccount(accountId);
  await writeRowsWalk(null);
}

/** @returns false when time ran out first */
async function eraseFromRecords(accountId: string, now: number, hasTime: () => boolean): Promise<boolean> {
  for (const space of await listSpacesOf(accountId, SPACES_PER_ACCOUNT)) {
    const transaction = newTransaction();
    setSpace(transaction, { ...space, ownerId: null, key: null });
    await commit(transaction);
  }
  for (const filter of ['actor', 'accountId'] as const) {
    let cursor: string | null = null;
    do {
      if (!hasTime()) return false;
      const page: Awaited<ReturnType<typeof readEntriesOf>> = await readEntriesOf(filter, accountId, cursor);
      // The entries say which other records name the account: they are last to lose it.
      for (const { event } of page.entries) if (event?.by === accountId) await eraseFromSubject(event, accountId, now);
      await eraseFromEntries(page.entries, accountId);
      cursor = page.cursor;
    } while (cursor !== null);
  }
  await forgetStarter(accountId);
  await writeAdminSeen(accountId, null);
  await erasePerson(accountId);
  await eraseAccounts([accountId]);
  return true;
}

/** Takes the account out of the record that an entry by it is about. */
async function eraseFromSubject({ accountId: subject, body }: TrailEvent, accountId: string, now: number): Promise<void> {
  if (body.kind === 'policy-saved' || body.kind === 'policy-paused') await forgetSaver(body.version, accountId);
  if (body.kind !== 'removed' || subject === null || subject === accountId) return;
  const person = await readPersonRecord(subject).catch((error: unknown) => {
    if (error instanceof UnreadableRecord) return null;
    throw error;
  });
  if (isIn(person, 'removed') && person.by === accountId) await writePerson(person, forgetRemover(person), { by: 'app', at: now });
}

/** Once a week Atlassian is told which accounts Homestead stores, and answers which of them are closed. */
import { defineWork, HOURLY_MS } from '../agenda/define';
import { listAccountsInDirectory } from '../directory/accounts';
import { DAY_MS, MINUTE_MS } from '../domain/time';
import { log } from '../forge/log';
import { ACCOUNTS_PER_REPORT, reportAccounts } from '../forge/personal-data';
import { listAccountsInRows } from '../jobs/accounts';
import { addClosedAccount, listAccounts, REPORTED, type Report, readReport, writeReport } from '../store/accounts';
import { listAdminsSeen } from '../store/site-facts';

/** The reporting cycle (Atlassian: user privacy guidelines). */
const REPORT_EVERY_MS = 7 * DAY_MS;
/** Pages of records in one turn of the schedule; the rest comes with the next. */
const PAGES_PER_TURN = 20;
/** A record names two accounts at most, and a page goes into one call. */
const RECORDS_PER_PAGE = ACCOUNTS_PER_REPORT / 2;

export const accountReport = defineWork({
  kind: 'account-report',
  everyMs: HOURLY_MS,
  leaseMs: MINUTE_MS,
  run: reportStoredAccounts,
});

type Walk = NonNullable<Report['walk']>;

async function reportStoredAccounts(now: number, deadline: number): Promise<void> {
  let report = await readReport();
  if (report === null) {
    await writeReport({ doneAt: now, walk: null });
    return;
  }
  if (report.walk === null) {
    if (now < report.doneAt + REPORT_EVERY_MS) return;
    report = { ...report, walk: { startedAt: now, source: REPORTED[0], cursor: null } };
  }
  // Most people are named by several records: within a turn, once is enough.
  const reported = new Set<string>();
  for (let page = 0; page < PAGES_PER_TURN && report.walk !== null && Date.now() < deadline; page += 1) {
    report = await reportPage(report, report.walk, reported, now);
    await writeReport(report);
  }
  if (report.walk === null) log('accounts-reported', { last: reported.size });
}

async function reportPage(report: Report, walk: Walk, reported: Set<string>, now: number): Promise<Report> {
  const { accounts, cursor } = await accountsOf(walk, now);
  const fresh = [...accounts].filter(([accountId]) => !reported.has(accountId));
  for (let from = 0; from < fresh.length; from += ACCOUNTS_PER_REPORT) {
    const few = new Map(fresh.slice(from, from + ACCOUNTS_PER_REPORT));
    for (const accountId of await reportAccounts(few)) await addClosedAccount(accountId);
    for (const accountId of few.keys()) reported.add(accountId);
  }
  if (cursor !== null) return { ...report, walk: { ...walk, cursor } };
  const next = REPORTED[REPORTED.indexOf(walk.source) + 1];
  // The week counts from the beginning, so that a long report does not delay the next one.
  return next === undefined ? { doneAt: walk.startedAt, walk: null } : { ...report, walk: { ...walk, source: next, cursor: null } };
}

/** Account ids of one page of what is walked through, and when they were stored (ms). */
async function accountsOf({ source, cursor }: Walk, now: number): Promise<{ accounts: Map<string, number>; cursor: string | null }> {
  if (source !== 'rows' && source !== 'admins' && source !== 'directory') return listAccounts(source, RECORDS_PER_PAGE, cursor, now);
  const page = await PAGES[source](cursor);
  return { accounts: new Map(page.accountIds.map((accountId) => [accountId, now])), cursor: page.cursor };
}

type AccountPage = Awaited<ReturnType<typeof listAccountsInRows>>;
/** What is not a record: some account ids from where the cursor says. */
const PAGES: Record<'rows' | 'admins' | 'directory', (cursor: string | null) => Promise<AccountPage>> = {
  rows: listAccountsInRows,
  admins: (cursor) => listAdminsSeen(RECORDS_PER_PAGE, cursor),
  directory: (cursor) => listAccountsInDirectory(ACCOUNTS_PER_REPORT, cursor),
};

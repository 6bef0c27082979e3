/** Once a week Atlassian is told which accounts Homestead stores, and answers which of them are closed. */
import { defineWork, HOURLY_MS } from '../agenda/define';
import { DAY_MS, MINUTE_MS } from '../domain/time';
import { log } from '../forge/log';
import { ACCOUNTS_PER_REPORT, reportAccounts } from '../forge/personal-data';
import { ACCOUNT_SOURCES, addClosedAccount, listAccounts, type Report, readReport, writeReport } from '../store/accounts';

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

async function reportStoredAccounts(now: number, deadline: number): Promise<void> {
  let report = await readReport();
  if (report === null) {
    await writeReport({ doneAt: now, walk: null });
    return;
  }
  if (report.walk === null) {
    if (now < report.doneAt + REPORT_EVERY_MS) return;
    report = { ...report, walk: { startedAt: now, source: ACCOUNT_SOURCES[0], cursor: null } };
  }
  // Most people are named by several records: within a turn, once is enough.
  const reported = new Set<string>();
  for (let page = 0; page < PAGES_PER_TURN && report.walk !== null && Date.now() < deadline; page += 1) {
    report = await reportPage(report, report.walk, reported, now);
    await writeReport(report);
  }
  if (report.walk === null) log('accounts-reported', { last: reported.size });
}

async function reportPage(report: Report, walk: NonNullable<Report['walk']>, reported: Set<string>, now: number): Promise<Report> {
  const { accounts, cursor } = await listAccounts(walk.source, RECORDS_PER_PAGE, walk.cursor, now);
  for (const accountId of reported) accounts.delete(accountId);
  if (accounts.size > 0) {
    for (const accountId of await reportAccounts(accounts)) await addClosedAccount(accountId);
    for (const accountId of accounts.keys()) reported.add(accountId);
  }
  if (cursor !== null) return { ...report, walk: { ...walk, cursor } };
  const next = ACCOUNT_SOURCES[ACCOUNT_SOURCES.indexOf(walk.source) + 1];
  // The week counts from the beginning, so that a long report does not delay the next one.
  return next === undefined ? { doneAt: walk.startedAt, walk: null } : { ...report, walk: { ...walk, source: next, cursor: null } };
}

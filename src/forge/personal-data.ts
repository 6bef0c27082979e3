/** The report of stored personal data that Atlassian asks of every app. */
import { privacy } from '@forge/api';
import { z } from 'zod';
import { ConfluenceError } from './errors';

/** Accounts in one call (Atlassian: user privacy guidelines). */
export const ACCOUNTS_PER_REPORT = 90;

const Answer = z.array(z.object({ accountId: z.string(), status: z.string() }));

/** @returns which of these accounts are closed. @param accounts at most 90: when each was stored (ms), by account id */
export async function reportAccounts(accounts: ReadonlyMap<string, number>): Promise<string[]> {
  const reported = [...accounts].map(([accountId, at]) => ({ accountId, updatedAt: new Date(at).toISOString() }));
  try {
    const answer = Answer.parse(await privacy.reportPersonalData(reported));
    // `updated` asks for a refresh of names and the like, which are not stored.
    return answer.filter(({ status }) => status === 'closed').map(({ accountId }) => accountId);
  } catch (error) {
    // @forge/api rejects with the response itself.
    if (error instanceof Response) throw new ConfluenceError('report accounts', error.status, '', null);
    throw error;
  }
}

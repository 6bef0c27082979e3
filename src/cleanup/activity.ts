/** Asks the search index whether spaces are idle right now: comments and attachments show nowhere else. */
import { askForChanges } from '../confluence/search';
import { type Answer, FIRST_PACE, nextQuestion, type Question, takeAnswer } from '../domain/probe';
import { dayOf } from '../domain/time';
import { ConfluenceError } from '../forge/errors';

/** `active`: it names a change. `unknown`: it gives no answer that can be relied on. */
export type Activity = 'idle' | 'active' | 'unknown';

interface Asked {
  spaceId: string;
  key: string;
}

/** What leaves everything open. */
const NOTHING_CERTAIN: Answer = { hits: [], isComplete: false, total: null };

/** Whether anything changed in these spaces since then (ms), by id. A change on that day counts. */
export async function readActivity(spaces: readonly Asked[], since: number): Promise<Map<string, Activity>> {
  const day = dayOf(since);
  const found = new Map<string, Activity>();
  let pace = FIRST_PACE;
  let left = spaces.map(({ spaceId, key }) => ({ id: spaceId, key, since: day }));
  for (let question = nextQuestion(left, pace); question !== null; question = nextQuestion(left, pace)) {
    const answer = takeAnswer(question, await askOnce(question), pace);
    pace = answer.pace;
    // Days begin a day early, for time zones: what is named may be older.
    for (const { id, day: changedOn } of answer.changed) found.set(id, changedOn >= day ? 'active' : 'idle');
    for (const id of answer.idle) found.set(id, 'idle');
    for (const id of answer.unknown) found.set(id, 'unknown');
    left = left.filter(({ id }) => !found.has(id));
  }
  return found;
}

/** An answer that cannot be read settles nothing; asking for fewer spaces finds out whose it is. */
async function askOnce({ asked, hits }: Question): Promise<Answer> {
  try {
    return await askForChanges(asked, hits);
  } catch (error) {
    if (error instanceof ConfluenceError && error.isOwnFinding) return NOTHING_CERTAIN;
    throw error;
  }
}

/**
 * The line: people who could not be served when they came. The schedule counts them, and serves as many as time and the hour's points
 * allow, several at a time, those first who asked for their space themselves.
 */
import { defineListedWork, defineWork, EVERY_THIRD_TICK_MS, TICK_MS } from '../agenda/define';
import { asPerson } from '../confluence/call';
import type { BudgetClass } from '../domain/budget';
import { isIn } from '../domain/person';
import { HOUR_MS, MINUTE_MS } from '../domain/time';
import { isHeld, LANES, type Lane, type LineCount, type Waiting } from '../domain/turn';
import { within } from '../forge/budget';
import { hasTime, RESERVE_MS, remainingMs } from '../forge/deadline';
import { isRateLimit, NoPoints, UnreadableRecord, willPass } from '../forge/errors';
import { describe, log } from '../forge/log';
import { pointsSoFar } from '../forge/meter';
import { allRefusedAwake, listPeople, REFUSED_PEOPLE, wake } from '../store/people';
import { readPolicy } from '../store/policy';
import { IN_LINE, LATER, LINE, listWaiting, pagesOf, REFUSED, readMarks, removeMarks, writeLineCount } from '../store/waiting';
import { countLine } from './line-view';
import { provision } from './provision';
import { PEOPLE_AT_ONCE, serve, type Turn } from './serve';

/** Nobody's turn begins with less time than this: one person took 11 s at most on the local site with Confluence at its slowest. */
const TIME_FOR_ONE_MS = 15_000;
/** Different people for whom Confluence failed, one after another: it is the site's failure, and the line waits for the next tick. */
const MAX_FAILURES = 3;
/** People tried while Confluence refuses to create spaces, at the first tick of each hour. */
const TRIED_WHILE_REFUSED = 5;

const ACCOUNTS: Record<Lane, BudgetClass> = { clicks: 'person', arrivals: 'events' };

export const waitingLine = defineListedWork({
  kind: 'waiting',
  list: LINE,
  run: (marks, now) => workOff(marks, now, Date.now() + remainingMs() - RESERVE_MS),
});

/** People on one page of those who were refused. */
const REFUSED_PER_PAGE = 100;

/** Those whom Confluence refused, once it does so no more. Of those who are awake already, nothing is written again. */
export const refusedPeople = defineListedWork({ kind: 'refused-people', list: REFUSED_PEOPLE, run: (_ids, now) => wakeThem(now) });

async function wakeThem(now: number): Promise<void> {
  let cursor: string | undefined;
  do {
    const page = await listPeople('refused', REFUSED_PER_PAGE, cursor);
    for (const person of page.people) await wake(person, now);
    cursor = page.cursor ?? undefined;
  } while (cursor !== undefined && hasTime());
  if (cursor === undefined) await allRefusedAwake();
}

/** Whoever was left behind by an invocation that ended early is on no list. */
export const leftBehind = defineWork({ kind: 'left-behind', everyMs: EVERY_THIRD_TICK_MS, leaseMs: MINUTE_MS, run: serveLeftBehind });

async function serveLeftBehind(now: number, deadline: number): Promise<void> {
  if ((await readMarks()).length > 0) return;
  const waiting = (await Promise.all(LANES.map((lane) => listWaiting(lane, 0, now)))).flat();
  if (waiting.some((one) => !isHeld(one, now))) await workOff([], now, deadline);
}

/** What has happened in one round. */
interface Round {
  /** Whether Confluence refuses to create spaces: then a few try. */
  isTrial: boolean;
  served: number;
  points: number;
  failures: number;
  /** Nobody's turn begins after this (ms), or once the round is over. */
  until: number;
  isOver: boolean;
  /** Left in the line for want of points. */
  lacksPoints: boolean;
  /** Those who had their turn: queries lag behind. */
  seen: Set<string>;
  /** How many have left the line by it. */
  gone: number;
}

const mayGoOn = ({ isOver, until }: Round): boolean => !isOver && Date.now() < until;

async function workOff(marks: readonly string[], now: number, deadline: number): Promise<void> {
  const before = await countLine(now);
  const policy = await readPolicy();
  // While nothing may happen, everybody keeps their place.
  if (policy.kind === 'unreadable' || policy.policy.paused) return writeLineCount(before);
  const nothing = { served: 0, points: 0, failures: 0, isOver: false, lacksPoints: false, gone: 0 };
  const round: Round = { ...nothing, isTrial: marks.includes(REFUSED), until: deadline - TIME_FOR_ONE_MS, seen: new Set() };
  if (!round.isTrial || now % HOUR_MS < TICK_MS) for (const lane of LANES) await serveLane(lane, round);
  const after = afterRound(before, round);
  await writeLineCount(after);
  await keepMarks(marks, round, after);
}

async function serveLane(lane: Lane, round: Round): Promise<void> {
  // One class may be out of points while the other is not.
  round.isOver = round.failures >= MAX_FAILURES;
  for await (const page of pagesOf(lane, 0, Date.now)) {
    const line = page.values();
    const inTurn = async (): Promise<void> => {
      for (const waiting of line) {
        if (!mayGoOn(round)) return;
        round.seen.add(waiting.accountId);
        await serveNext(waiting, round);
      }
    };
    await Promise.all(Array.from({ length: round.isTrial ? 1 : PEOPLE_AT_ONCE }, inTurn));
    if (!mayGoOn(round)) return;
  }
}

async function serveNext(waiting: Waiting, round: Round): Promise<void> {
  const { accountId, cloudId, occasion, lane } = waiting;
  try {
    await within(ACCOUNTS[lane], async () => {
      const subject = { accountId, as: asPerson(accountId), isPerson: true, cloudId, occasion, now: Date.now() };
      const turn = await serve(waiting, () => provision(subject));
      if (turn.kind === 'served') round.gone += 1;
      note(round, turn, pointsSoFar());
    });
  } catch (error) {
    log('person-not-served', { accountId, ...describe(error) });
    // What will not pass is this person's own: they are out of the line. Storage that asks to wait is everybody's.
    if (!(error instanceof UnreadableRecord)) round.failures += 1;
    round.isOver ||= willPass(error) || round.failures >= MAX_FAILURES;
  }
}

function note(round: Round, turn: Turn, points: number): void {
  if (turn.kind === 'held') return;
  if (turn.kind === 'waits') {
    if (turn.error instanceof NoPoints) round.lacksPoints = true;
    else round.failures += 1;
    round.isOver ||= isRateLimit(turn.error) || round.failures >= MAX_FAILURES;
    return;
  }
  round.failures = 0;
  const { person } = turn.result;
  // Whoever cost nothing says nothing of what the others cost.
  if (points > 0) {
    round.served += 1;
    round.points += points;
  }
  if (!round.isTrial) return;
  if (isIn(person, 'ready')) round.isTrial = false;
  else if (isIn(person, 'refused') || round.served >= TRIED_WHILE_REFUSED) round.isOver = true;
}

/** How much a new round changes what one person is thought to cost. */
const WEIGHT = 0.5;

function afterRound(before: LineCount, { served, points, gone }: Round): LineCount {
  const { pointsPerPerson } = before;
  const lately = served === 0 ? pointsPerPerson : points / served;
  return { ...before, served: gone, pointsPerPerson: pointsPerPerson * (1 - WEIGHT) + lately * WEIGHT };
}

/** The list says whether newcomers have to stand behind others, and whether the next tick has anything to do here. */
async function keepMarks(marks: readonly string[], round: Round, after: LineCount): Promise<void> {
  if (marks.includes(REFUSED) && !round.isTrial) await removeMarks([REFUSED]);
  // Not in the round that empties it: somebody may be joining on the strength of the mark in this very moment.
  if (after.count > 0 || round.lacksPoints) return;
  const now = Date.now();
  const left = (await Promise.all(LANES.map((lane) => listWaiting(lane, 0, Number.MAX_SAFE_INTEGER)))).flat();
  // Those who have joined since the line was counted come at the next tick.
  if (left.some((one) => one.dueAt <= now && !isHeld(one, now) && !round.seen.has(one.accountId))) return;
  await removeMarks(left.some(({ dueAt }) => dueAt > now) ? [IN_LINE] : [IN_LINE, LATER]);
}

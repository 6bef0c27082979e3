/** What a policy would change for everybody, counted over the directory by the decision that everything else uses. */
import { GROUPS_PER_PAGE, listGroupMembers } from '../confluence/people';
import { knownOf, type PeopleClass, readClasses } from '../directory/classes';
import { listReadGroups, type ReadGroup } from '../directory/people';
import { makePossibleOutcomes } from '../domain/bounds';
import { type ListedOutcome, outcomeFor } from '../domain/directory';
import type { Policy } from '../domain/policy/document';
import { groupsOf } from '../domain/policy/match';
import type { Outcome } from '../domain/provisioning/outcome';

/** People shown for each change. */
const EXAMPLES = 5;
/** Groups asked for their size: 3 points each. Of more, nobody says how many people are in them. */
const SIZES_READ = 60;
/** Requests at a time: bursts are limited, without published numbers. */
const AT_ONCE = 5;

/** An outcome and the rule that it comes from; null = no rule: everyone else, or it did not come to that. */
export interface RuledOutcome extends Outcome {
  ruleId: string | null;
}

export interface Transition {
  from: RuledOutcome;
  to: RuledOutcome;
  count: number;
  examples: string[];
}

export interface Simulation {
  /** Everybody with a license, as far as they are known. */
  people: number;
  /** Whose outcome changes. With groups that nobody has read: at most as many, and at least `changedAtLeast`. */
  changed: number;
  changedAtLeast: number;
  /** Ids of the groups that nobody has read. */
  unread: string[];
  /** Changes that are certain, the most frequent first. */
  transitions: Transition[];
  /** Everybody under the second policy whose outcome is certain. */
  outcomes: (Outcome & { count: number })[];
  /** People whose outcome depends on a group that nobody has read. */
  undecided: number;
}

/** Groups that these policies name and whose members nobody has read. */
export function unreadGroups(policies: readonly Policy[], groups: readonly ReadGroup[]): string[] {
  const read = new Set(groups.filter(({ readAt }) => readAt !== null).map(({ id }) => id));
  return [...new Set(policies.flatMap(groupsOf))].filter((id) => !read.has(id));
}

/** How many people change outcome between two policies, from what to what. Exact but for the day's limit, unless groups are unread. */
export async function simulate(before: Policy, after: Policy, now: number): Promise<Simulation> {
  const groups = await listReadGroups();
  const unread = unreadGroups([before, after], groups);
  const members = unread.length === 0 ? 0 : await countMembers(unread);
  const groupIds = new Map(groups.map(({ number, id }) => [number, id]));
  const count = new Count(before, after, new Set(unread), now);
  for (const row of await readClasses([before, after], now)) count.add(row, groupIds);
  return { ...count.total(members), unread };
}

/** At most so many people are in any of these groups. */
async function countMembers(unread: readonly string[]): Promise<number> {
  if (unread.length > SIZES_READ) return Number.POSITIVE_INFINITY;
  return (await readSizes(unread)).reduce((sum, size) => sum + size, 0);
}

/** Members of each group, those who are suspended included; a group that is gone has none. */
async function readSizes(groupIds: readonly string[]): Promise<number[]> {
  const sizes: number[] = [];
  for (let from = 0; from < groupIds.length; from += AT_ONCE)
    sizes.push(...(await Promise.all(groupIds.slice(from, from + AT_ONCE).map(readSize))));
  return sizes;
}

async function readSize(groupId: string): Promise<number> {
  const group = await listGroupMembers(groupId, 0, 1);
  return group ? (group.total ?? Number.POSITIVE_INFINITY) : 0;
}

/** Points for reading these groups' members; of many groups, an estimate from the first. */
export async function costOfReading(groupIds: readonly string[]): Promise<number> {
  const sizes = (await readSizes(groupIds.slice(0, SIZES_READ))).map((size) => (Number.isFinite(size) ? size : 0));
  const points = sizes.reduce((sum, size) => sum + Math.max(1, Math.ceil(size / GROUPS_PER_PAGE)) + 2 * size, 0);
  return Math.ceil(sizes.length === 0 ? 0 : (points / sizes.length) * groupIds.length);
}

const isSame = (a: Outcome, b: Outcome): boolean => a.kind === b.kind && a.reason === b.reason;
const wordsOf = ({ kind, reason }: Outcome): string => `${kind} ${reason}`;
/** One outcome, if all of them are the same. */
const only = ([first, ...others]: readonly ListedOutcome[]): ListedOutcome | null =>
  first && others.every((other) => isSame(first, other)) ? first : null;

class Count {
  private readonly transitions = new Map<string, Transition>();
  private readonly outcomes = new Map<string, Outcome & { count: number }>();
  private people = 0;
  private undecided = 0;
  /** By what each class can come to: at least, at most; and if nobody were in the unread groups. */
  private readonly changed = { least: 0, most: 0, inNone: 0 };
  private readonly possibleBefore: ReturnType<typeof makePossibleOutcomes>;
  private readonly possibleAfter: ReturnType<typeof makePossibleOutcomes>;
  /** Whatever groups people are in, the same policy treats them the same. */
  private readonly isSamePolicy: boolean;

  constructor(
    private readonly before: Policy,
    private readonly after: Policy,
    private readonly unread: ReadonlySet<string>,
    private readonly now: number,
  ) {
    this.possibleBefore = makePossibleOutcomes(before, unread, now);
    this.possibleAfter = makePossibleOutcomes(after, unread, now);
    this.isSamePolicy = JSON.stringify(before) === JSON.stringify(after);
  }

  add(row: PeopleClass, groupIds: ReadonlyMap<number, string>): void {
    const known = knownOf(row, groupIds, this.now);
    const [from, to] = [outcomeFor(known, this.before, this.now), outcomeFor(known, this.after, this.now)];
    this.people += row.people;
    if (!isSame(from, to)) this.changed.inNone += row.people;
    if (this.unread.size === 0) {
      this.addCertain(row, from, to);
      return;
    }
    const [before, after] = [this.possibleBefore(known), this.possibleAfter(known)];
    const [onlyBefore, onlyAfter] = [only(before), only(after)];
    if (onlyBefore && onlyAfter) {
      this.addCertain(row, onlyBefore, onlyAfter);
      return;
    }
    if (onlyAfter) this.addOutcome(row, onlyAfter);
    else this.undecided += row.people;
    if (this.isSamePolicy) return;
    this.changed.most += row.people;
    if (!before.some((one) => after.some((other) => isSame(one, other)))) this.changed.least += row.people;
  }

  private addCertain(row: PeopleClass, from: ListedOutcome, to: ListedOutcome): void {
    this.addOutcome(row, to);
    if (isSame(from, to)) return;
    this.changed.least += row.people;
    this.changed.most += row.people;
    const key = `${wordsOf(from)} ${from.ruleId} ${wordsOf(to)} ${to.ruleId}`;
    const transition = this.transitions.get(key) ?? { from: ruled(from), to: ruled(to), count: 0, examples: [] };
    transition.count += row.people;
    if (transition.examples.length < EXAMPLES) transition.examples.push(row.example);
    this.transitions.set(key, transition);
  }

  private addOutcome(row: PeopleClass, outcome: ListedOutcome): void {
    const { kind, reason } = outcome;
    const entry = this.outcomes.get(wordsOf(outcome)) ?? { kind, reason, count: 0 };
    entry.count += row.people;
    this.outcomes.set(wordsOf(outcome), entry);
  }

  /**
   * Two bounds, and the closer one counts: what the classes can come to; and that nobody but the members of the unread groups,
   * of whom there are at most so many, can differ from what is without these groups.
   */
  total(members: number): Omit<Simulation, 'unread'> {
    const { least, most, inNone } = this.changed;
    const byCount = (a: { count: number }, b: { count: number }): number => b.count - a.count;
    return {
      people: this.people,
      changed: Math.min(most, inNone + members),
      changedAtLeast: Math.max(least, inNone - members),
      transitions: [...this.transitions.values()].sort(byCount),
      outcomes: [...this.outcomes.values()].sort(byCount),
      undecided: this.undecided,
    };
  }
}

const ruled = ({ kind, reason, ruleId }: ListedOutcome): RuledOutcome => ({ kind, reason, ruleId });

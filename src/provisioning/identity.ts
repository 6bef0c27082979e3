/**
 * Who a person is, by one question instead of two: asked as themselves, Confluence says what they may do, their language, and their
 * personal space. That it names the space is in its documents, and relied on only once this site has shown it.
 */
import { asPerson, type Requester } from '../confluence/call';
import { factsOf, readCurrentUser, readPerson, readStanding, type Standing } from '../confluence/people';
import { isIn, type Person } from '../domain/person';
import type { PersonFacts } from '../domain/provisioning/decide';
import { DAY_MS, MINUTE_MS } from '../domain/time';
import { ConfluenceError, PlatformRefusal } from '../forge/errors';
import { describe, log } from '../forge/log';
import { knownProfileFacts, type ProfileFacts, readProfileFacts, writeProfileFacts } from '../store/site-facts';
import { readSpaceRecord } from '../store/spaces';

/** Profiles lag behind (the local site assumes a second). */
const SETTLED_AFTER_MS = MINUTE_MS;
/** Confluence may change. */
const RECHECK_MS = 30 * DAY_MS;

const isKnown = ({ outcome, at }: ProfileFacts, now: number): boolean => outcome !== null && now - at < RECHECK_MS;

interface Identity {
  person: PersonFacts;
  standing: Standing['facts'];
  user: Standing['user'];
}

/** @returns null when it takes two questions: on this site, or because of what is remembered of them */
export async function readIdentity(as: Requester, accountId: string, record: Person | null, now: number): Promise<Identity | null> {
  // A space that was archived or trashed need not be in a profile, and protects its owner from a second one.
  if (isIn(record, 'removed', 'has-space', 'ready')) return null;
  const known = await knownProfileFacts();
  const outcome = isKnown(known, now) ? known.outcome : await learn(known, now);
  if (outcome !== 'named') return null;
  const { facts, user } = await readStanding(as);
  // Whoever cannot be asked as themselves is looked up: the reason matters.
  return user?.accountId === accountId ? { person: factsOf(user), standing: facts, user } : null;
}

/** Looks whether somebody whose space was created a while ago finds it in their own profile. */
async function learn({ sample, at, outcome }: ProfileFacts, now: number): Promise<ProfileFacts['outcome']> {
  if (!sample || now - at < SETTLED_AFTER_MS) return null;
  try {
    const ownerId = (await readSpaceRecord(sample))?.ownerId ?? null;
    if (ownerId === null || (await readPerson(ownerId))?.personalSpaceId !== sample) {
      // Not theirs any more, or not yet: somebody else will tell.
      await writeProfileFacts({ outcome, sample: null, at });
      return null;
    }
    const own = factsOf(await readCurrentUser(asPerson(ownerId)));
    const found = own.personalSpaceId === sample ? 'named' : 'not-named';
    await writeProfileFacts({ outcome: found, sample: null, at: now });
    return found;
  } catch (error) {
    // A resolver acts as its caller only; an event or the schedule will find out.
    if (!(error instanceof PlatformRefusal) && !(error instanceof ConfluenceError && !error.isTransient)) throw error;
    log('profile-unknown', describe(error));
    return null;
  }
}

/** Homestead has created this space: by it can be found out what profiles say. */
export async function offerSample(spaceId: string, now: number): Promise<void> {
  if (isKnown(await knownProfileFacts(), now)) return;
  const known = await readProfileFacts();
  if (!isKnown(known, now) && !known.sample) await writeProfileFacts({ ...known, sample: spaceId, at: now });
}

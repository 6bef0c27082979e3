/** A person's own space: the details they fill in, and who can see it. */
import { z } from 'zod';
import { type Readers, readReaders, readReadersAndApp, readRoleMode } from '../confluence/access';
import { asCaller } from '../confluence/call';
import { type Page, readPageBody, writePageBody } from '../confluence/pages';
import { readCurrentUser, readPerson } from '../confluence/people';
import { readSpace, readSpaceProperty, type SpaceRecord, writeSpaceProperty } from '../confluence/spaces';
import { checkFields, type FieldProblem, type FieldValues, lacksDetails } from '../domain/fields';
import { isOpen } from '../domain/notice';
import { detailsGiven, isIn, type Person } from '../domain/person';
import type { Field } from '../domain/policy/document';
import { templateOf } from '../domain/policy/match';
import type { RoleMode } from '../domain/provisioning/decide';
import type { AppRole, PromisedSpace } from '../domain/space';
import { AppError, isFinal } from '../forge/errors';
import { answerAll } from '../notices/notices';
import { detailsMessage } from '../page-templates/builtin';
import { type DetailsOnPage, readDetails, writeDetails } from '../page-templates/details-table';
import { matchFor } from '../provisioning/explain';
import { accessOf, settleAccess, writePromise } from '../provisioning/promised-access';
import { readNotices } from '../store/notices';
import { readPersonRecord, readPolicyAndPerson, writePerson } from '../store/people';
import { readSpaceRecord } from '../store/spaces';
import { type DetailsMerge, mergeDetails, shownDetails } from './merge-details';

/** The space property that keeps the values, readable by everyone who sees the space. */
const DETAILS_PROPERTY = 'homestead-details';
const StoredDetails = z.object({ values: z.record(z.string(), z.string()) });
/** How many times the homepage is read again because someone else saved it in between. */
const HOMEPAGE_ATTEMPTS = 4;

export interface DetailsView {
  fields: Field[];
  values: FieldValues;
}

export interface DetailsAnswer {
  problems: Record<string, FieldProblem>;
  /** `left-alone`: the homepage could not be changed; the values are kept nevertheless. null: nothing was saved. */
  homepage: 'written' | 'left-alone' | null;
  /** What the homepage says for the fields whose problem is `changed-on-page` or `rich-on-page`. */
  onPage?: FieldValues;
}

export interface AccessView {
  readers: Readers;
  /** This site lets an app change it. */
  canChange: boolean;
  app: AppStanding;
}

/**
 * Whether Homestead, the app, sees the space: `given` the role that it got · `seen` as this site lets apps · `removed` = it had the role and
 * has it no longer · otherwise not, and why; `unclear` = could not be read.
 */
export type AppStanding = AppRole['outcome'] | 'seen' | 'removed' | 'unclear';

interface OwnSpace {
  person: Person | null;
  /** null: Homestead has neither created nor adopted this space. */
  promised: PromisedSpace | null;
  space: SpaceRecord;
  fields: Field[];
}

/** The caller's space, whoever created it. @throws AppError not-found for a person without a space they can see */
async function ownSpace(accountId: string): Promise<OwnSpace> {
  const { policy: state, person } = await readPolicyAndPerson(accountId);
  if (state.kind === 'unreadable') throw new AppError('not-found');
  const spaceId = isIn(person, 'ready', 'has-space') ? person.spaceId : ((await readPerson(accountId))?.personalSpaceId ?? null);
  const space = spaceId === null ? null : await readSpace(asCaller(), spaceId);
  if (space?.status !== 'current') throw new AppError('not-found');
  const { policy } = state;
  const promised = await readSpaceRecord(space.id);
  const key = promised?.template.key ?? (await matchFor(policy, accountId)).treatment.template;
  return { person, promised, space, fields: templateOf(policy, key).fields };
}

export async function readValues(spaceId: string): Promise<FieldValues> {
  const stored = StoredDetails.safeParse(await readSpaceProperty(asCaller(), spaceId, DETAILS_PROPERTY));
  return stored.success ? stored.data.values : {};
}

interface Homepage {
  page: Page;
  storage: string;
}

async function readHomepage(space: SpaceRecord): Promise<Homepage | null> {
  const page = space.homepageId === null ? null : await readPageBody(asCaller(), space.homepageId);
  const storage = page?.body?.storage?.value;
  return page && storage !== undefined ? { page, storage } : null;
}

/** The details as the homepage shows them: it is what everybody reads, and its owner may have edited it. */
export async function myDetails(accountId: string): Promise<DetailsView> {
  const { space, fields } = await ownSpace(accountId);
  if (fields.length === 0) return { fields, values: {} };
  const homepage = await readHomepage(space);
  const onPage: DetailsOnPage = homepage ? readDetails(homepage.storage, fields) : { kind: 'none' };
  return { fields, values: shownDetails(fields, onPage, await readValues(space.id)) };
}

/**
 * Checks the values, writes what differs into the homepage's table, and keeps them as a space property. The page
 * is compared as it is now: an earlier save may have failed, and its owner may have edited it.
 * @param seen what the form showed, so that an edit on the page in between is not overwritten
 */
export async function saveDetails(accountId: string, given: FieldValues, seen: FieldValues | null): Promise<DetailsAnswer> {
  const { promised, space, fields } = await ownSpace(accountId);
  const { values, problems: invalid } = checkFields(fields, given);
  const last = await readValues(space.id);
  const saved = await writeTable(space, fields, invalid, { last, seen, given: values });
  if (saved.homepage === null) return { problems: saved.problems, homepage: null };
  const { problems, onPage } = saved.merge;
  // What an admin has removed from the template since is kept, so that bringing it back loses nothing.
  const kept = { ...last };
  const effective = { ...values, ...onPage };
  for (const { key } of fields) {
    if (Object.hasOwn(problems, key)) continue;
    if (Object.hasOwn(values, key)) kept[key] = values[key] ?? '';
    else delete kept[key];
  }
  await writeSpaceProperty(asCaller(), space.id, DETAILS_PROPERTY, { values: kept });
  const lacks = lacksDetails(fields, effective);
  if (promised && promised.lacksDetails !== lacks) await settle(accountId, promised, lacks);
  const answer: DetailsAnswer = { problems, homepage: saved.homepage };
  return Object.keys(onPage).length > 0 ? { ...answer, onPage } : answer;
}

type Saved = { homepage: null; problems: DetailsAnswer['problems'] } | { homepage: 'written' | 'left-alone'; merge: DetailsMerge };

/** If the page is saved at the same moment, it is read again, so that neither change is lost. */
async function writeTable(
  space: SpaceRecord,
  fields: Field[],
  invalid: Record<string, FieldProblem>,
  values: { last: FieldValues; seen: FieldValues | null; given: FieldValues },
): Promise<Saved> {
  let refusedVersion: number | null = null;
  for (let attempt = 1; attempt <= HOMEPAGE_ATTEMPTS; attempt += 1) {
    const homepage = await readHomepage(space);
    const onPage: DetailsOnPage = homepage ? readDetails(homepage.storage, fields) : { kind: 'invalid' };
    const merge = mergeDetails(fields, onPage, values);
    // What is already on the page is not checked: its owner wrote it there.
    const problems = Object.entries(invalid).filter(([key, problem]) => problem === 'required' || !merge.unchanged.has(key));
    if (problems.length > 0) return { homepage: null, problems: Object.fromEntries(problems) };
    const body = homepage && writeDetails(homepage.storage, fields, merge.changes, values.given);
    if (!homepage || body === null) return { homepage: 'left-alone', merge };
    if (body === homepage.storage) return { homepage: 'written', merge };
    const { number } = homepage.page.version;
    // Nobody saved it in between: Confluence does not take this text, or not from this person.
    if (number === refusedVersion) return { homepage: 'left-alone', merge };
    refusedVersion = number;
    const { locale } = await readCurrentUser(asCaller());
    if ((await writePageBody(asCaller(), homepage.page, body, detailsMessage(locale ?? ''))) === 'written')
      return { homepage: 'written', merge };
  }
  throw new AppError('busy');
}

async function settle(accountId: string, promised: PromisedSpace, lacks: boolean): Promise<void> {
  const person = await readPersonRecord(accountId);
  const space = { ...promised, lacksDetails: lacks };
  const now = Date.now();
  if (!isIn(person, 'ready') || lacks) {
    await writePromise(space, null, now);
    return;
  }
  await writePerson(person, detailsGiven(person), { by: accountId, at: now, space });
  const reminder = (await readNotices(accountId, ['details'])).find(isOpen);
  if (reminder) await answerAll(accountId);
}

export async function myAccess(accountId: string): Promise<AccessView> {
  const { space, promised } = await ownSpace(accountId);
  const mode = await readRoleMode();
  return accessView(space.id, accountId, promised, mode);
}

async function accessView(spaceId: string, accountId: string, promised: PromisedSpace | null, mode: RoleMode): Promise<AccessView> {
  const { readers, hasApp } = await readReadersAndApp(asCaller(), spaceId, accountId, mode);
  return { readers, canChange: mode !== 'PRE_ROLES', app: standingOfApp(hasApp, promised?.appRole.outcome ?? 'unknown') };
}

function standingOfApp(hasApp: boolean | null, outcome: AppRole['outcome']): AppStanding {
  if (hasApp === null) return 'unclear';
  if (hasApp) return outcome === 'given' ? 'given' : 'seen';
  return outcome === 'given' ? 'removed' : outcome;
}

/** Opens or closes the caller's space. @throws AppError not-changeable where apps cannot: the page says how to do it by hand */
export async function changeAccess(accountId: string, access: 'private' | 'licensed'): Promise<AccessView> {
  const { space, promised } = await ownSpace(accountId);
  const mode = await readRoleMode();
  if (mode === 'PRE_ROLES') throw new AppError('not-changeable');
  const current = await readReaders(asCaller(), space.id, accountId, mode);
  const { actual: now, failure } = await settleAccess(
    { as: asCaller(), spaceId: space.id, ownerId: accountId, mode, now: Date.now() },
    access,
    current,
    promised?.appRole.outcome === 'given' ? 'keep' : 'unnamed',
    'read',
  );
  if (failure) throw isFinal(failure) ? new AppError('not-changeable') : failure;
  // What the owner decides is what is promised from now on.
  if (promised) await writePromise({ ...promised, access: { promised: access, actual: now, broken: null } }, null, Date.now());
  if (now !== access) throw new AppError('not-changeable');
  const view = await accessView(space.id, accountId, promised, mode);
  return { ...view, canChange: accessOf(view.readers) === now };
}

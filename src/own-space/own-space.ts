/** A person's own space: the details they fill in, who can see it, what Homestead keeps about them. */
import { z } from 'zod';
import { type Readers, readReaders, readRoleMode } from '../confluence/access';
import { asCaller } from '../confluence/call';
import { readPageBody, writePageBody } from '../confluence/pages';
import { readCurrentUser, readPerson } from '../confluence/people';
import { readSpace, readSpaceProperty, type SpaceRecord, writeSpaceProperty } from '../confluence/spaces';
import { hasNotice } from '../confluence/user-properties';
import { checkFields, type FieldProblem, type FieldValues, lacksDetails } from '../domain/fields';
import { isOpen } from '../domain/notice';
import { detailsGiven, isIn, type Person, spaceIdOf } from '../domain/person';
import type { Field } from '../domain/policy/document';
import { templateOf } from '../domain/policy/match';
import { type PromisedSpace, withAccess } from '../domain/space';
import { AppError } from '../forge/errors';
import { answerAll } from '../notices/notices';
import { detailsMessage, replaceDetails } from '../page-templates/details-table';
import { matchFor } from '../provisioning/explain';
import { writePromise } from '../provisioning/kept-promises';
import { accessOf, settleAccess } from '../provisioning/promised-access';
import { readNotices } from '../store/notices';
import { readPersonRecord, readPolicyAndPerson, writePerson } from '../store/people';
import { readSpaceRecord } from '../store/spaces';

/** The space property that keeps the values, readable by everyone who sees the space. */
const DETAILS_PROPERTY = 'homestead-details';
const StoredDetails = z.object({ values: z.record(z.string(), z.string()) });
/** How often the homepage is read again because somebody else saved it in between. */
const HOMEPAGE_ATTEMPTS = 4;

export interface DetailsView {
  fields: Field[];
  values: FieldValues;
}

export interface DetailsAnswer {
  problems: Record<string, FieldProblem>;
  /** `left-alone`: the homepage could not be changed; the values are kept nevertheless. null: nothing was saved. */
  homepage: 'written' | 'left-alone' | null;
}

export interface AccessView {
  readers: Readers;
  /** This site lets an app change it. */
  canChange: boolean;
}

export interface MyData {
  record: Record<string, unknown> | null;
  details: FieldValues;
  hasNoticeFlag: boolean;
}

interface OwnSpace {
  person: Person | null;
  /** null: Homestead has neither created nor adopted this space. */
  promised: PromisedSpace | null;
  space: SpaceRecord;
  fields: Field[];
}

/** The caller's space, whoever made it. @throws AppError not-found for somebody without one that they see */
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

async function readValues(spaceId: string): Promise<FieldValues> {
  const stored = StoredDetails.safeParse(await readSpaceProperty(asCaller(), spaceId, DETAILS_PROPERTY));
  return stored.success ? stored.data.values : {};
}

export async function myDetails(accountId: string): Promise<DetailsView> {
  const { space, fields } = await ownSpace(accountId);
  return { fields, values: fields.length === 0 ? {} : await readValues(space.id) };
}

/**
 * Checks the values, writes them into the homepage's table and keeps them as a space property. A page that
 * somebody saves at the same moment is read again, so neither change is lost.
 */
export async function saveDetails(accountId: string, given: FieldValues): Promise<DetailsAnswer> {
  const { promised, space, fields } = await ownSpace(accountId);
  const { values, problems } = checkFields(fields, given);
  if (Object.keys(problems).length > 0) return { problems, homepage: null };
  // What an admin has taken out of the template since is kept, so that bringing it back loses nothing.
  const before = await readValues(space.id);
  const kept = { ...before, ...values };
  for (const field of fields) if (!(field.key in values)) delete kept[field.key];
  await writeSpaceProperty(asCaller(), space.id, DETAILS_PROPERTY, { values: kept });
  const homepage = await writeTable(space, fields, before, values);
  const lacks = lacksDetails(fields, values);
  if (promised && promised.lacksDetails !== lacks) await settle(accountId, promised, lacks);
  return { problems, homepage };
}

async function writeTable(
  space: SpaceRecord,
  fields: Field[],
  before: FieldValues,
  values: FieldValues,
): Promise<'written' | 'left-alone'> {
  if (space.homepageId === null) return 'left-alone';
  const { locale } = await readCurrentUser(asCaller());
  for (let attempt = 1; attempt <= HOMEPAGE_ATTEMPTS; attempt += 1) {
    const page = await readPageBody(asCaller(), space.homepageId);
    const storage = page?.body?.storage?.value;
    if (!page || storage === undefined) return 'left-alone';
    const body = replaceDetails(storage, fields, before, values);
    if (body === null) return 'left-alone';
    if (body === storage) return 'written';
    if ((await writePageBody(asCaller(), page, body, detailsMessage(locale ?? ''))) === 'written') return 'written';
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
  const { space } = await ownSpace(accountId);
  const mode = await readRoleMode();
  return { readers: await readReaders(asCaller(), space.id, accountId, mode), canChange: mode !== 'PRE_ROLES' };
}

/** The owner opens or closes their space; where apps cannot, they are told how to do it themselves. */
export async function changeAccess(accountId: string, access: 'private' | 'licensed'): Promise<AccessView> {
  const { space, promised } = await ownSpace(accountId);
  const mode = await readRoleMode();
  if (mode === 'PRE_ROLES') throw new AppError('not-changeable');
  const current = await readReaders(asCaller(), space.id, accountId, mode);
  const { actual: now, isBroken } = await settleAccess(asCaller(), space.id, accountId, access, current, mode);
  // What the owner decides is what is promised from now on.
  if (promised && !isBroken)
    await writePromise({ ...withAccess(promised, now), access: { promised: access, actual: now, broken: null } }, null, Date.now());
  if (isBroken) throw new AppError('busy');
  if (now !== access) throw new AppError('not-changeable');
  const readers = await readReaders(asCaller(), space.id, accountId, mode);
  return { readers, canChange: accessOf(readers) === now };
}

/** What Homestead stores about the caller, as it is stored. */
export async function myData(accountId: string): Promise<MyData> {
  const person = await readPersonRecord(accountId);
  const spaceId = person && spaceIdOf(person);
  const space = spaceId === null ? null : await readSpace(asCaller(), spaceId);
  const details = space?.status === 'current' ? await readValues(space.id) : {};
  return { record: person && { ...person }, details, hasNoticeFlag: await hasNotice(accountId) };
}

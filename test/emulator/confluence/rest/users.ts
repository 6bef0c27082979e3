/** People, individually and in bulk. */
import { z } from 'zod';
import { applicationOperations, canUseConfluence, maySee } from '../access';
import { profileSpaces } from '../lag';
import {
  baseLinks,
  type Call,
  expansions,
  linksOf,
  type Operation,
  parseBody,
  Refusal,
  type Reply,
  requireUse,
  V1,
  V2,
} from '../operation';
import { APP_ACCOUNT_ID, type Person, type Space } from '../state';
import { classicSpaceJson } from './spaces';

function userJson(person: Person, personalSpace: Space | null): Record<string, unknown> {
  return {
    accountId: person.accountId,
    accountType: person.accountType,
    accountStatus: person.accountStatus,
    displayName: person.displayName,
    publicName: person.publicName,
    email: '',
    timeZone: null,
    isExternalCollaborator: person.isGuest,
    personalSpaceId: personalSpace && String(personalSpace.id),
    profilePicture: { path: `/wiki/aa-avatar/${person.accountId}`, isDefault: true },
  };
}

function usersBulk(call: Call): Reply {
  if (!canUseConfluence(call.site.state, call.caller)) throw new Refusal(404, 'Not permitted');
  const { accountIds } = parseBody(z.strictObject({ accountIds: z.array(z.string()).min(1).max(250) }), call.body);
  const { state, settings } = call.site;
  const spaceOf = profileSpaces(state);
  const results = accountIds.flatMap((id) => state.account(id) ?? []).map((person) => userJson(person, spaceOf(person)));
  return {
    status: 200,
    body: { results, _links: baseLinks(call) },
    returned: { identities: results.length },
    costsAsRead: settings.usersBulkPoints === 'read',
  };
}

/** `isExternalCollaborator` is deprecated and always included in the answer. */
const USER_EXPANSIONS = ['operations', 'personalSpace', 'isExternalCollaborator'];

function classicUserJson(call: Call, person: Person): Record<string, unknown> {
  const expand = expansions(call.query, USER_EXPANSIONS);
  const { state } = call.site;
  const space = expand.includes('personalSpace') ? profileSpaces(state)(person) : null;
  const showSpace = space !== null && maySee(state, call.caller, state.spacesById.get(space.id) ?? space);
  return {
    type: 'known',
    accountId: person.accountId,
    accountType: person.accountType,
    email: '',
    publicName: person.publicName,
    displayName: person.displayName,
    timeZone: null,
    profilePicture: { path: `/wiki/aa-avatar/${person.accountId}`, width: 48, height: 48, isDefault: true },
    isGuest: person.isGuest,
    isExternalCollaborator: person.isGuest,
    accountStatus: person.accountStatus,
    locale: person.locale,
    ...(expand.includes('operations')
      ? { operations: applicationOperations(state, person).map((operation) => ({ operation, targetType: 'application' })) }
      : {}),
    ...(showSpace ? { personalSpace: classicSpaceJson(call, space) } : {}),
    _expandable: {
      details: '',
      ...(expand.includes('operations') ? {} : { operations: '' }),
      ...(showSpace ? {} : { personalSpace: '' }),
    },
    _links: linksOf(call, `/rest/api/user?accountId=${encodeURIComponent(person.accountId)}`),
  };
}

export function personById(call: Call, accountId: string): Person {
  const person = call.site.state.account(accountId);
  if (!person) throw new Refusal(404, `No user found with account id ${accountId}`);
  return person;
}

/** @throws Refusal 400 if the query does not name a person, 404 for an unknown account */
export function personOfQuery(call: Call): Person {
  const accountId = call.query.get('accountId');
  if (!accountId) throw new Refusal(400, "'accountId' is required");
  return personById(call, accountId);
}

function getUser(call: Call): Reply {
  requireUse(call);
  return { status: 200, body: classicUserJson(call, personOfQuery(call)), returned: { identities: 1 } };
}

function getCurrentUser(call: Call): Reply {
  const { caller } = call;
  if (caller.kind === 'person') requireUse(call);
  const person = caller.kind === 'person' ? caller.person : personById(call, APP_ACCOUNT_ID);
  return { status: 200, body: classicUserJson(call, person), returned: { identities: 1 } };
}

/** OpenAPI: ids beyond the first 100 are silently dropped. */
const MAX_BULK_USERS = 100;

function getUsers(call: Call): Reply {
  requireUse(call);
  if (!call.query.has('accountId')) throw new Refusal(400, "'accountId' is required");
  const results = call.query
    .getAll('accountId')
    .slice(0, MAX_BULK_USERS)
    .flatMap((id) => call.site.state.people.get(id) ?? [])
    .map((person) => classicUserJson(call, person));
  return {
    status: 200,
    body: { results, start: 0, limit: MAX_BULK_USERS, size: results.length, _links: linksOf(call) },
    returned: { identities: results.length },
  };
}

function emailBulk(call: Call): Reply {
  if (!call.query.has('accountId')) throw new Refusal(400, "'accountId' is required");
  const results = call.query
    .getAll('accountId')
    .flatMap((id) => call.site.state.people.get(id) ?? [])
    .map((p) => ({ accountId: p.accountId, email: p.email, _links: {} }));
  return { status: 200, body: results, returned: { identities: results.length } };
}

const CONFLUENCE_USER = [['read:confluence-user'], ['read:content-details:confluence']];

export const userOperations: readonly Operation[] = [
  { method: 'POST', path: `${V2}/users-bulk`, scopes: [['read:user:confluence']], handle: usersBulk },
  { method: 'GET', path: `${V1}/user`, query: ['accountId', 'expand'], scopes: CONFLUENCE_USER, handle: getUser },
  { method: 'GET', path: `${V1}/user/current`, query: ['expand'], scopes: CONFLUENCE_USER, handle: getCurrentUser },
  { method: 'GET', path: `${V1}/user/bulk`, query: ['accountId', 'expand'], scopes: CONFLUENCE_USER, handle: getUsers },
  {
    method: 'GET',
    path: `${V1}/user/email/bulk`,
    query: ['accountId'],
    scopes: [['read:email-address:confluence']],
    appOnly: true,
    handle: emailBulk,
  },
];

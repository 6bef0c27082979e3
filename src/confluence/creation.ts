/** The calls that may create a personal space, all as the person. Which of them a real site accepts is not verified. */
import { type APIResponse, route } from '@forge/api';
import { z } from 'zod';
import { shorten, withoutNonXml } from '../domain/text';
import { ask, failure, type Requester, readJson } from './call';
import { V1Space } from './spaces';

export interface NewPersonalSpace {
  accountId: string;
  key: string;
  name: string;
}

/** Names of spaces (Confluence v1 API, create space; v2 names no limit). A display name may be longer. */
const MAX_SPACE_NAME = 200;

const nameOf = ({ name }: NewPersonalSpace): string => shorten(withoutNonXml(name), MAX_SPACE_NAME);

export type Creation =
  | { kind: 'created'; spaceId: string; type: string; homepageId: string | null }
  /** 400 that may mean "the key is taken". */
  | { kind: 'refused'; status: number; detail: string };

function creationOf(space: z.infer<typeof V1Space>): Creation {
  const homepageId = /\/content\/(\d+)$/.exec(space._expandable?.homepage ?? '')?.[1] ?? null;
  return { kind: 'created', spaceId: String(space.id), type: space.type, homepageId };
}

/** A refusal is an answer; rate limits, failures and missing scopes are errors. */
async function creationAnswer(operation: string, response: APIResponse): Promise<Creation> {
  if (response.ok) return creationOf(await readJson(operation, response, V1Space));
  const error = await failure(operation, response);
  if (error.isTransient || error.status === 401) throw error;
  return { kind: 'refused', status: error.status, detail: error.detail };
}

/** v1 `_private`: only the creator may see it. */
export async function createByPrivateCall(as: Requester, space: NewPersonalSpace): Promise<Creation> {
  const operation = 'create private space';
  const response = await ask(operation, () =>
    as.requestConfluence(route`/wiki/rest/api/space/_private`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ key: space.key, name: nameOf(space) }),
    }),
  );
  return creationAnswer(operation, response);
}

const OWNER_OPERATIONS: readonly [operation: string, targetType: string][] = [
  ['read', 'space'],
  ['administer', 'space'],
  ['export', 'space'],
  ...['page', 'blogpost', 'comment', 'attachment'].flatMap((type): [string, string][] => [
    ['create', type],
    ['delete', type],
  ]),
];

/** What the app needs in a space: it does everything else as the owner. */
const APP_OPERATIONS = OWNER_OPERATIONS.filter(([name, targetType]) => targetType === 'space' && name !== 'export');

/**
 * v1 with a permission list: the owner holds everything, the members of these groups may read, and the app administers. The only
 * way to get a readable space, or to let the app in, where apps cannot change permissions afterwards.
 * @param appId account of the app; null = it gets nothing
 */
export async function createByPermissionList(
  as: Requester,
  space: NewPersonalSpace,
  readerGroups: readonly string[],
  appId: string | null,
): Promise<Creation> {
  const permission = (subjects: object, name: string, targetType: string) => ({
    subjects,
    operation: { operation: name, targetType },
    anonymousAccess: false,
    unlicensedAccess: false,
  });
  const user = (accountId: string) => ({ user: { results: [{ type: 'known', accountId }], size: 1 } });
  const owner = user(space.accountId);
  const readers = { group: { results: readerGroups.map((id) => ({ type: 'group', id })), size: readerGroups.length } };
  const permissions = OWNER_OPERATIONS.map(([name, targetType]) => permission(owner, name, targetType));
  if (readerGroups.length > 0) permissions.push(permission(readers, 'read', 'space'));
  if (appId !== null) permissions.push(...APP_OPERATIONS.map(([name, targetType]) => permission(user(appId), name, targetType)));
  return createByCall(as, { key: space.key, name: nameOf(space), permissions });
}

/** v1 without permissions: the site's default space permissions. */
export function createByDefaultCall(as: Requester, space: NewPersonalSpace): Promise<Creation> {
  return createByCall(as, { key: space.key, name: nameOf(space) });
}

async function createByCall(as: Requester, body: object): Promise<Creation> {
  const operation = 'create space';
  const response = await ask(operation, () =>
    as.requestConfluence(route`/wiki/rest/api/space`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    }),
  );
  return creationAnswer(operation, response);
}

const CREATE_SPACE = `mutation($cloudId: ID!, $input: ConfluenceCreateSpaceInput!) { confluence { createSpace(cloudId: $cloudId, input: $input) { success errors { message } space { spaceId type } } } }`;
const GraphAnswer = z.object({
  data: z
    .object({
      confluence: z
        .object({
          createSpace: z
            .object({
              success: z.boolean(),
              errors: z.array(z.object({ message: z.string().nullish() })).nullish(),
              space: z.object({ spaceId: z.string(), type: z.string().nullish() }).nullish(),
            })
            .nullish(),
        })
        .nullish(),
    })
    .nullish(),
  errors: z.array(z.object({ message: z.string() })).nullish(),
});

/** GraphQL beta: creates an open space, to be closed right after. */
export async function createByGraph(as: Requester, cloudId: string, space: NewPersonalSpace): Promise<Creation> {
  const operation = 'GraphQL createSpace';
  const response = await ask(operation, () =>
    as.requestGraph(
      CREATE_SPACE,
      { cloudId, input: { key: space.key, name: nameOf(space), type: 'PERSONAL' } },
      { 'X-ExperimentalApi': 'confluence-agg-beta' },
    ),
  );
  const answer = await readJson(operation, response, GraphAnswer);
  const result = answer.data?.confluence?.createSpace;
  if (result?.success && result.space) {
    return { kind: 'created', spaceId: result.space.spaceId, type: (result.space.type ?? 'unknown').toLowerCase(), homepageId: null };
  }
  const detail = [...(result?.errors ?? []), ...(answer.errors ?? [])].map((e) => e.message).join('; ');
  return { kind: 'refused', status: 200, detail };
}

/** The GraphQL gateway: the fields that apps may call, from Atlassian's published GraphQL types. */
import { buildSchema, type DocumentNode, execute, parse, validate } from 'graphql';
import { z } from 'zod';
import { type Caller, mayHavePersonalSpace } from './access';
import { createPersonalSpace } from './activity';
import { errorBody } from './operation';
import type { ConfluenceSite, ProductAnswer, ProductRequest } from './site';
import { openGrants, personalSpaceKey, SITE, type Space } from './state';

const schema = buildSchema(`
  type Query { confluence: ConfluenceQuery }
  type Mutation { confluence: ConfluenceMutation }
  type ConfluenceQuery { validateSpaceKey(cloudId: ID!, spaceKey: String!): KeyValidation }
  type KeyValidation { isValid: Boolean! generatedUniqueKey: String }
  type ConfluenceMutation { createSpace(cloudId: ID!, input: ConfluenceCreateSpaceInput!): CreateSpacePayload }
  enum ConfluenceSpaceType { GLOBAL PERSONAL }
  input ConfluenceCreateSpaceInput { key: String! name: String! type: ConfluenceSpaceType! }
  type CreateSpacePayload { success: Boolean! errors: [MutationError!] space: Space }
  type MutationError { message: String }
  type Space { id: ID! spaceId: ID! key: String name: String type: String status: String }
`);

/** createSpace is a beta field and is rejected without this header. */
const BETA_HEADER = 'confluence-agg-beta';

const Request = z.object({ query: z.string(), variables: z.record(z.string(), z.unknown()).optional() });

export async function graphql(site: ConfluenceSite, caller: Caller, request: ProductRequest): Promise<ProductAnswer> {
  const route = '/graphql';
  if (caller.kind === 'anonymous') return { status: 401, body: errorBody('v1', 401, 'Login required'), route, points: 1 };
  const parsed = Request.safeParse(readJson(request.body));
  if (!parsed.success) return { status: 400, body: { errors: [{ message: 'not a GraphQL request' }] }, route, points: 1 };
  const { query, variables } = parsed.data;
  let document: DocumentNode;
  try {
    document = parse(query);
  } catch (error) {
    return { status: 200, body: { errors: [{ message: (error as Error).message }] }, route, points: 1 };
  }
  const errors = validate(schema, document);
  if (errors.length > 0) {
    // A field that exists on the real gateway but not here must fail loudly, not with a plausible refusal.
    const fields = errors.map((e) => e.message).join('; ');
    return { status: 501, body: { message: `not modelled: POST /graphql (${fields})` }, route: null, points: 0 };
  }
  if (variables && (variables.input as { type?: string } | undefined)?.type === 'GLOBAL') {
    return { status: 501, body: { message: 'not modelled: POST /graphql (createSpace of type GLOBAL)' }, route: null, points: 0 };
  }
  const rootValue = {
    confluence: {
      createSpace: (args: { cloudId: string; input: { key: string; name: string; type: 'GLOBAL' | 'PERSONAL' } }) => {
        if (request.headers.get('x-experimentalapi') !== BETA_HEADER) throw new Error('createSpace is in beta: opt in by header');
        return createSpace(site, caller, args.cloudId, args.input);
      },
      validateSpaceKey: (args: { spaceKey: string }) => ({
        isValid: /^~?[A-Za-z0-9]{1,255}$/.test(args.spaceKey) && !site.state.spacesByKey.has(args.spaceKey),
        generatedUniqueKey: null,
      }),
    },
  };
  const result = await execute({ schema, document, rootValue, variableValues: variables ?? {} });
  return { status: 200, body: result, route, points: 1, headers: {} };
}

function readJson(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '{}');
  } catch {
    return null;
  }
}

function createSpace(
  site: ConfluenceSite,
  caller: Caller,
  cloudId: string,
  input: { key: string; name: string; type: 'GLOBAL' | 'PERSONAL' },
): unknown {
  const fail = (message: string): unknown => ({ success: false, errors: [{ message }], space: null });
  if (cloudId !== SITE.cloudId) return fail('Unknown site');
  if (caller.kind !== 'person') return fail('Only a person can create a personal space');
  const { asUserPersonalCreate } = site.settings;
  if (asUserPersonalCreate !== 'graphql' && asUserPersonalCreate !== 'both') return fail('Personal spaces cannot be created by this call');
  if (!mayHavePersonalSpace(site.state, caller.person)) return fail('You do not have permission to create a personal space');
  if (input.key !== personalSpaceKey(caller.person.accountId)) return fail('Invalid space key');
  if (site.state.spacesByKey.has(input.key)) return fail('A space with this key already exists');
  return {
    success: true,
    errors: null,
    space: spaceNode(createPersonalSpace(site, caller.person, caller, openGrants(caller.person.accountId), { name: input.name })),
  };
}

function spaceNode(space: Space): unknown {
  return {
    id: `ari:cloud:confluence:${SITE.cloudId}:space/${space.id}`,
    spaceId: String(space.id),
    key: space.key,
    name: space.name,
    type: space.type.toUpperCase(),
    status: space.status.toUpperCase(),
  };
}

export const graphqlScopes: readonly (readonly string[])[] = [['write:space:confluence', 'read:space:confluence']];

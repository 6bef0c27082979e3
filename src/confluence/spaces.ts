/** Spaces: reading, listing, status, properties. */
import { assumeTrustedRoute, route } from '@forge/api';
import { z } from 'zod';
import { ConfluenceError } from '../forge/errors';
import { asApp, ask, chargeObjects, failure, type Requester, readJson } from './call';

const Space = z.object({
  id: z.string(),
  key: z.string(),
  name: z.string(),
  type: z.string(),
  status: z.string(),
  createdAt: z.string(),
  authorId: z.string().nullish(),
  spaceOwnerId: z.string().nullish(),
  homepageId: z.string().nullish(),
  operations: z.object({ results: z.array(z.object({ operation: z.string(), targetType: z.string() })) }).optional(),
});

const Spaces = z.object({ results: z.array(Space) });

export interface SpaceRecord {
  id: string;
  key: string;
  name: string;
  type: string;
  status: string;
  createdAt: number;
  ownerId: string | null;
  homepageId: string | null;
  /** null unless operations were asked for. */
  canAdminister: boolean | null;
}

function toSpace(space: z.infer<typeof Space>): SpaceRecord {
  return {
    id: space.id,
    key: space.key,
    name: space.name,
    type: space.type,
    status: space.status,
    createdAt: Date.parse(space.createdAt),
    ownerId: space.spaceOwnerId ?? space.authorId ?? null,
    homepageId: space.homepageId ?? null,
    canAdminister: space.operations ? space.operations.results.some((o) => o.operation === 'administer' && o.targetType === 'space') : null,
  };
}

/** null: no such space, or the requester may not see it. */
export async function readSpace(as: Requester, spaceId: string): Promise<SpaceRecord | null> {
  const operation = 'space';
  const response = await ask(operation, () => as.requestConfluence(route`/wiki/api/v2/spaces/${spaceId}?include-operations=true`));
  if (response.status === 404) return null;
  const space = toSpace(await readJson(operation, response, Space));
  chargeObjects(1);
  return space;
}

/** The space with this key in any status, if the requester may see it. `status` takes one value a call. */
export async function findSpaceByKey(as: Requester, key: string): Promise<SpaceRecord | null> {
  const operation = 'spaces by key';
  for (const status of ['current', 'archived', 'trashed']) {
    const response = await ask(operation, () => as.requestConfluence(route`/wiki/api/v2/spaces?keys=${key}&status=${status}&limit=1`));
    const { results } = await readJson(operation, response, Spaces);
    chargeObjects(results.length);
    if (results[0]) return toSpace(results[0]);
  }
  return null;
}

const SpacePage = z.object({ results: z.array(Space), _links: z.object({ next: z.string().optional() }) });

/**
 * A page of personal spaces that the app may see, by id, which is from old to new. `next` is the path of the next page.
 * @param sort of the first page
 */
export async function listPersonalSpaces(
  next: string | null,
  limit: number,
  { sort = 'id', status = 'current' }: { sort?: 'id' | '-id'; status?: 'current' | 'archived' | 'trashed' } = {},
): Promise<{ spaces: SpaceRecord[]; next: string | null }> {
  const operation = 'spaces';
  const response = await ask(operation, () =>
    next === null
      ? asApp().requestConfluence(route`/wiki/api/v2/spaces?type=personal&status=${status}&sort=${sort}&limit=${limit}`)
      : asApp().requestConfluence(assumeTrustedRoute(next)),
  );
  const page = await readJson(operation, response, SpacePage);
  chargeObjects(page.results.length);
  return { spaces: page.results.map(toSpace), next: page._links.next ?? null };
}

export const V1Space = z.object({
  id: z.number(),
  key: z.string(),
  type: z.string(),
  status: z.string(),
  _expandable: z.object({ homepage: z.string().optional() }).optional(),
});

/** Archive and restore. That v1 takes `status` here is in its schema, not in its prose: unverified. */
export async function setSpaceStatus(spaceKey: string, status: 'current' | 'archived'): Promise<void> {
  const operation = 'space status';
  const response = await ask(operation, () =>
    asApp().requestConfluence(route`/wiki/rest/api/space/${spaceKey}`, {
      method: 'PUT',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ status }),
    }),
  );
  const space = await readJson(operation, response, V1Space);
  if (space.status !== status) throw new ConfluenceError(operation, 502, `the space is still ${space.status}`, null);
}

/** Deletes a space for good. Only for one that this very run created and nobody has touched. */
export async function deleteSpace(as: Requester, spaceKey: string): Promise<void> {
  const operation = 'delete space';
  const response = await ask(operation, () => as.requestConfluence(route`/wiki/rest/api/space/${spaceKey}`, { method: 'DELETE' }));
  if (!response.ok) throw await failure(operation, response);
}

/** An ordinary space that only its creator sees: the site check makes one to try things on. */
export async function createOwnSpace(as: Requester, key: string, name: string): Promise<string> {
  const operation = 'create own space';
  const response = await ask(operation, () =>
    as.requestConfluence(route`/wiki/rest/api/space/_private`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ key, name }),
    }),
  );
  return String((await readJson(operation, response, V1Space)).id);
}

const Property = z.object({ id: z.string(), key: z.string(), value: z.unknown(), version: z.object({ number: z.number() }) });
const Properties = z.object({ results: z.array(Property) });
/** How many times a property is read again because someone else wrote it. */
const PROPERTY_ATTEMPTS = 3;

async function readProperty(as: Requester, spaceId: string, key: string): Promise<z.infer<typeof Property> | null> {
  const operation = 'space property';
  const response = await ask(operation, () => as.requestConfluence(route`/wiki/api/v2/spaces/${spaceId}/properties?key=${key}`));
  const { results } = await readJson(operation, response, Properties);
  chargeObjects(results.length);
  return results.find((property) => property.key === key) ?? null;
}

/** The value of a space property; null = there is none. */
export async function readSpaceProperty(as: Requester, spaceId: string, key: string): Promise<unknown> {
  return (await readProperty(as, spaceId, key))?.value ?? null;
}

/**
 * Sets a space property, whether it exists or not. It is readable by everyone who sees the space.
 * @param isNew nothing can be there yet, so it is not looked for first
 */
export async function writeSpaceProperty(as: Requester, spaceId: string, key: string, value: unknown, isNew = false): Promise<void> {
  const operation = 'write space property';
  for (let attempt = 1; ; attempt += 1) {
    const existing = isNew && attempt === 1 ? null : await readProperty(as, spaceId, key);
    const response = await ask(operation, () =>
      existing === null
        ? as.requestConfluence(route`/wiki/api/v2/spaces/${spaceId}/properties`, {
            method: 'POST',
            headers: { 'Content-Type': 'application/json' },
            body: JSON.stringify({ key, value }),
          })
        : as.requestConfluence(route`/wiki/api/v2/spaces/${spaceId}/properties/${existing.id}`, {
            method: 'PUT',
            headers: { 'Content-Type': 'application/json' },
            body: JSON.stringify({ key, value, version: { number: existing.version.number + 1, message: '' } }),
          }),
    );
    if (response.ok) return;
    const error = await failure(operation, response);
    // Which of the two means "someone was faster" is not verified.
    if ((error.status !== 400 && error.status !== 409) || attempt === PROPERTY_ATTEMPTS) throw error;
  }
}

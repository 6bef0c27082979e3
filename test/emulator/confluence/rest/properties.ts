/** Properties of spaces (v2), people (v1) and the app (v2). */
import { z } from 'zod';
import { callerId } from '../access';
import { listedProperties } from '../lag';
import {
  baseLinks,
  type Call,
  idParam,
  iso,
  NotModelled,
  type Operation,
  pageV1,
  pageV2,
  parseBody,
  Refusal,
  type Reply,
  requireUse,
  V1,
  V2,
} from '../operation';
import type { Property, Space } from '../state';
import { personById } from './users';
import { requireSpaceAdmin, visibleSpace } from './visible';

/** 32 KB is documented for content properties; the same is assumed for space properties. */
const MAX_PROPERTY_BYTES = 32 * 1024;

function propertyJson(property: Property): Record<string, unknown> {
  return {
    id: String(property.id),
    key: property.key,
    value: property.value,
    createdAt: iso(property.createdAt),
    createdBy: property.createdBy,
    authorId: property.createdBy,
    version: {
      createdAt: iso(property.versionAt),
      createdBy: property.createdBy,
      authorId: property.createdBy,
      message: '',
      number: property.version,
    },
  };
}

function propertiesOf(call: Call, space: Space): Property[] {
  let list = call.site.state.spaceProperties.get(space.id);
  if (!list) {
    list = [];
    call.site.state.spaceProperties.set(space.id, list);
  }
  return list;
}

function requireSmall(value: unknown): void {
  if (value === undefined) throw new Refusal(400, "'value' is required");
  if (Buffer.byteLength(JSON.stringify(value)) > MAX_PROPERTY_BYTES) throw new Refusal(400, 'The value is too long');
}

function listProperties(call: Call): Reply {
  const space = visibleSpace(call, 'spaceId');
  const key = call.query.get('key');
  const page = pageV2(call, listedProperties(call.site.state, space.id), { accept: (p) => key === null || p.key === key });
  return {
    status: 200,
    body: { results: page.items.map(propertyJson), _links: page.links },
    headers: page.headers,
    returned: { objects: page.items.length },
  };
}

function createProperty(call: Call): Reply {
  const space = visibleSpace(call, 'spaceId');
  requireSpaceAdmin(call, space);
  const input = parseBody(z.strictObject({ key: z.string().min(1).max(255), value: z.unknown() }), call.body);
  requireSmall(input.value);
  const list = propertiesOf(call, space);
  if (list.some((p) => p.key === input.key)) throw new Refusal(409, 'A property with this key already exists');
  const at = call.site.clock.now();
  const property: Property = {
    id: call.site.state.newPropertyId(),
    key: input.key,
    value: input.value,
    createdAt: at,
    createdBy: callerId(call.caller),
    version: 1,
    versionAt: at,
  };
  call.site.state.pastSpaceProperties.note(property.id, null);
  list.push(property);
  return {
    status: 201,
    body: { ...propertyJson(property), _links: baseLinks(call) },
    headers: { location: `${V2}/spaces/${space.id}/properties/${property.id}` },
  };
}

function propertyById(call: Call): { space: Space; property: Property } {
  const space = visibleSpace(call, 'spaceId');
  const property = propertiesOf(call, space).find((p) => p.id === idParam(call, 'propertyId'));
  if (!property) throw new Refusal(404, 'Property not found');
  return { space, property };
}

const PropertyUpdate = z.strictObject({
  key: z.string(),
  value: z.unknown(),
  version: z.strictObject({ number: z.number().int(), message: z.string().optional() }),
});

function updateProperty(call: Call): Reply {
  const { space, property } = propertyById(call);
  requireSpaceAdmin(call, space);
  const input = parseBody(PropertyUpdate, call.body);
  if (input.key !== property.key) throw new NotModelled('renaming a property');
  requireSmall(input.value);
  if (input.version.number !== property.version + 1) throw new Refusal(409, 'Version must be incremented when updating a property');
  call.site.state.pastSpaceProperties.note(property.id, { spaceId: space.id, property: { ...property } });
  property.value = input.value;
  property.version += 1;
  property.versionAt = call.site.clock.now();
  return { status: 200, body: { ...propertyJson(property), _links: baseLinks(call) } };
}

function deleteProperty(call: Call): Reply {
  const { space, property } = propertyById(call);
  requireSpaceAdmin(call, space);
  call.site.state.pastSpaceProperties.note(property.id, { spaceId: space.id, property: { ...property } });
  const list = propertiesOf(call, space);
  list.splice(list.indexOf(property), 1);
  return { status: 204 };
}

function appProperty(call: Call): Reply {
  const key = call.params.propertyKey ?? '';
  const state = call.site.state;
  if (!state.appProperties.has(key)) throw new Refusal(404, 'Property not found');
  return { status: 200, body: { key, value: state.appProperties.get(key) }, returned: { objects: 1 } };
}

function setAppProperty(call: Call): Reply {
  const key = call.params.propertyKey ?? '';
  if (key.length > 127) throw new Refusal(400, 'The key is too long');
  const value = parseBody(z.record(z.string(), z.unknown()), call.body);
  const existed = call.site.state.appProperties.has(key);
  call.site.state.appProperties.set(key, value);
  return { status: existed ? 200 : 201 };
}

/** V15: limits are not published; 127 characters and 32 KB are assumed. */
const MAX_USER_PROPERTY_KEY = 127;

const MAX_USER_PROPERTY_BYTES = 32 * 1024;

const USER_PROPERTY_KEY = /^[-_a-zA-Z0-9]+$/;

/** Atlassian staff: user properties are isolated per app. API tokens share a store that is separate from the app's. */
function userPropertyStore(call: Call): Map<string, Property> {
  requireUse(call);
  const person = personById(call, call.params.userId ?? '');
  const { userProperties, userPropertiesByToken } = call.site.state;
  const stores = call.caller.kind === 'person' && !call.caller.viaApp ? userPropertiesByToken : userProperties;
  let store = stores.get(person.accountId);
  if (!store) {
    store = new Map();
    stores.set(person.accountId, store);
  }
  return store;
}

function userPropertyInput(call: Call): { key: string; value: Record<string, unknown> } {
  const key = call.params.key ?? '';
  if (!USER_PROPERTY_KEY.test(key) || key.length > MAX_USER_PROPERTY_KEY) throw new Refusal(400, 'Invalid property key');
  const { value } = parseBody(z.strictObject({ value: z.record(z.string(), z.unknown()) }), call.body);
  if (Object.keys(value).length === 0) throw new Refusal(400, 'The value must not be empty');
  if (Buffer.byteLength(JSON.stringify(value)) > MAX_USER_PROPERTY_BYTES) throw new Refusal(400, 'The value is too long');
  return { key, value };
}

function createUserProperty(call: Call): Reply {
  const store = userPropertyStore(call);
  const { key, value } = userPropertyInput(call);
  if (store.has(key)) throw new Refusal(409, 'A property with this key already exists');
  const at = call.site.clock.now();
  store.set(key, {
    id: call.site.state.newPropertyId(),
    key,
    value,
    createdAt: at,
    createdBy: callerId(call.caller),
    version: 1,
    versionAt: at,
  });
  return { status: 201 };
}

function storedUserProperty(call: Call): { store: Map<string, Property>; property: Property } {
  const store = userPropertyStore(call);
  const property = store.get(call.params.key ?? '');
  if (!property) throw new Refusal(404, 'Property not found');
  return { store, property };
}

function updateUserProperty(call: Call): Reply {
  const { property } = storedUserProperty(call);
  property.value = userPropertyInput(call).value;
  property.version += 1;
  property.versionAt = call.site.clock.now();
  return { status: 204 };
}

const USER_PROPERTY_READ = [['read:user.property:confluence']];

const USER_PROPERTY_WRITE = [['write:user.property:confluence']];

export const propertyOperations: readonly Operation[] = [
  {
    method: 'GET',
    path: `${V2}/spaces/:spaceId/properties`,
    query: ['key', 'cursor', 'limit'],
    scopes: [['read:space:confluence']],
    handle: listProperties,
  },
  {
    method: 'POST',
    path: `${V2}/spaces/:spaceId/properties`,
    scopes: [['read:space:confluence', 'write:space:confluence']],
    handle: createProperty,
  },
  {
    method: 'GET',
    path: `${V2}/spaces/:spaceId/properties/:propertyId`,
    scopes: [['read:space:confluence']],
    handle: (call) => ({
      status: 200,
      body: { ...propertyJson(propertyById(call).property), _links: baseLinks(call) },
      returned: { objects: 1 },
    }),
  },
  {
    method: 'PUT',
    path: `${V2}/spaces/:spaceId/properties/:propertyId`,
    scopes: [['read:space:confluence', 'write:space:confluence']],
    handle: updateProperty,
  },
  {
    method: 'DELETE',
    path: `${V2}/spaces/:spaceId/properties/:propertyId`,
    scopes: [['read:space:confluence', 'write:space:confluence']],
    handle: deleteProperty,
  },
  {
    method: 'GET',
    path: `${V2}/app/properties`,
    query: ['cursor', 'limit'],
    scopes: [['read:app-data:confluence']],
    appOnly: true,
    handle: (call) => {
      const page = pageV2(
        call,
        [...call.site.state.appProperties].map(([key, value]) => ({ key, value })),
        { default: 50 },
      );
      return {
        status: 200,
        body: { results: page.items, _links: page.links },
        headers: page.headers,
        returned: { objects: page.items.length },
      };
    },
  },
  { method: 'GET', path: `${V2}/app/properties/:propertyKey`, scopes: [['read:app-data:confluence']], appOnly: true, handle: appProperty },
  {
    method: 'PUT',
    path: `${V2}/app/properties/:propertyKey`,
    scopes: [['write:app-data:confluence']],
    appOnly: true,
    handle: setAppProperty,
  },
  {
    method: 'DELETE',
    path: `${V2}/app/properties/:propertyKey`,
    scopes: [['write:app-data:confluence']],
    appOnly: true,
    handle: (call) => {
      if (!call.site.state.appProperties.delete(call.params.propertyKey ?? '')) throw new Refusal(404, 'Property not found');
      return { status: 204 };
    },
  },
  {
    method: 'GET',
    path: `${V1}/user/:userId/property`,
    query: ['start', 'limit'],
    scopes: USER_PROPERTY_READ,
    handle: (call) => {
      const page = pageV1(call, [...userPropertyStore(call).keys()], { default: 5, max: 25 });
      return { status: 200, body: { results: page.results.map((key) => ({ key })), ...page.envelope } };
    },
  },
  {
    method: 'GET',
    path: `${V1}/user/:userId/property/:key`,
    scopes: USER_PROPERTY_READ,
    handle: (call) => {
      const { property } = storedUserProperty(call);
      const { key, value, id, versionAt, createdAt } = property;
      return {
        status: 200,
        body: { key, value, id: String(id), lastModifiedDate: iso(versionAt), createdDate: iso(createdAt), _links: {} },
      };
    },
  },
  { method: 'POST', path: `${V1}/user/:userId/property/:key`, scopes: USER_PROPERTY_WRITE, handle: createUserProperty },
  { method: 'PUT', path: `${V1}/user/:userId/property/:key`, scopes: USER_PROPERTY_WRITE, handle: updateUserProperty },
  {
    method: 'DELETE',
    path: `${V1}/user/:userId/property/:key`,
    scopes: USER_PROPERTY_WRITE,
    handle: (call) => {
      const { store, property } = storedUserProperty(call);
      store.delete(property.key);
      return { status: 204 };
    },
  },
];

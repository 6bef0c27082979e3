/**
 * Checks every request by the app and every answer by the local site against Atlassian's own API
 * documents. They are not in this repository: `HOMESTEAD_OPENAPI` names their folder, by default
 * `../shared/openapi` next to the checkout. CI requires them.
 */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import Ajv, { type ValidateFunction } from 'ajv';
import addFormats from 'ajv-formats';
import type { ProductAnswer, ProductRequest } from '../emulator/confluence/site';
import { PROJECT_ROOT } from '../emulator/forge/manifest';

type Json = Record<string, unknown>;
interface Parameter {
  name: string;
  in: string;
  required?: boolean;
  schema?: Json;
}

const FOLDER = process.env.HOMESTEAD_OPENAPI ?? resolve(PROJECT_ROOT, '../shared/openapi');
export const HAS_OPENAPI = existsSync(resolve(FOLDER, 'confluence-v2.json'));

if (!HAS_OPENAPI && process.env.CI === 'true') throw new Error(`CI needs Atlassian's API documents in ${FOLDER} (or HOMESTEAD_OPENAPI)`);

/** Where live sites reportedly differ from the documents. */
const DRIFT: readonly { what: string; apply: (schemas: Record<string, Json>) => void }[] = [
  {
    what: 'v2 space: currentActiveAlias, description and icon may be null',
    apply: (s) => nullable(s, ['SpaceBulk', 'SpaceSingle'], ['currentActiveAlias', 'description', 'icon']),
  },
  {
    what: 'v2 space: homepageId is null after the homepage was deleted (an assumption: the document does not say)',
    apply: (s) => nullable(s, ['SpaceBulk', 'SpaceSingle'], ['homepageId']),
  },
  {
    what: 'v2 page: parentId, parentType, lastOwnerId and subtype may be null',
    apply: (s) => nullable(s, ['PageBulk', 'PageSingle'], ['parentId', 'parentType', 'lastOwnerId', 'subtype']),
  },
  { what: 'v2 user: personalSpaceId and timeZone may be null', apply: (s) => nullable(s, ['User'], ['personalSpaceId', 'timeZone']) },
  { what: 'v2 space permission: principals and operations outside the closed lists', apply: (s) => openEnums(s.SpacePermissionAssignment) },
  { what: 'v2 page body: matches both halves of its oneOf', apply: (s) => replaceOneOf(s) },
];

function nullable(schemas: Record<string, Json>, names: string[], fields: string[]): void {
  for (const name of names) {
    const properties = schemas[name]?.properties as Record<string, Json> | undefined;
    for (const field of fields) {
      const schema = properties?.[field];
      if (schema) properties[field] = { anyOf: [schema, { type: 'null' }] };
    }
  }
}

function openEnums(node: unknown): void {
  if (typeof node !== 'object' || node === null) return;
  delete (node as Json).enum;
  for (const part of Object.values(node)) openEnums(part);
}

function replaceOneOf(node: unknown): void {
  if (Array.isArray(node)) for (const part of node) replaceOneOf(part);
  else if (typeof node === 'object' && node !== null) {
    const record = node as Json;
    if (record.oneOf && !record.discriminator) {
      record.anyOf = record.oneOf;
      delete record.oneOf;
    }
    for (const part of Object.values(record)) replaceOneOf(part);
  }
}

/** Translates OpenAPI 3.0's `nullable` to JSON Schema. */
function toJsonSchema(node: unknown): unknown {
  if (Array.isArray(node)) return node.map((part) => toJsonSchema(part));
  if (typeof node !== 'object' || node === null) return node;
  const record = Object.fromEntries(Object.entries(node).map(([key, part]) => [key, toJsonSchema(part)])) as Json;
  delete record.example;
  delete record.discriminator;
  if (record.nullable === true && typeof record.type === 'string') record.type = [record.type, 'null'];
  delete record.nullable;
  return record;
}

interface Document {
  prefix: string;
  name: string;
  schemas: Record<string, Json>;
  paths: Record<string, Record<string, { parameters?: Parameter[]; requestBody?: Json; responses: Record<string, Json> }>>;
  routes: { pattern: RegExp; path: string }[];
}

// Making generated code shorter takes longer than running it does.
const ajv = new Ajv({ strict: false, allErrors: true, validateSchema: false, validateFormats: false, code: { optimize: false } });
addFormats(ajv);

function load(file: string, name: string, prefix: string): Document {
  const raw = JSON.parse(readFileSync(resolve(FOLDER, file), 'utf8')) as Json & { components: { schemas: Record<string, Json> } };
  for (const { apply } of DRIFT) apply(raw.components.schemas);
  if (name === 'v2') replaceOneOf(raw.paths);
  const document = toJsonSchema(raw) as Json & { paths: Document['paths'] };
  ajv.addSchema({ ...document, $id: `https://local/${name}` });
  const routes = Object.keys(document.paths).map((path) => ({
    path,
    pattern: new RegExp(`^${prefix}${path.replace(/\{[^}]+\}/g, '[^/]+')}$`),
  }));
  // Literal paths go first, or a path with parameters would match in their place.
  routes.sort((a, b) => (a.path.match(/\{/g)?.length ?? 0) - (b.path.match(/\{/g)?.length ?? 0));
  const { schemas } = (document as unknown as { components: { schemas: Record<string, Json> } }).components;
  return { prefix, name, schemas, paths: document.paths, routes };
}

let documents: Document[] | undefined;

const pointer = (...parts: string[]): string => parts.map((p) => encodeURIComponent(p.replace(/~/g, '~0').replace(/\//g, '~1'))).join('/');

/** What is wrong with the call, one problem per line; empty if nothing is, or if the documents are missing. */
export function checkCall(request: ProductRequest, answer: ProductAnswer): string[] {
  if (!HAS_OPENAPI || answer.route === null || answer.route === '/graphql') return [];
  documents ??= [load('confluence-v1.json', 'v1', ''), load('confluence-v2.json', 'v2', '/wiki/api/v2')];
  const url = new URL(request.url, 'https://local');
  const method = request.method.toLowerCase();
  for (const document of documents) {
    for (const { path, pattern } of document.routes) {
      const operation = pattern.test(url.pathname) ? document.paths[path]?.[method] : undefined;
      if (!operation) continue;
      const at = `${request.method} ${path}`;
      return [
        ...checkQuery(at, document, operation.parameters ?? [], url.searchParams, answer.status),
        ...checkBody(at, document, path, method, operation, request, answer),
      ];
    }
  }
  return [`${request.method} ${url.pathname} is in neither document`];
}

/** Parses a query value according to its schema's type. */
function queryValue(schema: Json, texts: string[]): unknown {
  if (schema.type === 'array') return texts.flatMap((t) => t.split(',')).map((t) => queryValue((schema.items ?? {}) as Json, [t]));
  const [value = ''] = texts;
  if (schema.type === 'integer' || schema.type === 'number') return Number(value);
  if (schema.type === 'boolean') return value === 'true' ? true : value === 'false' ? false : value;
  return value;
}

const compiled = new WeakMap<Json, ValidateFunction>();

function compiledOnce(schema: Json): ValidateFunction {
  const validate = compiled.get(schema) ?? ajv.compile({ ...schema, $ref: undefined });
  compiled.set(schema, validate);
  return validate;
}

function checkQuery(at: string, document: Document, parameters: Parameter[], query: URLSearchParams, status: number): string[] {
  // A refused request is there to test the refusal.
  if (status >= 400) return [];
  const known = parameters.filter((p) => p.in === 'query');
  const problems: string[] = [];
  for (const name of new Set(query.keys())) {
    const parameter = known.find((p) => p.name === name);
    if (!parameter) {
      problems.push(`${at}: unknown query parameter ${name}`);
      continue;
    }
    const schema = resolveRef(document, parameter.schema ?? {});
    const validate = compiledOnce(schema);
    if (!validate(queryValue(schema, query.getAll(name))))
      problems.push(`${at}: query parameter ${name}: ${ajv.errorsText(validate.errors)}`);
  }
  for (const parameter of known)
    if (parameter.required && !query.has(parameter.name)) problems.push(`${at}: query parameter ${parameter.name} is required`);
  return problems;
}

function resolveRef(document: Document, schema: Json): Json {
  const name = typeof schema.$ref === 'string' ? schema.$ref.split('/').at(-1) : undefined;
  return name === undefined ? schema : (document.schemas[name] ?? {});
}

function checkBody(
  at: string,
  document: Document,
  path: string,
  method: string,
  operation: Document['paths'][string][string],
  request: ProductRequest,
  answer: ProductAnswer,
): string[] {
  const problems: string[] = [];
  const root = `https://local/${document.name}#/paths/${pointer(path, method)}`;
  const against = (where: string, ref: string, value: unknown): void => {
    const validate = ajv.getSchema(ref) ?? ajv.compile({ $ref: ref });
    if (!validate(value))
      problems.push(...(validate.errors ?? []).map((e) => `${at}: ${where}${e.instancePath} ${e.message} ${JSON.stringify(e.params)}`));
  };
  const hasSchema = (node: Json | undefined): boolean =>
    (node?.content as Record<string, { schema?: unknown }> | undefined)?.['application/json']?.schema !== undefined;
  // A request refused as malformed is there to test the refusal.
  if (request.body !== undefined && answer.status < 400 && hasSchema(operation.requestBody)) {
    against('request', `${root}/requestBody/content/application~1json/schema`, JSON.parse(request.body));
  }
  const documented = operation.responses[String(answer.status)];
  if (answer.status < 400) {
    if (!documented) problems.push(`${at}: status ${answer.status} is not documented`);
    else if (hasSchema(documented))
      against('response', `${root}/responses/${answer.status}/content/application~1json/schema`, JSON.parse(JSON.stringify(answer.body)));
  }
  return problems;
}

/** Reads the parts of `manifest.yml` that the local site acts on. Anything it does not know is refused. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';

export const PROJECT_ROOT = resolve(import.meta.dirname, '../../..');

/** Forge docs: runtime. */
const DEFAULT_MEMORY_MB = 512;

const Title = z.union([z.string(), z.object({ i18n: z.string() })]);
const Filter = z.strictObject({
  expression: z.string().max(10_000).optional(),
  onError: z.enum(['IGNORE', 'IGNORE_AND_LOG', 'RECEIVE', 'RECEIVE_AND_LOG']).optional(),
  appIsLicensed: z.boolean().optional(),
});
const UiModule = z.object({
  key: z.string(),
  resource: z.string(),
  resolver: z.object({ function: z.string() }).optional(),
  title: Title.optional(),
  route: z.string().optional(),
  displayConditions: z.record(z.string(), z.unknown()).optional(),
  /** Who can see the module besides licensed people. */
  unlicensedAccess: z.array(z.enum(['unlicensed', 'anonymous'])).default([]),
});

const Manifest = z.object({
  app: z.object({
    id: z.string(),
    runtime: z.object({ name: z.string(), memoryMB: z.number().default(DEFAULT_MEMORY_MB) }).loose(),
    storage: z
      .object({
        entities: z.array(
          z.object({
            name: z.string(),
            attributes: z.record(z.string(), z.object({ type: z.enum(['string', 'boolean', 'integer', 'float', 'any']) })),
            indexes: z
              .array(
                z.union([
                  z.string(),
                  z.object({ name: z.string(), partition: z.array(z.string()).optional(), range: z.array(z.string()).length(1) }),
                ]),
              )
              .default([]),
          }),
        ),
      })
      .optional(),
  }),
  modules: z.strictObject({
    function: z.array(
      z.object({
        key: z.string(),
        handler: z.string(),
        timeoutSeconds: z.number().optional(),
        /** Memory of this function alone; without it, it has the app's. */
        runtime: z.strictObject({ memoryMB: z.number() }).optional(),
      }),
    ),
    trigger: z
      .array(z.object({ key: z.string(), function: z.string(), events: z.array(z.string()), filter: Filter.optional() }))
      .default([]),
    /** The installation's database. */
    sql: z
      .array(z.strictObject({ key: z.string(), engine: z.literal('mysql') }))
      .max(1)
      .default([]),
    consumer: z.array(z.object({ key: z.string(), queue: z.string(), function: z.string() })).default([]),
    scheduledTrigger: z
      .array(
        z.object({
          key: z.string(),
          function: z.string(),
          interval: z.enum(['fiveMinute', 'hour', 'day', 'week']),
          filter: z.strictObject({ appIsLicensed: z.boolean() }).optional(),
        }),
      )
      .default([]),
    'confluence:globalSettings': z.array(UiModule).default([]),
    'confluence:globalPage': z.array(UiModule).default([]),
    'confluence:backgroundScript': z.array(UiModule).default([]),
  }),
  resources: z.array(z.object({ key: z.string(), path: z.string() })).default([]),
  permissions: z.object({
    scopes: z.record(z.string(), z.union([z.object({ allowImpersonation: z.boolean().optional() }), z.null()])),
    content: z.object({ styles: z.array(z.string()).optional(), scripts: z.array(z.string()).optional() }).optional(),
  }),
  translations: z
    .object({ resources: z.array(z.object({ key: z.string(), path: z.string() })), fallback: z.object({ default: z.string() }) })
    .optional(),
});
export type Manifest = z.infer<typeof Manifest>;
export type UiModule = z.infer<typeof UiModule>;
export type EntityDefinition = NonNullable<Manifest['app']['storage']>['entities'][number];

/** @throws ZodError with the path of what the local site does not model */
export function loadManifest(root = PROJECT_ROOT): Manifest {
  const text = readFileSync(resolve(root, 'manifest.yml'), 'utf8');
  if (text !== last?.text) last = { text, manifest: Manifest.parse(parse(text)) };
  return last.manifest;
}

/** Tests start thousands of sites with the same manifest. */
let last: { text: string; manifest: Manifest } | undefined;

export function memoryOf({ app, modules }: Manifest, functionKey: string): number {
  return modules.function.find(({ key }) => key === functionKey)?.runtime?.memoryMB ?? app.runtime.memoryMB;
}

export function scopesOf(manifest: Manifest): Set<string> {
  return new Set(Object.keys(manifest.permissions.scopes));
}

export function impersonationScopesOf(manifest: Manifest): Set<string> {
  return new Set(Object.entries(manifest.permissions.scopes).flatMap(([scope, o]) => (o?.allowImpersonation ? [scope] : [])));
}

const UI_TYPES = ['confluence:globalSettings', 'confluence:globalPage', 'confluence:backgroundScript'] as const;
export type UiType = (typeof UI_TYPES)[number];

export function uiModules(manifest: Manifest): (UiModule & { type: UiType })[] {
  return UI_TYPES.flatMap((type) => manifest.modules[type].map((module) => ({ ...module, type })));
}

/** All modules, as `status` in the control API lists them. */
export function moduleList(manifest: Manifest): { type: string; key: string }[] {
  return Object.entries(manifest.modules).flatMap(([type, modules]) => modules.map(({ key }) => ({ type, key })));
}

/** A module's title in the reader's language (`es_ES`, as Confluence writes it), or else in the default language. */
export function titleOf(manifest: Manifest, title: UiModule['title'], locale = ''): string {
  if (title === undefined) return '';
  if (typeof title === 'string') return title;
  const { resources = [], fallback } = manifest.translations ?? {};
  const names = [locale.replace('_', '-'), fallback?.default];
  for (const name of names) {
    const resource = resources.find((r) => r.key === name);
    if (!resource) continue;
    const catalogue = JSON.parse(readFileSync(resolve(PROJECT_ROOT, resource.path), 'utf8')) as Record<string, string>;
    const text = catalogue[title.i18n];
    if (text !== undefined) return text;
  }
  return title.i18n;
}

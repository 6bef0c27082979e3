/** What Atlassian's own tools say about manifest.yml and the sources, and rules those tools do not check. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import Ajv from 'ajv';
import addFormats from 'ajv-formats';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { Clock } from '../emulator/clock';
import { loadManifest, PROJECT_ROOT, scopesOf } from '../emulator/forge/manifest';
import { loadBundle } from '../emulator/forge/runtime';
import { chance } from '../emulator/random';
import { FUNCTION_FOLDER } from '../emulator/site';

const require = createRequire(import.meta.url);
const manifest = loadManifest();

function files(folder: string): string[] {
  return readdirSync(join(PROJECT_ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === 'dist' ? [] : files(path);
    return /\.tsx?$/.test(entry.name) ? [path] : [];
  });
}

describe('manifest.yml', () => {
  it('conforms to the JSON schema of @forge/manifest', () => {
    const ajv = new Ajv({ strict: false, allErrors: true, code: { optimize: false } });
    addFormats(ajv);
    const validate = ajv.compile(require('@forge/manifest/schema.json'));
    validate(parse(readFileSync(join(PROJECT_ROOT, 'manifest.yml'), 'utf8')));
    expect(validate.errors ?? []).toEqual([]);
  });

  it('passes all validators of @forge/manifest', async () => {
    const { ProcessorBuilder, ValidationTypes } = require('@forge/manifest') as {
      ProcessorBuilder: {
        instance(): {
          withValidation(t: unknown): { withOptions(o: unknown): { build(): { process(): Promise<{ errors?: unknown[] }> } } };
        };
      };
      ValidationTypes: { FULL: unknown };
    };
    const before = process.cwd();
    process.chdir(PROJECT_ROOT);
    try {
      const result = await ProcessorBuilder.instance()
        .withValidation(ValidationTypes.FULL)
        .withOptions({ deprecatedRuntimes: ['nodejs20.x'] })
        .build()
        .process();
      expect(result.errors ?? []).toEqual([]);
    } finally {
      process.chdir(before);
    }
  }, 60_000);

  it('passes the client-side linters of @forge/lint without errors or warnings', async () => {
    const { lint } = require('@forge/lint/out/lint/lint.js');
    const { ConfigFile, FileSystemReader } = require('@forge/cli-shared');
    const logger = { info() {}, warn() {}, error() {}, debug() {}, trace() {} };
    const statsig = { getDeprecatedRuntimes: async () => ['nodejs20.x'] };
    const before = process.cwd();
    process.chdir(PROJECT_ROOT);
    try {
      const config = await new ConfigFile(new FileSystemReader(), statsig).readConfig();
      const documents = process.env.HOMESTEAD_OPENAPI ?? resolve(PROJECT_ROOT, '../shared/openapi');
      const empty = join(PROJECT_ROOT, 'test/platform/no-paths.json');
      const local = (name: string): string => {
        const path = resolve(documents, name);
        return statSync(path, { throwIfNoEntry: false }) ? path : empty;
      };
      Object.assign(process.env, {
        USE_LOCAL_SWAGGER: '1',
        LOCAL_CONF_SWAGGER: local('confluence-v1.json'),
        LOCAL_CONF_V2_SWAGGER: local('confluence-v2.json'),
        LOCAL_JIRA_SWAGGER: empty,
        LOCAL_JSM_SWAGGER: empty,
        LOCAL_JSW_SWAGGER: empty,
        LOCAL_BB_SWAGGER: empty,
      });
      const results = (await lint(files('src'), config, 'development', logger, statsig, { linter: { mode: 'client-side' } })) as {
        file: string;
        errors: { message: string }[];
        warnings: { message: string }[];
      }[];
      expect(results.flatMap((r) => [...r.errors, ...r.warnings].map((p) => `${r.file}: ${p.message}`))).toEqual([]);
    } finally {
      process.chdir(before);
    }
  }, 120_000);

  it('names handlers that the bundle exports', () => {
    const named = manifest.modules.function.map((f) => f.handler);
    const files = new Set(named.map((handler) => handler.split('.')[0] as string));
    const exported = [...files].flatMap((file) =>
      Object.keys(loadBundle(join(FUNCTION_FOLDER, `${file}.cjs`), new Clock(0), chance(1))).map((name) => `${file}.${name}`),
    );
    expect(named.sort()).toEqual(exported.sort());
  });

  it('follows the rules that the offline validators do not check', () => {
    expect(manifest.modules.scheduledTrigger.length).toBeLessThanOrEqual(5);
    expect(manifest.app.storage?.entities.length).toBeLessThanOrEqual(20);
    for (const entity of manifest.app.storage?.entities ?? []) {
      for (const index of entity.indexes) {
        const fields = typeof index === 'string' ? [index] : [...(index.partition ?? []), ...index.range];
        for (const field of fields) expect(entity.attributes[field]?.type, `${entity.name}.${field}`).not.toBe('any');
      }
    }
    const known = new Map(
      (
        JSON.parse(readFileSync(join(PROJECT_ROOT, 'node_modules/@forge/manifest/out/mapping/product-event-to-scope-mapping.json'), 'utf8'))
          .mapping as { productEvent: string; oAuthScopes: { current: string[] } }[]
      ).map((m) => [m.productEvent, m.oAuthScopes.current]),
    );
    const scopes = scopesOf(manifest);
    for (const event of manifest.modules.trigger.flatMap((t) => t.events)) {
      expect([...known.keys()], event).toContain(event);
      for (const scope of known.get(event) ?? []) expect([...scopes], event).toContain(scope);
    }
    expect(scopes).toContain('storage:app');
    expect(manifest.permissions.content).toBeUndefined();
  });
});

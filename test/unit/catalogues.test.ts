/** The translation catalogues: complete in both languages, well-formed, and without unused sentences. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { IntlMessageFormat } from 'intl-messageformat';
import { describe, expect, it } from 'vitest';
import { REASONS } from '../../src/domain/provisioning/decide';
import enUS from '../../src/locales/en-US.json';
import esES from '../../src/locales/es-ES.json';
import { PROJECT_ROOT } from '../emulator/forge/manifest';

/** For all catalogues together; https://developer.atlassian.com/platform/forge/manifest-reference/translations/ */
const MAX_CATALOGUE_BYTES = 100 * 1024;
const CATALOGUES: Record<string, Record<string, string>> = { 'en-US': enUS, 'es-ES': esES };

type Ast = ReturnType<IntlMessageFormat['getAst']>;

/** Every placeholder of a message with its kind, and the cases of a `select`. Plural cases are left out: they differ by language. */
function placesOf(ast: Ast): string[] {
  return ast.flatMap((element) => {
    if (!('value' in element) || element.type === 0) return [];
    const own = `${element.type}:${element.value}`;
    if (!('options' in element)) return [own];
    const cases = Object.entries(element.options).flatMap(([name, option]) => [
      ...(element.type === 5 ? [`${own}:${name}`] : []),
      ...placesOf(option.value),
    ]);
    return [own, ...cases];
  });
}

const places = (message: string, locale: string): string[] =>
  [...new Set(placesOf(new IntlMessageFormat(message, locale).getAst()))].sort();

function sourceFiles(folder: string): string[] {
  return readdirSync(join(PROJECT_ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === 'dist' ? [] : sourceFiles(path);
    return /\.tsx?$|^manifest\.yml$/.test(entry.name) ? [path] : [];
  });
}

describe('the catalogues', () => {
  it('have the same sentences in the same order, none of them empty', () => {
    expect(Object.keys(esES)).toEqual(Object.keys(enUS));
    for (const [locale, catalogue] of Object.entries(CATALOGUES)) {
      for (const [key, message] of Object.entries(catalogue)) expect(message.trim(), `${locale} ${key}`).not.toBe('');
    }
  });

  it('define no key twice', () => {
    for (const locale of Object.keys(CATALOGUES)) {
      const raw = readFileSync(join(PROJECT_ROOT, `src/locales/${locale}.json`), 'utf8');
      const keys = [...raw.matchAll(/^ {2}"([^"]+)":/gm)].map((match) => match[1]);
      expect(keys.length, locale).toBe(new Set(keys).size);
    }
  });

  it('use the same placeholders in a sentence and its translation', () => {
    for (const [key, message] of Object.entries(enUS)) {
      expect(places(esES[key as keyof typeof esES], 'es-ES'), key).toEqual(places(message, 'en-US'));
    }
  });

  it('stay within the size that the platform allows', () => {
    const bytes = Object.keys(CATALOGUES).reduce((sum, locale) => sum + statSync(join(PROJECT_ROOT, `src/locales/${locale}.json`)).size, 0);
    expect(bytes).toBeLessThanOrEqual(MAX_CATALOGUE_BYTES);
  });

  it('state every reason twice: about a person and to that person', () => {
    for (const reason of REASONS) {
      expect(enUS, reason).toHaveProperty([`reason.${reason}`]);
      expect(enUS, reason).toHaveProperty([`reason.you.${reason}`]);
    }
  });

  it('contain no unused sentence', () => {
    const sources = [...sourceFiles('src'), ...sourceFiles('static')].map((file) => readFileSync(join(PROJECT_ROOT, file), 'utf8'));
    const all = [...sources, readFileSync(join(PROJECT_ROOT, 'manifest.yml'), 'utf8')].join('\n');
    // Keys built from a prefix and a code: `mode.${mode}`, textOf('error', code).
    const prefixes = [
      ...[...all.matchAll(/[`'"]([a-z][\w.-]*\.)\$\{/g)].map((match) => match[1] as string),
      ...[...all.matchAll(/text(?:Of|Or)\(\s*['`]([\w.-]+)['`],/g)].map((match) => `${match[1]}.`),
    ];
    const said = (key: string): boolean =>
      all.includes(`'${key}'`) || all.includes(`i18n: ${key} `) || prefixes.some((prefix) => key.startsWith(prefix));
    expect(Object.keys(enUS).filter((key) => !said(key))).toEqual([]);
  });
});

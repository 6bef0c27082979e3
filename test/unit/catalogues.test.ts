/** The translation catalogues: complete in both languages, well-formed, with each sentence in its owner's catalogue and none unused. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { IntlMessageFormat } from 'intl-messageformat';
import { describe, expect, it } from 'vitest';
import { REASONS } from '../../src/domain/reasons';
import { PROJECT_ROOT } from '../emulator/forge/manifest';

/** For all catalogues that the manifest names; https://developer.atlassian.com/platform/forge/manifest-reference/translations/ */
const MAX_MANIFEST_BYTES = 100 * 1024;
const LANGUAGES = ['en-US', 'es-ES'] as const;
type Language = (typeof LANGUAGES)[number];

type Catalogue = Record<string, string>;
const read = (path: string): string => readFileSync(join(PROJECT_ROOT, path), 'utf8');
const pathOf = (area: string, language: Language): string =>
  area === 'manifest' ? `src/locales/manifest/${language}.json` : `src/locales/app/${area}.${language}.json`;
const load = (area: string, language: Language): Catalogue => JSON.parse(read(pathOf(area, language))) as Catalogue;

const AREAS = ['manifest', ...new Set(readdirSync(join(PROJECT_ROOT, 'src/locales/app')).map((file) => file.split('.')[0] as string))];
const ALL: Catalogue = Object.assign({}, ...AREAS.map((area) => load(area, 'en-US')));

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
    return /\.tsx?$/.test(entry.name) ? [path] : [];
  });
}

/** The beginnings of keys that are built from a beginning and a code: `mode.${mode}`. */
const beginningsIn = (source: string): string[] => [...source.matchAll(/[`'"]([a-z][\w.-]*\.)\$\{/g)].map((match) => match[1] as string);
/** The same for codes that may lack a sentence: textOf('error', code). */
const optionalBeginningsIn = (source: string): string[] => [
  ...[...source.matchAll(/text(?:Of|Or)\(\s*['`]([\w.-]+)['`],/g)].map((match) => `${match[1]}.`),
];

/** The files that a page imports, starting with its entry, and the areas whose sentences are bundled with it. */
function partsOf(entry: string): { sources: string[]; areas: Record<Language, Set<string>> } {
  const seen = new Set<string>();
  const areas = { 'en-US': new Set<string>(), 'es-ES': new Set<string>() };
  const visit = (path: string): void => {
    if (seen.has(path)) return;
    seen.add(path);
    for (const [, target] of read(path).matchAll(/(?:from|import)\s*\(?'(\.[^']+)'/g)) {
      const file = relative(PROJECT_ROOT, join(PROJECT_ROOT, dirname(path), target as string));
      const [, area, language] = /^src\/locales\/app\/([\w-]+)\.(en-US|es-ES)\.json$/.exec(file) ?? [];
      // That one file imports every catalogue, but only for their types.
      if (area !== undefined && path !== 'static/shared/text.ts') areas[language as Language].add(area);
      const found = ['.tsx', '.ts'].map((end) => `${file}${end}`).find((name) => PAGE_FILES.includes(name));
      if (found !== undefined) visit(found);
    }
  };
  visit(entry);
  return { sources: [...seen].map(read), areas };
}
const PAGE_FILES = sourceFiles('static');
const PAGES = ['static/admin/src/main.tsx', 'static/my-space/src/main.tsx', 'static/notice/notice.ts'];

describe('the catalogues', () => {
  it.each(AREAS)('%s: have the same sentences in both languages, in the same order, none of them empty or repeated', (area) => {
    const keys = Object.keys(load(area, 'en-US'));
    for (const language of LANGUAGES) {
      const catalogue = load(area, language);
      expect(Object.keys(catalogue), language).toEqual(keys);
      for (const [key, message] of Object.entries(catalogue)) expect(message.trim(), `${language} ${key}`).not.toBe('');
      expect([...read(pathOf(area, language)).matchAll(/^ {2}"[^"]+":/gm)], language).toHaveLength(keys.length);
    }
  });

  it('have each sentence in only one of them', () => {
    const keys = AREAS.flatMap((area) => Object.keys(load(area, 'en-US')));
    expect(keys.filter((key, i) => keys.indexOf(key) !== i)).toEqual([]);
  });

  it.each(AREAS)('%s: use the same placeholders in a sentence and its translation', (area) => {
    const spanish = load(area, 'es-ES');
    for (const [key, message] of Object.entries(load(area, 'en-US'))) {
      expect(places(spanish[key] as string, 'es-ES'), key).toEqual(places(message, 'en-US'));
    }
  });

  it('of the manifest stay within the size that the platform allows, and contain exactly what the manifest names', () => {
    const bytes = LANGUAGES.reduce((sum, language) => sum + statSync(join(PROJECT_ROOT, pathOf('manifest', language))).size, 0);
    expect(bytes).toBeLessThanOrEqual(MAX_MANIFEST_BYTES);
    const named = [...read('manifest.yml').matchAll(/i18n: ([\w.-]+)/g)].map((match) => match[1]);
    expect(Object.keys(load('manifest', 'en-US')).sort()).toEqual(named.sort());
  });

  it('state every reason twice: about a person and to that person', () => {
    for (const reason of REASONS) {
      expect(load('admin', 'en-US'), reason).toHaveProperty([`reason.${reason}`]);
      expect(load('person', 'en-US'), reason).toHaveProperty([`reason.you.${reason}`]);
    }
  });

  it('say what is wrong for every code with which a function refuses', () => {
    const codes = [...read('src/forge/errors.ts').matchAll(/^ {2}\| '([\w-]+)'/gm)].map((match) => match[1]);
    expect(codes.length).toBeGreaterThan(10);
    const problems = sourceFiles('src').flatMap((file) =>
      [...read(file).matchAll(/'bad-request', \{ problem: '([\w-]+)'/g)].map((match) => `problem.${match[1]}`),
    );
    expect(problems).toContain('problem.reason-missing');
    const keys = [...codes, ...problems].map((code) => `error.${code}`);
    expect(keys.filter((key) => !Object.hasOwn(load('common', 'en-US'), key))).toEqual([]);
  });

  it('contain no unused sentence', () => {
    const all = [...sourceFiles('src'), ...PAGE_FILES].map(read).join('\n');
    const beginnings = [...beginningsIn(all), ...optionalBeginningsIn(all)];
    const isSaid = (key: string): boolean => all.includes(`'${key}'`) || beginnings.some((beginning) => key.startsWith(beginning));
    expect(Object.keys(ALL).filter((key) => !key.startsWith('manifest.') && !isSaid(key))).toEqual([]);
  });

  it.each(PAGES)('are bundled with every page that uses them: %s', (entry) => {
    const { sources, areas } = partsOf(entry);
    const own = [...areas['en-US']].flatMap((area) => Object.keys(load(area, 'en-US')));
    const source = sources.join('\n');
    expect(areas['es-ES']).toEqual(areas['en-US']);
    expect(Object.keys(ALL).filter((key) => source.includes(`'${key}'`) && !own.includes(key))).toEqual([]);
    const isKnown = (beginning: string): boolean => Object.keys(ALL).some((key) => key.startsWith(beginning));
    const lacking = beginningsIn(source).filter((beginning) => isKnown(beginning) && !own.some((key) => key.startsWith(beginning)));
    expect(lacking).toEqual([]);
  });
});

/** What a page says: the sentences of its catalogues, dates and numbers by locale. */
import type admin from '../../src/locales/app/admin.en-US.json';
import type common from '../../src/locales/app/common.en-US.json';
import type mySpace from '../../src/locales/app/my-space.en-US.json';
import type notice from '../../src/locales/app/notice.en-US.json';
import type person from '../../src/locales/app/person.en-US.json';
import { formatMessage, languageOf, type Values } from '../../src/locales/format';

export type TextKey = keyof typeof admin | keyof typeof common | keyof typeof mySpace | keyof typeof notice | keyof typeof person;
export type Catalogue = Readonly<Record<string, string>>;

/** The sentences of one page, from the catalogues of its areas. */
export interface Sentences {
  english: Catalogue;
  /** Fetched only for those who read it. */
  spanish: () => Promise<Catalogue>;
}

const FALLBACK = 'en-US';
let catalogue: Catalogue = {};
/** The language of the sentences; dates and numbers follow the person's own locale. */
let language: string = FALLBACK;
let locale: string = FALLBACK;

/** Call once, before the first text. Takes `en_US` and `en-US`. */
export async function setLocale(tag: string | undefined, { english, spanish }: Sentences): Promise<void> {
  const wanted = (tag ?? FALLBACK).replace('_', '-');
  locale = Intl.DateTimeFormat.supportedLocalesOf([wanted])[0] ?? FALLBACK;
  const isSpanish = languageOf(wanted) === 'es-ES';
  language = isSpanish ? locale : FALLBACK;
  catalogue = isSpanish ? await spanish() : english;
}

/** The language of the sentences, for the page's `lang`. */
export const pageLanguage = (): string => language;

export function text(key: TextKey, values?: Values): string {
  // A test makes sure that each page is built with all its sentences; a bare key is better than a blank page.
  return formatMessage(catalogue[key] ?? key, language, values);
}

/** Codes from the server that have sentences of their own. */
type Prefix = 'reason' | 'reason.you' | 'error' | 'activity.kind' | 'policy.problem' | 'template.problem';

/** The text of a code from the server, or the code itself when the catalogue has none. */
export function textOf(prefix: Prefix, code: string, values: Values = {}): string {
  return textOr(`${prefix}.${code}`, code, values);
}

/** The text of a key that may be missing. */
export function textOr(key: string, fallback: string, values: Values = {}): string {
  return Object.hasOwn(catalogue, key) ? text(key as TextKey, values) : fallback;
}

export function formatDay(at: number): string {
  return new Intl.DateTimeFormat(locale, { dateStyle: 'medium' }).format(at);
}

export function formatTime(at: number): string {
  return new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short' }).format(at);
}

/** For sentences that name the day only where it is not today: `{day, select, today {…} other {… {day} …}}`. */
export function moment(at: number): { day: string; time: string } {
  const isToday = formatDay(at) === formatDay(Date.now());
  return { day: isToday ? 'today' : formatDay(at), time: new Intl.DateTimeFormat(locale, { timeStyle: 'short' }).format(at) };
}

/** Without decimals; "<1%" for what is there and would be rounded to nothing. */
export function formatPercent(share: number): string {
  const format = new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: 0 });
  return share > 0 && share < 0.01 ? `<${format.format(0.01)}` : format.format(share);
}

export function formatNumber(value: number): string {
  return new Intl.NumberFormat(locale, { maximumFractionDigits: 1 }).format(value);
}

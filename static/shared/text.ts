/** The translation catalogues in the browser: ICU messages, dates and numbers by locale. */
import { IntlMessageFormat } from 'intl-messageformat';
import enUS from '../../src/locales/en-US.json';

export type Catalogue = typeof enUS;
export type TextKey = keyof Catalogue;
type Values = Record<string, string | number>;

const FALLBACK = 'en-US';
let catalogue: Catalogue = enUS;
/** Of the sentences; dates and numbers follow the person's own. */
let language = FALLBACK;
let locale = FALLBACK;

/**
 * Call once, before the first text. Takes `en_US` and `en-US`.
 * @param loadSpanish fetched only for those who read it
 */
export async function setLocale(tag: string | undefined, loadSpanish: () => Promise<Catalogue>): Promise<void> {
  const wanted = (tag ?? FALLBACK).replace('_', '-');
  locale = Intl.DateTimeFormat.supportedLocalesOf([wanted])[0] ?? FALLBACK;
  if (!/^es(?:-|$)/i.test(wanted)) return;
  catalogue = await loadSpanish();
  language = locale;
}

/** The language of the sentences, for the page's `lang`. */
export const pageLanguage = (): string => language;

export function text(key: TextKey, values?: Values): string {
  return String(new IntlMessageFormat(catalogue[key], language).format(values));
}

/** Codes from the server that have sentences of their own. */
type Prefix = 'reason' | 'reason.you' | 'error' | 'activity.kind' | 'template.problem';

/** The text of a code from the server, or the code itself when the catalogue has none. */
export function textOf(prefix: Prefix, code: string, values: Values = {}): string {
  const key = `${prefix}.${code}`;
  return key in catalogue ? text(key as TextKey, values) : code;
}

/** The text of any key that may be missing. */
export function textOr(key: string, fallback: string, values: Values = {}): string {
  return key in catalogue ? text(key as TextKey, values) : fallback;
}

export function formatDay(at: number): string {
  return new Intl.DateTimeFormat(locale, { dateStyle: 'medium' }).format(at);
}

export function formatTime(at: number): string {
  return new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short' }).format(at);
}

export function formatNumber(value: number): string {
  return new Intl.NumberFormat(locale, { maximumFractionDigits: 1 }).format(value);
}

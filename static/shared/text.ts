/** The translation catalogue in the browser: ICU messages, dates and numbers by locale. */
import { IntlMessageFormat } from 'intl-messageformat';
import enUS from '../../src/locales/en-US.json';

export type TextKey = keyof typeof enUS;
type Values = Record<string, string | number>;

const FALLBACK = 'en-US';
let locale = FALLBACK;

/** Call once, before the first text. Takes `en_US` and `en-US`. */
export function setLocale(tag: string | undefined): void {
  const wanted = (tag ?? FALLBACK).replace('_', '-');
  locale = Intl.DateTimeFormat.supportedLocalesOf([wanted])[0] ?? FALLBACK;
}

export function text(key: TextKey, values?: Values): string {
  return String(new IntlMessageFormat(enUS[key], FALLBACK).format(values));
}

/** The text of a code from the server, or the code itself when the catalogue has none. */
export function textOf(prefix: 'reason' | 'error' | 'activity.kind' | 'notice.refused', code: string, values: Values = {}): string {
  const key = `${prefix}.${code}`;
  return key in enUS ? text(key as TextKey, values) : code;
}

export function formatDay(at: number): string {
  return new Intl.DateTimeFormat(locale, { dateStyle: 'medium' }).format(at);
}

export function formatTime(at: number): string {
  return new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short' }).format(at);
}

export function formatNumber(value: number): string {
  return new Intl.NumberFormat(locale).format(value);
}

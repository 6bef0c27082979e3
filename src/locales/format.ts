/** How a sentence of the catalogues becomes text: ICU messages, the same for the pages and the functions. */
import { createIntl, createIntlCache } from '@formatjs/intl';

export type Values = Record<string, string | number>;

/** Languages of the catalogues. */
export type Language = 'en-US' | 'es-ES';

/** The language for somebody with this locale (`es_ES`, `es-MX`, `es`); English for whatever has no catalogue. */
export const languageOf = (locale: string): Language => (/^es(?:[-_]|$)/i.test(locale) ? 'es-ES' : 'en-US');

const cache = createIntlCache();

/** @param locale decides plurals and how numbers are written */
export function formatMessage(message: string, locale: string, values?: Values): string {
  const intl = createIntl({ locale, defaultLocale: locale }, cache);
  // Sentences hold no markup: a `<` in them, or in a value, is a character.
  return String(intl.formatMessage({ id: message, defaultMessage: message }, values, { ignoreTag: true }));
}

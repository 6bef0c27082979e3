/** How a sentence of the catalogues becomes text: ICU messages, the same for the pages and the functions. */
import { IntlMessageFormat } from 'intl-messageformat';

export type Values = Record<string, string | number>;

/** Languages of the catalogues. */
export type Language = 'en-US' | 'es-ES';

/** The language for somebody with this locale (`es_ES`, `es-MX`, `es`); English for whatever has no catalogue. */
export const languageOf = (locale: string): Language => (/^es(?:[-_]|$)/i.test(locale) ? 'es-ES' : 'en-US');

/** @param locale decides plurals and how numbers are written */
export function formatMessage(message: string, locale: string, values?: Values): string {
  // Sentences hold no markup: a `<` in them, or in a value, is a character.
  return String(new IntlMessageFormat(message, locale, undefined, { ignoreTag: true }).format(values));
}

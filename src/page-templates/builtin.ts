/** Sentences that the functions themselves write for people, from the catalogues, in the person's language. */
import enUS from '../locales/app/page.en-US.json';
import esES from '../locales/app/page.es-ES.json';
import { formatMessage, type Language, languageOf } from '../locales/format';
import type { TemplateValues } from './render';
import { escapeXml } from './storage-format';

type Catalogue = typeof enUS;
type Key = keyof Catalogue;

const CATALOGUES: Record<Language, Catalogue> = { 'en-US': enUS, 'es-ES': esES };

export const catalogueOf = (locale: string): Catalogue => CATALOGUES[languageOf(locale)];

function text(locale: string, key: Key, values: Record<string, string> = {}): string {
  return formatMessage(catalogueOf(locale)[key], languageOf(locale), values);
}

/** Storage format of the built-in homepage. */
export function builtinHomepage(values: TemplateValues, locale: string): string {
  const line = (key: Key): string => escapeXml(text(locale, key));
  return [
    `<h2>${text(locale, 'builtin.hello', { name: escapeXml(values.name) })}</h2>`,
    `<p>${line('builtin.intro')}</p>`,
    `<h3>${line('builtin.work')}</h3>`,
    `<ul><li><ac:placeholder>${line('builtin.work.placeholder')}</ac:placeholder></li></ul>`,
    `<h3>${line('builtin.reach')}</h3>`,
    `<p><ac:placeholder>${line('builtin.reach.placeholder')}</ac:placeholder></p>`,
  ].join('');
}

/** Storage format of a built-in child page: a place to begin. */
export function builtinChild(locale: string): string {
  return `<p><ac:placeholder>${escapeXml(text(locale, 'builtin.child.placeholder'))}</ac:placeholder></p>`;
}

/** Title of the homepage of a space that Homestead makes. */
export function homepageTitle(name: string, locale: string): string {
  return text(locale, 'builtin.title', { name });
}

/** The version message of a homepage that Homestead wrote ... */
export function homepageMessage(locale: string): string {
  return text(locale, 'page.message');
}

/** ... which is also how it recognises its own work, in whichever language. */
export function isOwnMessage(message: string | null | undefined): boolean {
  return message === enUS['page.message'] || message === esES['page.message'];
}

/** Making one is dear, and there are few languages. */
const dayFormats = new Map<string, Intl.DateTimeFormat>();

/** A day as people of this locale (`en_US` or `en-US`) write it. */
export function formatDay(at: number, locale: string): string {
  const tag = locale.replace('_', '-');
  let format = dayFormats.get(tag);
  if (!format) {
    format = dayFormatOf(tag);
    dayFormats.set(tag, format);
  }
  return format.format(at);
}

function dayFormatOf(tag: string): Intl.DateTimeFormat {
  const options = { dateStyle: 'long', timeZone: 'UTC' } as const;
  try {
    return new Intl.DateTimeFormat(tag, options);
  } catch {
    return new Intl.DateTimeFormat('en-US', options);
  }
}

/** Sentences that the functions themselves write for people, from the catalogues, in the person's language. */
import { shorten, withoutNonXml } from '../domain/text';
import enUS from '../locales/app/page.en-US.json';
import esES from '../locales/app/page.es-ES.json';
import { formatMessage, type Language, languageOf } from '../locales/format';
import type { TemplateValues } from './render';
import { escapeXml } from './storage-format';

type Catalogue = typeof enUS;
type Key = keyof Catalogue;

const CATALOGUES: Record<Language, Catalogue> = { 'en-US': enUS, 'es-ES': esES };

const catalogueOf = (locale: string): Catalogue => CATALOGUES[languageOf(locale)];

/** The sentence with its `{name}` placeholders filled. */
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

/** Storage format of a built-in child page: a place to start. */
export function builtinChild(locale: string): string {
  return `<p><ac:placeholder>${escapeXml(text(locale, 'builtin.child.placeholder'))}</ac:placeholder></p>`;
}

/** Page titles (Confluence v2 API, create page). */
const MAX_TITLE = 255;

/** Title of the homepage of a space that Homestead creates. A long name is shortened; the words around it are not. */
export function homepageTitle(name: string, locale: string): string {
  const around = text(locale, 'builtin.title', { name: '' }).length;
  return text(locale, 'builtin.title', { name: shorten(withoutNonXml(name), MAX_TITLE - around) });
}

/**
 * At the end of the version message of a page that Homestead set up, whatever the language. An exact end: other
 * marks may begin with the same letters.
 */
const SET_UP_MARK = ' #homestead';
/** Details are the owner's own words: a page with them is no longer just as Homestead set it up. */
const DETAILS_MARK = ' #homestead-details';

/** Version message of a homepage that Homestead set up. */
export const homepageMessage = (locale: string): string => text(locale, 'page.message') + SET_UP_MARK;

/** Version message of a homepage on which the owner's details were written. */
export const detailsMessage = (locale: string): string => text(locale, 'page.details.message') + DETAILS_MARK;

/** Recognizes a page as Homestead set it up. */
export const isOwnMessage = (message: string | null | undefined): boolean => message?.endsWith(SET_UP_MARK) ?? false;

/** Whether Homestead wrote this version of a homepage, in whatever part. */
export const bearsMark = (message: string | null | undefined): boolean =>
  [SET_UP_MARK, DETAILS_MARK].some((mark) => message?.endsWith(mark) ?? false);

/** Creating a format is expensive, and there are few languages. */
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

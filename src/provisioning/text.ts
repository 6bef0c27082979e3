/** Sentences that the functions themselves write for people, from the catalogue. */

import enUS from '../locales/en-US.json';
import { escapeXml, type TemplateValues } from './template';

type Key = keyof typeof enUS;

/** The catalogue's text with `{name}` places filled. */
function text(key: Key, values: Record<string, string> = {}): string {
  return enUS[key].replace(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole);
}

/** Storage format of the built-in homepage. */
export function builtinHomepage(values: TemplateValues): string {
  const name = escapeXml(values.name);
  const line = (key: Key): string => escapeXml(text(key));
  return [
    `<h2>${text('builtin.hello', { name })}</h2>`,
    `<p>${line('builtin.intro')}</p>`,
    `<h3>${line('builtin.work')}</h3>`,
    `<ul><li><ac:placeholder>${line('builtin.work.placeholder')}</ac:placeholder></li></ul>`,
    `<h3>${line('builtin.reach')}</h3>`,
    `<p><ac:placeholder>${line('builtin.reach.placeholder')}</ac:placeholder></p>`,
  ].join('');
}

/** The version message of a homepage that Homestead wrote; also how it recognises its own work. */
export const HOMEPAGE_MESSAGE = text('page.message');

/** A day as people of this locale (`en_US` or `en-US`) write it. */
export function formatDay(at: number, locale: string): string {
  const tag = locale.replace('_', '-');
  try {
    return new Intl.DateTimeFormat(tag, { dateStyle: 'long', timeZone: 'UTC' }).format(at);
  } catch {
    return new Intl.DateTimeFormat('en-US', { dateStyle: 'long', timeZone: 'UTC' }).format(at);
  }
}

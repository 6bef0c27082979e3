/** A Confluence page template or the built-in one, with its variables filled: storage format in, storage format out. */
import { SaxesParser } from 'saxes';

export interface TemplateValues {
  /** The person's display name. */
  name: string;
  /** The day the space is made, as the person writes dates. */
  date: string;
  spaceName: string;
  spaceKey: string;
}

export type Rendered =
  | { kind: 'ok'; body: string; unfilled: string[] }
  /** The text is not a template that can be used; `problem` says where. */
  | { kind: 'invalid'; problem: string };

/** Variable names, lower case, to what fills them: those of Atlassian's own personal-space template and the obvious ones. */
const VARIABLES: Record<string, keyof TemplateValues> = {
  name: 'name',
  fullname: 'name',
  userfullname: 'name',
  username: 'name',
  owner: 'name',
  date: 'date',
  today: 'date',
  spacename: 'spaceName',
  spacekey: 'spaceKey',
};

const TEMPLATE_NAMESPACES: Record<string, string> = {
  ac: 'http://atlassian.com/content',
  ri: 'http://atlassian.com/resource/identifier',
  at: 'http://atlassian.com/template',
};
const AT = TEMPLATE_NAMESPACES.at;

/**
 * Removes `at:declarations`, replaces each `at:var`, leaves every other byte as it was: what stands
 * between the cuts is copied, not printed anew. Variables nobody can fill become empty and are reported.
 */
export function renderTemplate(template: string, values: TemplateValues): Rendered {
  const cuts: { from: number; to: number; text: string }[] = [];
  const unfilled: string[] = [];
  const open: { from: number; isCut: boolean }[] = [];
  const prefix = '<template>';
  const source = `${prefix}${template}</template>`;
  const parser = new SaxesParser({ xmlns: true, additionalNamespaces: TEMPLATE_NAMESPACES, position: true });
  const entities = new Proxy(parser.ENTITIES, { get: (known, name) => (known as Record<string, string>)[String(name)] ?? '\u00a0' });
  parser.ENTITIES = entities;
  let tagStart = 0;
  let problem: string | null = null;
  parser.on('error', (error) => {
    problem ??= error.message;
  });
  parser.on('opentagstart', () => {
    tagStart = source.lastIndexOf('<', parser.position - 1);
  });
  parser.on('opentag', (tag) => {
    const isTemplateTag = tag.uri === AT;
    open.push({ from: tagStart, isCut: isTemplateTag && (tag.local === 'declarations' || tag.local === 'var') });
    if (!isTemplateTag || tag.local !== 'var') return;
    const name = Object.values(tag.attributes).find((a) => a.uri === AT && a.local === 'name')?.value ?? '';
    const field = VARIABLES[name.toLowerCase()];
    if (!field) unfilled.push(name);
    cuts.push({ from: tagStart, to: -1, text: field ? escapeXml(values[field]) : '' });
  });
  parser.on('closetag', (tag) => {
    const opened = open.pop();
    if (!opened?.isCut) return;
    if (tag.local === 'var') {
      const cut = cuts.findLast((c) => c.from === opened.from);
      if (cut) cut.to = parser.position;
    } else {
      cuts.push({ from: opened.from, to: parser.position, text: '' });
    }
  });
  parser.write(source).close();
  if (problem !== null) return { kind: 'invalid', problem };

  let body = '';
  let at = prefix.length;
  for (const cut of cuts.sort((a, b) => a.from - b.from)) {
    if (cut.from < at) continue;
    body += source.slice(at, cut.from) + cut.text;
    at = cut.to;
  }
  body += source.slice(at, source.length - '</template>'.length);
  return { kind: 'ok', body: body.trim(), unfilled: [...new Set(unfilled)] };
}

export function escapeXml(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;');
}

/** Confluence's storage format: XML with prefixes of its own. */
import { SaxesParser } from 'saxes';

const NAMESPACES: Record<string, string> = {
  ac: 'http://atlassian.com/content',
  ri: 'http://atlassian.com/resource/identifier',
  at: 'http://atlassian.com/template',
};

export interface StorageElement {
  /** `ac`, `ri`, `at`, or empty. */
  prefix: string;
  local: string;
  /** An attribute of the element's own namespace; empty when it has none. */
  attribute(name: string): string;
  /** What stands between its tags, as it was. */
  inner: string;
  /** The element with its tags. */
  whole: string;
}

export type Rewritten = { kind: 'ok'; storage: string; count: number } | { kind: 'invalid'; problem: string };

/**
 * Replaces the elements for which `replace` gives a text; of nested ones the outermost counts. What
 * stands between is copied, not printed anew, so nothing of somebody's page is lost on the way.
 */
export function rewriteElements(storage: string, replace: (element: StorageElement) => string | null): Rewritten {
  const cuts: { from: number; to: number; text: string }[] = [];
  const open: { tagStart: number; contentStart: number }[] = [];
  const [before, after] = ['<storage>', '</storage>'];
  const source = `${before}${storage}${after}`;
  const parser = new SaxesParser({ xmlns: true, additionalNamespaces: NAMESPACES, position: true });
  // HTML's entities are allowed, and are copied like every other byte.
  parser.ENTITIES = new Proxy(parser.ENTITIES, { get: (known, name) => (known as Record<string, string>)[String(name)] ?? '\u00a0' });
  let tagStart = 0;
  let problem: string | null = null;
  parser.on('error', (error) => {
    problem ??= error.message;
  });
  parser.on('opentagstart', () => {
    tagStart = source.lastIndexOf('<', parser.position - 1);
  });
  parser.on('opentag', () => {
    open.push({ tagStart, contentStart: parser.position });
  });
  parser.on('closetag', (tag) => {
    const opened = open.pop();
    if (!opened || open.length === 0) return;
    const to = parser.position;
    const text = replace({
      prefix: tag.prefix,
      local: tag.local,
      attribute: (name) => Object.values(tag.attributes).find((a) => a.uri === tag.uri && a.local === name)?.value ?? '',
      inner: tag.isSelfClosing ? '' : source.slice(opened.contentStart, source.lastIndexOf('</', to - 1)),
      whole: source.slice(opened.tagStart, to),
    });
    if (text !== null) cuts.push({ from: opened.tagStart, to, text });
  });
  parser.write(source).close();
  if (problem !== null) return { kind: 'invalid', problem };

  let rewritten = '';
  let at = before.length;
  let count = 0;
  for (const cut of cuts.sort((a, b) => a.from - b.from)) {
    if (cut.from < at) continue;
    rewritten += source.slice(at, cut.from) + cut.text;
    at = cut.to;
    count += 1;
  }
  rewritten += source.slice(at, source.length - after.length);
  return { kind: 'ok', storage: rewritten, count };
}

export function escapeXml(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;');
}

/** Confluence's storage format: XML with prefixes of its own. Read as a tree, changed by edits, so that the rest stays byte for byte. */
import { SaxesParser } from 'saxes';
import { withoutNonXml } from '../domain/text';
import { ENTITIES } from './entities';

const NAMESPACES: Record<string, string> = {
  ac: 'http://atlassian.com/content',
  ri: 'http://atlassian.com/resource/identifier',
  at: 'http://atlassian.com/template',
};

/**
 * How deeply elements may be nested. The editor stays far below; the parser searches all open elements for each
 * prefix, so its time grows with the square of the depth (measured: 30 s for 300 KB of nothing but open tags).
 */
const MAX_DEPTH = 500;

export interface StorageElement {
  /** `ac`, `ri`, `at`, or empty. */
  prefix: string;
  local: string;
  /** An attribute of the element's own namespace; empty when it has none. */
  attribute(name: string): string;
  /** Elements and decoded text, in order. */
  children: (StorageElement | string)[];
  /** Where the element is in the text, with its tags ... */
  start: number;
  end: number;
  /** ... and without them; null when it closes itself. */
  content: { start: number; end: number } | null;
}

export type Parsed =
  | { kind: 'ok'; root: StorageElement }
  /** The text is not storage format; `problem` says where. */
  | { kind: 'invalid'; problem: string };

/** Ends the parser at the first mistake: a large broken text can hold very many. */
class Malformed extends Error {
  override readonly name = 'Malformed';
}

const [BEFORE, AFTER] = ['<storage>', '</storage>'];

export function parseStorage(storage: string): Parsed {
  try {
    return { kind: 'ok', root: treeOf(storage) };
  } catch (error) {
    if (error instanceof Malformed) return { kind: 'invalid', problem: error.message };
    throw error;
  }
}

/** @throws Malformed */
function treeOf(storage: string): StorageElement {
  const source = `${BEFORE}${storage}${AFTER}`;
  const parser = new SaxesParser({ xmlns: true, additionalNamespaces: NAMESPACES, position: true });
  for (const [name, character] of ENTITIES) parser.ENTITIES[name] = character;
  const open: StorageElement[] = [];
  let tagStart = 0;
  let root: StorageElement | null = null;
  const at = (position: number): number => position - BEFORE.length;
  const add = (child: StorageElement | string): void => void open.at(-1)?.children.push(child);

  parser.on('error', (error) => {
    throw new Malformed(error.message);
  });
  parser.on('opentagstart', () => {
    if (open.length > MAX_DEPTH) throw new Malformed(`more than ${MAX_DEPTH} elements inside each other`);
    tagStart = source.lastIndexOf('<', parser.position - 1);
  });
  parser.on('opentag', (tag) => {
    const contentStart = at(parser.position);
    const element: StorageElement = {
      prefix: tag.prefix,
      local: tag.local,
      attribute: (name) => Object.values(tag.attributes).find((a) => a.uri === tag.uri && a.local === name)?.value ?? '',
      children: [],
      start: at(tagStart),
      end: contentStart,
      content: tag.isSelfClosing ? null : { start: contentStart, end: contentStart },
    };
    add(element);
    root ??= element;
    open.push(element);
  });
  parser.on('text', add);
  parser.on('cdata', add);
  parser.on('closetag', () => {
    const element = open.pop();
    if (!element?.content) return;
    element.end = at(parser.position);
    element.content.end = at(source.lastIndexOf('</', parser.position - 1));
  });
  parser.write(source).close();
  if (!root) throw new Malformed('no text');
  return root;
}

/** All elements inside this one, in the order of the text. */
export function* elementsIn(parent: StorageElement): Generator<StorageElement> {
  for (const child of childrenOf(parent)) {
    yield child;
    yield* elementsIn(child);
  }
}

export const childrenOf = (parent: StorageElement): StorageElement[] => parent.children.filter((child) => typeof child !== 'string');

/** A new text for a part of the old one; with `from` = `to` it is put between. */
export interface Edit {
  from: number;
  to: number;
  text: string;
}

/** @param edits must not overlap */
export function applyEdits(storage: string, edits: readonly Edit[]): string {
  let edited = '';
  let at = 0;
  for (const { from, to, text } of [...edits].sort((a, b) => a.from - b.from)) {
    edited += storage.slice(at, from) + text;
    at = to;
  }
  return edited + storage.slice(at);
}

/** Replaces the elements for which `replace` answers a text; of nested ones the outermost counts. */
export function rewriteElements(
  storage: string,
  replace: (element: StorageElement) => string | null,
): { kind: 'ok'; storage: string } | Extract<Parsed, { kind: 'invalid' }> {
  const parsed = parseStorage(storage);
  if (parsed.kind === 'invalid') return parsed;
  const edits: Edit[] = [];
  const visit = (parent: StorageElement): void => {
    for (const child of childrenOf(parent)) {
      const text = replace(child);
      if (text === null) visit(child);
      else edits.push({ from: child.start, to: child.end, text });
    }
  };
  visit(parsed.root);
  return { kind: 'ok', storage: applyEdits(storage, edits) };
}

/** Elements that begin a new line. */
const LINES = ['p', 'div', 'br', 'li', 'tr', 'td', 'th', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6'];

/** What a person reads there: lines without markup, each with single spaces, none empty. A date reads `YYYY-MM-DD`. */
export function textOf(element: StorageElement): string {
  const read = (child: StorageElement | string): string => {
    if (typeof child === 'string') return child.replace(/\s+/g, ' ');
    if (child.prefix === 'ac' && child.local === 'placeholder') return '';
    if (child.prefix === '' && child.local === 'time') return child.attribute('datetime');
    const inner = child.children.map(read).join('');
    return child.prefix === '' && LINES.includes(child.local) ? `\n${inner}\n` : inner;
  };
  return tidyLines(element.children.map(read).join(''));
}

/** Lines as `textOf` answers them: what differs only in white space is the same text. */
export function tidyLines(text: string): string {
  return withoutNonXml(text)
    .split('\n')
    .map((line) => line.replace(/\s+/g, ' ').trim())
    .filter((line) => line !== '')
    .join('\n');
}

/** Text as it may stand between tags and in attributes. */
export function escapeXml(text: string): string {
  return withoutNonXml(text).replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;');
}

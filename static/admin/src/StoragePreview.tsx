/**
 * Confluence storage format as React elements, for a preview. Only the elements named here are created,
 * and no attribute is copied, so nothing in a template can run.
 */
import { createElement, type ReactNode } from 'react';
import { text } from '../../shared/text';

const ELEMENTS = new Set(
  'p h1 h2 h3 h4 h5 h6 ul ol li table tbody thead tr th td strong b em i u s code pre blockquote hr br span div'.split(' '),
);
const VOID = new Set(['hr', 'br']);

export function StoragePreview({ storage }: { storage: string }) {
  const root = new DOMParser().parseFromString(`<body>${prepare(storage)}</body>`, 'text/html').body;
  return <div className="preview">{childrenOf(root)}</div>;
}

/** HTML's parser does not treat `<ac:x />` as closed. */
function prepare(storage: string): string {
  return storage.replace(/<((?:ac|ri|at):[\w-]+)([^>]*)\/>/g, '<$1$2></$1>');
}

/** Macros by the names that people know. */
function macroLabel(name: string): string {
  return name === 'details' ? text('preview.details') : text('policy.preview.macro', { name });
}

function childrenOf(node: Node): ReactNode[] {
  return [...node.childNodes].map((child, i) => toReact(child, i));
}

function toReact(node: Node, key: number): ReactNode {
  if (node.nodeType === Node.TEXT_NODE) return node.textContent;
  if (!(node instanceof Element)) return null;
  const name = node.tagName.toLowerCase();
  if (VOID.has(name)) return createElement(name, { key });
  // Headings in the preview rank below the page's own.
  if (ELEMENTS.has(name)) return createElement(name === 'h1' || name === 'h2' ? 'h3' : name, { key }, ...childrenOf(node));
  if (name === 'ac:placeholder') {
    return (
      <span className="placeholder" key={key}>
        {childrenOf(node)}
      </span>
    );
  }
  if (name === 'ac:structured-macro') {
    const body = node.getElementsByTagName('ac:rich-text-body')[0];
    return (
      <div className="macro" key={key}>
        <p className="subtle">{macroLabel(node.getAttribute('ac:name') ?? '')}</p>
        {body && childrenOf(body)}
      </div>
    );
  }
  if (name === 'ac:task') return <div key={key}>☐ {node.getElementsByTagName('ac:task-body')[0]?.textContent}</div>;
  if (name.startsWith('ac:') || name.startsWith('ri:')) return name === 'ac:parameter' ? null : childrenOf(node);
  return childrenOf(node);
}

/** Mistakes in the policy, in an admin's words: where ("Rules › Engineers › Groups" for `rules.2.groups`) and what. */
import type { Policy } from '../../../src/domain/policy/document';
import type { Problem } from '../../../src/domain/problems';
import { text, textOf, textOr } from '../../shared/text';

/** What is wrong, in the reader's language. */
export const problemText = ({ reason, code, values }: Problem): string => (code ? textOf('policy.problem', code, values) : reason);

/** Lists with named items; a path has an item's position, id or key. */
const NAMED = ['rules', 'templates', 'children', 'fields', 'waves'];

export const pathLabel = (path: string, policy: Policy): string => pathLabels(path, policy).join(' › ');

/** Each step of the path by its name. */
export function pathLabels(path: string, policy: Policy): string[] {
  if (path === '') return [text('text.whole')];
  let at: unknown = policy;
  let list = '';
  return path.split('.').map((part) => {
    const isItem = NAMED.includes(list);
    at = Array.isArray(at)
      ? (at.find((item, i) => idOf(item) === part || String(i) === part) as unknown)
      : (at as Record<string, unknown> | undefined)?.[part];
    list = part;
    return isItem ? (nameOf(at) ?? (/^\d+$/.test(part) ? String(Number(part) + 1) : part)) : textOr(`path.${part}`, part);
  });
}

function idOf(item: unknown): unknown {
  const { id, key, title, name } = (item ?? {}) as Record<string, unknown>;
  return id ?? key ?? title ?? name;
}

function nameOf(item: unknown): string | null {
  const { name, label, title } = (item ?? {}) as Record<string, unknown>;
  return [name, label, title].find((value): value is string => typeof value === 'string' && value !== '') ?? null;
}

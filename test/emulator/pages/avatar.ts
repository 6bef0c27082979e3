/** Round avatars for people and square ones for spaces, in a color derived from the name. */
import { html } from 'hono/html';
import type { Person, Space } from '../confluence/state';

const COLORS = ['purple', 'blue', 'teal', 'green', 'orange', 'yellow'] as const;

function colorOf(name: string): string {
  let sum = 0;
  for (const letter of name) sum += letter.codePointAt(0) ?? 0;
  return COLORS[sum % COLORS.length] ?? 'blue';
}

const initials = (name: string): string =>
  name
    .split(/\s+/)
    .map((word) => word.charAt(0).toUpperCase())
    .slice(0, 2)
    .join('');

type Size = 'tiny' | 'small' | 'medium' | 'large';

export function personAvatar(person: Person, size: Size = 'medium') {
  const color = person.accountStatus === 'active' ? colorOf(person.displayName) : 'gray';
  return html`<span class="avatar avatar-${size} avatar-${color}" aria-hidden="true">${initials(person.displayName)}</span>`;
}

export function spaceAvatar(space: Space, size: Size = 'medium') {
  const shape = space.type === 'personal' ? '' : 'avatar-square';
  const letters = space.type === 'personal' ? initials(space.name) : `${initials(space.name).charAt(0)}${secondLetter(space.name)}`;
  return html`<span class="avatar ${shape} avatar-${size} avatar-${colorOf(space.name)}" aria-hidden="true">${letters}</span>`;
}

function secondLetter(name: string): string {
  const [first = '', second = ''] = name.split(/\s+/);
  return (second || first.slice(1)).charAt(0).toLowerCase();
}

/** The line icons of the local site: 16 units square, in the color of the text next to them. */
import { raw } from 'hono/html';

const SHAPES = {
  flask: '<path d="M6 1.8h4M7 2v4.2L3.2 13a.8.8 0 0 0 .7 1.2h8.2a.8.8 0 0 0 .7-1.2L9 6.2V2M5 10h6"/>',
  clock: '<circle cx="8" cy="8" r="6.2"/><path d="M8 4.4V8l2.2 1.6"/>',
  bulb: '<path d="M6 11.5c0-1.6-2-2.4-2-5a4 4 0 1 1 8 0c0 2.6-2 3.4-2 5zM6.4 14.2h3.2"/>',
  mail: '<rect x="1.8" y="3.2" width="12.4" height="9.6" rx="1.2"/><path d="m2.2 4.4 5.8 4.4 5.8-4.4"/>',
  person: '<circle cx="8" cy="5" r="2.8"/><path d="M2.8 14.2v-1a3.2 3.2 0 0 1 3.2-3.2h4a3.2 3.2 0 0 1 3.2 3.2v1"/>',
  people:
    '<circle cx="6" cy="5.4" r="2.4"/><path d="M1.6 13.4v-.8A2.8 2.8 0 0 1 4.4 9.8h3.2a2.8 2.8 0 0 1 2.8 2.8v.8M10.6 3.2a2.4 2.4 0 0 1 0 4.4M12 9.9a2.8 2.8 0 0 1 2.4 2.7v.8"/>',
  contrast: '<circle cx="8" cy="8" r="6.2"/><path d="M8 1.8a6.2 6.2 0 0 1 0 12.4z" fill="currentColor"/>',
  menu: '<path d="M2 4h12M2 8h12M2 12h12"/>',
  sidebar: '<rect x="1.8" y="2.4" width="12.4" height="11.2" rx="1.2"/><path d="M6 2.4v11.2M11 6 9 8l2 2"/>',
  search: '<circle cx="7" cy="7" r="4.8"/><path d="m10.6 10.6 3.6 3.6"/>',
  plus: '<path d="M8 2.4v11.2M2.4 8h11.2"/>',
  bell: '<path d="M3.2 11.6c1-1.2 1-2.4 1-4.6a3.8 3.8 0 0 1 7.6 0c0 2.2 0 3.4 1 4.6zM6.6 14.2h2.8"/>',
  gear: '<circle cx="8" cy="8" r="1.9"/><circle cx="8" cy="8" r="4.6"/><path stroke-width="2" d="M8 1.6v1.2M8 13.2v1.2M1.6 8h1.2M13.2 8h1.2M3.5 3.5l.8.8M11.7 11.7l.8.8M3.5 12.5l.8-.8M11.7 4.3l.8-.8"/>',
  home: '<path d="M2.4 7 8 2l5.6 5v6.4a.6.6 0 0 1-.6.6H9.8v-4H6.2v4H3a.6.6 0 0 1-.6-.6z"/>',
  spaces:
    '<path d="M4.8 11.2H3a1.2 1.2 0 0 1-1.2-1.2V3A1.2 1.2 0 0 1 3 1.8h7A1.2 1.2 0 0 1 11.2 3v.6"/><rect x="4.8" y="4.6" width="9.4" height="9.6" rx="1.2"/><path d="M7.2 8h4.6M7.2 10.8h3"/>',
  page: '<rect x="2.4" y="2.4" width="11.2" height="11.2" rx="1.2"/><path d="M5 6.2h6M5 9.4h4"/>',
  apps: '<rect x="2" y="2" width="4.4" height="4.4" rx="1"/><rect x="9.6" y="2" width="4.4" height="4.4" rx="1"/><rect x="2" y="9.6" width="4.4" height="4.4" rx="1"/><path d="M11.8 9.2v5.2M9.2 11.8h5.2"/>',
  app: '<path d="M8 1.6 13.6 4.8v6.4L8 14.4l-5.6-3.2V4.8z"/><circle cx="8" cy="8" r="2"/>',
  edit: '<path d="M8.4 2.4H3.2A1.2 1.2 0 0 0 2 3.6v9.2A1.2 1.2 0 0 0 3.2 14h9.2a1.2 1.2 0 0 0 1.2-1.2V7.6M6 10V8l5.8-5.8 2 2L8 10z"/>',
  comment: '<path d="M2 2.4h12v9H6.4L3.6 14v-2.6H2zM5 5.6h6M5 8.4h4"/>',
  lock: '<rect x="3.2" y="7" width="9.6" height="7" rx="1"/><path d="M5.2 7V4.6a2.8 2.8 0 0 1 5.6 0V7M8 9.8v1.6"/>',
  back: '<path d="M10 2.8 4.8 8l5.2 5.2"/>',
  trash: '<path d="M2.4 4h11.2M6 4V2h4v2M3.8 4l.6 9.8h7.2L12.2 4M6.6 6.8v4.4M9.4 6.8v4.4"/>',
  done: '<circle cx="8" cy="8" r="6.6"/><path d="m5 8.2 2.2 2.2L11.2 6"/>',
  open: '<rect x="2" y="2" width="12" height="12" rx="1"/>',
} as const;
export type IconName = keyof typeof SHAPES;

/** For decoration only: whatever it is next to has its own accessible name. */
export function icon(name: IconName, className = '') {
  return raw(
    `<svg class="icon ${className}" viewBox="0 0 16 16" width="16" height="16" fill="none" stroke="currentColor" stroke-width="1.4" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">${SHAPES[name]}</svg>`,
  );
}

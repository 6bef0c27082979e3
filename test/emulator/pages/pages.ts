/** All pages of the local site. */
import { Hono } from 'hono';
import { setCookie } from 'hono/cookie';
import type { LocalSite } from '../site';
import { adminSettings } from './admin-settings';
import { content } from './content';
import { firstPage } from './first-page';
import type { Journal } from './journal';
import { overview } from './overview';
import { people } from './people';
import { COLOR_MODE_COOKIE, cameFrom, colorModeOf } from './visitor';
import { timeText } from './words';

export function pages(site: LocalSite, journal: Journal): Hono {
  const deps = { site, journal };
  const app = new Hono();
  app.get('/', (c) => c.redirect('/wiki'));
  app.post('/wiki/color-mode', (c) => {
    setCookie(c, COLOR_MODE_COOKIE, colorModeOf(c) === 'dark' ? 'light' : 'dark', { path: '/' });
    return c.redirect(cameFrom(c));
  });
  app.get('/wiki/clock', (c) => c.json({ now: site.clock.iso(), text: timeText(site.clock.now()) }));
  app.post('/wiki/clock', async (c) => {
    const { advance } = await c.req.parseBody();
    await site.advance(String(advance));
    return c.redirect(cameFrom(c));
  });
  for (const part of [firstPage, people, overview, content, adminSettings]) app.route('/', part(deps));
  return app;
}

/** Pages, blog posts and space homepages: reading, adding, editing, commenting. */
import { type Context, Hono } from 'hono';
import { html, raw } from 'hono/html';
import { mayDo, maySeeContent } from '../confluence/access';
import { comment, edit, setSpaceStatus, view } from '../confluence/activity';
import { APP_ACCOUNT_ID, type Content, isOpen, latest, type Person, type Space } from '../confluence/state';
import { personAvatar, spaceAvatar } from './avatar';
import { writableSpaces } from './chrome';
import { type Deps, type Html, notFound, notPermitted, show } from './document';
import { icon } from './icons';
import { renderStorage, type Targets } from './storage-format';
import { callerOf, cameFrom, sessionPerson } from './visitor';
import { audienceText, contentUrl, dayText, spaceUrl, statusText } from './words';

/** Confluence's limit for titles. */
const MAX_TITLE = 255;
/** More than anyone would choose from in a list. */
const CREATE_SPACES = 50;

const escapeHtml = (text: string): string => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
const paragraphs = (text: string): string =>
  text
    .split(/\n{2,}/)
    .flatMap((part) => (part.trim() === '' ? [] : [`<p>${escapeHtml(part.trim())}</p>`]))
    .join('');

export function content(deps: Deps): Hono {
  const { site, journal } = deps;
  const { state } = site.confluence;
  const app = new Hono();

  const showContent = (c: Context, space: Space | undefined, item: Content | undefined) => {
    const person = sessionPerson(site, c);
    if (!space || item?.spaceId !== space.id || !maySeeContent(state, callerOf(person), item)) return notFound(deps, c);
    if (person) {
      view(site.confluence, person, item);
      journal.noteVisit(person.accountId, item.id);
      if (person.personalSpaceId === space.id) journal.note(person.accountId, 'opened own space');
    }
    return show(deps, c, {
      title: item.title,
      spaceKey: space.key,
      contentId: String(item.id),
      body: html`${pageBar(deps, person, space, item)}
        <div class="page"><h1>${item.title}</h1>${byline(deps, item)}
        <article>${raw(renderStorage(item.body, targetsIn(deps, person, space)))}</article>
        ${comments(deps, person, space, item)}</div>`,
    });
  };

  app.get('/wiki/spaces/:key', (c) => c.redirect(`/wiki/spaces/${encodeURIComponent(c.req.param('key'))}/overview`));
  app.get('/wiki/spaces/:key/overview', (c) => {
    const space = state.spacesByKey.get(c.req.param('key'));
    return showContent(c, space, state.content.get(space?.homepageId ?? 0));
  });
  app.get('/wiki/spaces/:key/pages/:id', (c) =>
    showContent(c, state.spacesByKey.get(c.req.param('key')), state.content.get(Number(c.req.param('id')))),
  );

  /** The page at this address, if the person signed in has permission for the operation. */
  const permitted = (c: Context, operation: string): { person: Person; space: Space; item: Content } | null => {
    const person = sessionPerson(site, c);
    const item = state.content.get(Number(c.req.param('id')));
    const space = state.spacesByKey.get(c.req.param('key') ?? '');
    if (!person || !space || item?.spaceId !== space.id) return null;
    return maySeeContent(state, callerOf(person), item) && mayDo(state, callerOf(person), space, operation)
      ? { person, space, item }
      : null;
  };

  app.get('/wiki/spaces/:key/pages/:id/edit', (c) => {
    const found = permitted(c, 'update/page');
    if (!found) return notPermitted(deps, c, 'You don’t have permission to edit this page.');
    const { space, item } = found;
    return show(deps, c, {
      title: `Edit ${item.title}`,
      spaceKey: space.key,
      body: html`<div class="column"><h1>Edit page</h1><form method="post" class="form">
        <label>Title<input name="title" required maxlength="${MAX_TITLE}" value="${item.title}" /></label>
        <label>Text, in Confluence’s storage format<textarea name="body" rows="16" spellcheck="false">${item.body}</textarea></label>
        <p class="row"><button class="button primary">Publish</button><a class="button" href="${contentUrl(space, item)}">Cancel</a></p></form></div>`,
    });
  });
  app.post('/wiki/spaces/:key/pages/:id/edit', async (c) => {
    const found = permitted(c, 'update/page');
    if (!found) return notPermitted(deps, c, 'You don’t have permission to edit this page.');
    const { person, space, item } = found;
    const { title, body } = await c.req.parseBody();
    if (typeof title === 'string' && title.trim() !== '') item.title = title.trim().slice(0, MAX_TITLE);
    item.body = typeof body === 'string' ? body : `${item.body}<p>A line added by hand.</p>`;
    edit(site.confluence, person, item);
    return c.redirect(contentUrl(space, item));
  });
  app.post('/wiki/spaces/:key/pages/:id/comment', async (c) => {
    const found = permitted(c, 'create/comment');
    const { text } = await c.req.parseBody();
    if (!found || typeof text !== 'string') return notPermitted(deps, c, 'You don’t have permission to comment on this page.');
    if (text.trim() !== '') comment(site.confluence, found.person, found.item).body = paragraphs(text);
    return c.redirect(`${contentUrl(found.space, found.item)}#comments`);
  });
  app.post('/wiki/spaces/:key/status', async (c) => {
    const person = sessionPerson(site, c);
    const space = state.spacesByKey.get(c.req.param('key'));
    const { status } = await c.req.parseBody();
    if (!person || !space || !mayDo(state, callerOf(person), space, 'administer/space'))
      return notPermitted(deps, c, 'Only administrators of this space can do that.');
    if (status === 'current' || status === 'archived' || status === 'trashed')
      setSpaceStatus(site.confluence, space, status, callerOf(person));
    return c.redirect(cameFrom(c));
  });

  app.get('/wiki/create', (c) => {
    const person = sessionPerson(site, c);
    const spaces = person ? writableSpaces(site, person, CREATE_SPACES) : [];
    if (spaces.length === 0) return notPermitted(deps, c, 'There is no space where you can add a page.');
    const wanted = c.req.query('space');
    return show(deps, c, {
      title: 'Create a page',
      body: html`<div class="column"><h1>Create a page</h1><form method="post" class="form">
        <label>Space<select name="space">${spaces.map(
          (s) => html`<option value="${s.key}" ${s.key === wanted ? 'selected' : ''}>${s.name}</option>`,
        )}</select></label>
        <label>Title<input name="title" required maxlength="${MAX_TITLE}" /></label>
        <label>Text<textarea name="text" rows="10"></textarea></label>
        <p class="row"><button class="button primary">Publish</button><a class="button" href="/wiki">Cancel</a></p></form></div>`,
    });
  });
  app.post('/wiki/create', async (c) => {
    const person = sessionPerson(site, c);
    const { space: key, title, text } = await c.req.parseBody();
    const space = state.spacesByKey.get(String(key));
    if (!person || !space || !mayDo(state, callerOf(person), space, 'create/page'))
      return notPermitted(deps, c, 'You don’t have permission to add pages to this space.');
    const item = state.addContent({
      type: 'page',
      title: String(title).trim().slice(0, MAX_TITLE) || 'Untitled',
      spaceId: space.id,
      parentId: space.homepageId,
      authorId: person.accountId,
      body: paragraphs(typeof text === 'string' ? text : ''),
      at: site.confluence.clock.now(),
    });
    site.confluence.tell.content('created', item, callerOf(person));
    return c.redirect(contentUrl(space, item));
  });
  return app;
}

/** Links name pages of the same space by title. */
function targetsIn({ site }: Pick<Deps, 'site'>, person: Person | undefined, space: Space): Targets {
  const { state } = site.confluence;
  return {
    urlOfPage: (title) => {
      const item = (state.contentBySpace.get(space.id) ?? []).find((i) => i.type === 'page' && i.title === title && i.status === 'current');
      return item && maySeeContent(state, callerOf(person), item) ? contentUrl(space, item) : undefined;
    },
    nameOfPerson: (accountId) => state.account(accountId)?.displayName,
  };
}

function pageBar({ site }: Deps, person: Person | undefined, space: Space, item: Content): Html {
  const mayEdit = person !== undefined && mayDo(site.confluence.state, callerOf(person), space, 'update/page');
  const isHome = item.id === space.homepageId;
  return html`<div class="page-bar"><nav aria-label="Breadcrumb" class="crumbs">${spaceAvatar(space, 'tiny')}<a href="${spaceUrl(space)}">${space.name}</a>
      ${isHome ? '' : html`<span aria-hidden="true">/</span> <span class="crumb-here">${item.title}</span>`}</nav>
    ${space.status === 'current' ? '' : html`<span class="tag">${statusText(space)}</span>`}
    ${isOpen(space) ? '' : html`<span class="tag">${icon('lock')} ${audienceText(site, space, person)}</span>`}
    <span class="grow"></span>
    ${mayEdit ? html`<a class="button" href="${contentUrl(space, item)}/edit">${icon('edit')} Edit</a>` : ''}
    ${mayComment(site, person, space) ? html`<a class="button" href="#comment-text">${icon('comment')} Comment</a>` : ''}</div>`;
}

const mayComment = (site: Deps['site'], person: Person | undefined, space: Space): person is Person =>
  person !== undefined && mayDo(site.confluence.state, callerOf(person), space, 'create/comment');

function byline({ site }: Deps, item: Content): Html {
  const { state, clock } = site.confluence;
  const author = state.account(item.authorId);
  const versions = item.versions.length;
  const isSetUp = item.versions.some((version) => version.authorId === APP_ACCOUNT_ID || /homestead/i.test(version.message));
  return html`<p class="byline">${author ? personAvatar(author, 'small') : ''}<span>By ${author?.displayName ?? 'someone who has left'} · ${dayText(
    latest(item).at,
    clock.now(),
  )}${versions > 1 ? ` · version ${versions}` : ''}${isSetUp ? ' · Set up by Homestead' : ''}</span></p>`;
}

function comments({ site }: Deps, person: Person | undefined, space: Space, item: Content): Html {
  const { state, clock } = site.confluence;
  const found = (state.contentBySpace.get(space.id) ?? []).filter(
    (i) => i.type === 'comment' && i.parentId === item.id && i.status === 'current',
  );
  const mayWrite = mayComment(site, person, space);
  if (found.length === 0 && !mayWrite) return html``;
  return html`<section id="comments" class="comments" aria-labelledby="comments-title"><h2 id="comments-title">Comments</h2>
    ${found.map((i) => {
      const author = state.account(i.authorId);
      return html`<div class="comment">${author ? personAvatar(author) : ''}<div><b>${author?.displayName ?? 'Someone who has left'}</b>
        <span class="small subtle">${dayText(i.createdAt, clock.now())}</span>${raw(renderStorage(i.body, targetsIn({ site }, person, space)))}</div></div>`;
    })}
    ${
      mayWrite
        ? html`<form method="post" action="${contentUrl(space, item)}/comment" class="form"><label for="comment-text" class="hidden-text">Write a comment</label>
          <textarea id="comment-text" name="text" rows="2" placeholder="Write a comment" required></textarea><p class="row"><button class="button">Save comment</button></p></form>`
        : ''
    }</section>`;
}

/** Shows Confluence's storage format as plain HTML, well enough to see what came of a template. */
import * as cheerio from 'cheerio';

const KEEP = new Set(
  'p h1 h2 h3 h4 h5 h6 ul ol li table tbody thead tr th td strong em u s code pre blockquote hr br span a div input label'.split(' '),
);

/** What links and mentions in the text point to, or undefined if it does not exist. */
export interface Targets {
  urlOfPage(title: string): string | undefined;
  nameOfPerson(accountId: string): string | undefined;
}

export function renderStorage(storage: string, targets: Targets): string {
  const $ = cheerio.load(`<root>${storage}</root>`, { xml: { xmlMode: false, lowerCaseTags: true, recognizeSelfClosing: true } });
  $('script,style,ac\\:parameter').remove();
  const links = new Map<string, string>();
  $('ac\\:link').each((_, el) => {
    const accountId = $(el).find('ri\\:user').attr('ri:account-id');
    const title = $(el).find('ri\\:page').attr('ri:content-title');
    if (accountId !== undefined) {
      $(el).replaceWith($('<span class="mention"></span>').text(`@${targets.nameOfPerson(accountId) ?? 'someone'}`));
      return;
    }
    const text = $(el).text().trim() || (title ?? '');
    const url = title === undefined ? undefined : targets.urlOfPage(title);
    if (url === undefined) $(el).replaceWith($('<span></span>').text(text));
    else {
      links.set(String(links.size), url);
      $(el).replaceWith($(`<a class="link-${links.size - 1}"></a>`).text(text));
    }
  });
  $('ac\\:structured-macro').each((_, el) => {
    const name = $(el).attr('ac:name') ?? 'macro';
    $(el).replaceWith(
      `<div class="macro"><small>${name.replace(/[^\w-]/g, '')}</small>${$(el).find('ac\\:rich-text-body').html() ?? ''}</div>`,
    );
  });
  $('ac\\:task').each((_, el) => {
    const done = $(el).find('ac\\:task-status').text() === 'complete';
    $(el).replaceWith(
      `<p><label><input type="checkbox" disabled ${done ? 'checked' : ''}/> ${$(el).find('ac\\:task-body').html() ?? ''}</label></p>`,
    );
  });
  $('ac\\:placeholder').each((_, el) => {
    $(el).replaceWith(`<em>${$(el).text()}</em>`);
  });
  $('root *').each((_, el) => {
    if (el.type !== 'tag') return;
    if (!KEEP.has(el.name)) {
      $(el).replaceWith($(el).contents());
      return;
    }
    for (const name of Object.keys(el.attribs)) {
      if (!['class', 'type', 'disabled', 'checked', 'colspan', 'rowspan'].includes(name)) $(el).removeAttr(name);
    }
  });
  for (const [n, url] of links) $(`a.link-${n}`).attr('href', url).removeAttr('class');
  return $('root').html() ?? '';
}

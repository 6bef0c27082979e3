/** Templates: what is replaced, what is left byte for byte, and what is refused. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { renderTemplate } from '../../src/page-templates/render';

const values = { name: 'Ana <Ruiz> & "Co"', date: 'November 23, 2026', spaceName: 'Ana', spaceKey: '~712020' };

describe('renderTemplate', () => {
  it('fills variables with escaped text and removes the declarations', () => {
    const template =
      '<at:declarations><at:string at:name="name" /><at:list at:name="team"><at:option at:value="IT" /></at:list></at:declarations><p><at:var at:name="name" />, <at:var at:name="Date"></at:var></p>';
    expect(renderTemplate(template, values)).toEqual({
      kind: 'ok',
      body: '<p>Ana &lt;Ruiz&gt; &amp; &quot;Co&quot;, November 23, 2026</p>',
      unfilled: [],
    });
  });

  it('empties variables it cannot fill, and reports each name once', () => {
    expect(renderTemplate('<p><at:var at:name="role"/><at:var at:name="role"/><at:var at:name="team"/></p>', values)).toEqual({
      kind: 'ok',
      body: '<p></p>',
      unfilled: ['role', 'team'],
    });
  });

  it('leaves macros, links, placeholders, entities and CDATA exactly as they are', () => {
    const body =
      '<ac:structured-macro ac:name="code" ac:macro-id="1"><ac:parameter ac:name="language">js</ac:parameter><ac:plain-text-body><![CDATA[if (a < b && c) {}]]></ac:plain-text-body></ac:structured-macro><p>&nbsp;&eacute;&#160;</p><ac:link><ri:user ri:account-id="712020:1" /></ac:link><ac:placeholder>Type  here</ac:placeholder>';
    expect(renderTemplate(body, values)).toEqual({ kind: 'ok', body, unfilled: [] });
  });

  it.each(['<h2>Welcome <p>unclosed', '<p></div>', '<p a=b>x</p>', '<x:y/>', '</template><template>', '<p>a & b</p>', '<'])(
    'refuses %j',
    (template) => {
      expect(renderTemplate(template, values)).toMatchObject({ kind: 'invalid', problem: expect.any(String) });
    },
  );

  it('changes nothing in text without variables', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'é', ' ', '<b>', '</b>', '&amp;', '😀') });
    fc.assert(
      fc.property(text, (inner) => {
        const rendered = renderTemplate(`<p>${inner}</p>`, values);
        if (rendered.kind === 'ok') expect(rendered.body).toBe(`<p>${inner}</p>`);
      }),
    );
  });

  it('puts no markup from a value into the page', () => {
    fc.assert(
      fc.property(fc.string(), (name) => {
        const rendered = renderTemplate('<p><at:var at:name="name"/></p>', { ...values, name });
        expect(rendered.kind).toBe('ok');
        if (rendered.kind === 'ok') expect(rendered.body.slice(3, -4)).not.toMatch(/[<>"]/);
      }),
    );
  });

  it('refuses what is too large or nested too deeply, without reading on', () => {
    const start = performance.now();
    expect(renderTemplate(`<p>${'word '.repeat(100_000)}</p>`, values)).toEqual({ kind: 'too-large' });
    expect(renderTemplate(`${'<p>'.repeat(60_000)}${'</p>'.repeat(60_000)}`, values)).toMatchObject({ kind: 'invalid' });
    expect(renderTemplate('& '.repeat(200_000), values)).toMatchObject({ kind: 'invalid' });
    // The nested one took 30 s; this is far above what a slow machine needs now.
    expect(performance.now() - start).toBeLessThan(10_000);
  });

  it('takes a template of 500 KB', () => {
    const paragraph = '<p><at:var at:name="name" />, &ntilde;</p>';
    const rendered = renderTemplate(paragraph.repeat(Math.floor(500_000 / paragraph.length)), values);
    expect(rendered).toMatchObject({ kind: 'ok', unfilled: [] });
  });
});

/** Confluence's storage format: XHTML-like XML with its own prefixes. */
import { SaxesParser } from 'saxes';
import { Refusal } from './operation';

const NAMESPACES: Record<string, string> = {
  ac: 'http://atlassian.com/content',
  ri: 'http://atlassian.com/resource/identifier',
  at: 'http://atlassian.com/template',
};

/** W3C, XHTML 1.0 entity sets (Latin-1, symbols, special). XML itself defines only five entities. */
const XHTML_ENTITIES = `nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn sup2 sup3 acute micro
para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc Atilde Auml Aring AElig Ccedil Egrave Eacute Ecirc Euml
Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash Ugrave Uacute Ucirc Uuml Yacute THORN szlig agrave aacute
acirc atilde auml aring aelig ccedil egrave eacute ecirc euml igrave iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml divide
oslash ugrave uacute ucirc uuml yacute thorn yuml fnof Alpha Beta Gamma Delta Epsilon Zeta Eta Theta Iota Kappa Lambda Mu Nu Xi Omicron Pi
Rho Sigma Tau Upsilon Phi Chi Psi Omega alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigmaf
sigma tau upsilon phi chi psi omega thetasym upsih piv bull hellip prime Prime oline frasl weierp image real trade alefsym larr uarr rarr
darr harr crarr lArr uArr rArr dArr hArr forall part exist empty nabla isin notin ni prod sum minus lowast radic prop infin ang and or cap
cup int there4 sim cong asymp ne equiv le ge sub sup nsub sube supe oplus otimes perp sdot lceil rceil lfloor rfloor lang rang loz spades
clubs hearts diams OElig oelig Scaron scaron Yuml circ tilde ensp emsp thinsp zwnj zwj lrm rlm ndash mdash lsquo rsquo sbquo ldquo rdquo
bdquo dagger Dagger permil lsaquo rsaquo euro`.split(/\s+/);
/** Well-formedness does not depend on what an entity expands to. */
const ANY_CHARACTER = '\u00a0';

/** @throws Refusal 400, worded as in Confluence, if the text is not well-formed */
export function requireWellFormed(storage: string): void {
  const parser = new SaxesParser({ xmlns: true, fragment: true, additionalNamespaces: NAMESPACES });
  for (const name of XHTML_ENTITIES) parser.ENTITIES[name] = ANY_CHARACTER;
  let problem: string | undefined;
  parser.on('error', (error) => {
    problem ??= error.message;
  });
  parser.write(storage).close();
  if (problem !== undefined) throw new Refusal(400, `Error parsing xhtml: ${problem}`);
}

const EXCERPT_CHARACTERS = 300;

/** The beginning of a text, without markup, as search shows it. */
export function excerptOf(storage: string): string {
  return storage
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, EXCERPT_CHARACTERS);
}

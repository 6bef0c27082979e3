/**
 * The named entities of XHTML 1.0 (https://www.w3.org/TR/xhtml1/dtds.html#h-A2), which storage format may use.
 * XML itself knows only five of them, and those the parser brings along.
 */

/** Names in the order of their characters, from the character before the `:` on. */
const RUNS = [
  '\u00a0:nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn sup2 sup3 acute micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc Atilde Auml Aring AElig Ccedil Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash Ugrave Uacute Ucirc Uuml Yacute THORN szlig agrave aacute acirc atilde auml aring aelig ccedil egrave eacute ecirc euml igrave iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml divide oslash ugrave uacute ucirc uuml yacute thorn yuml',
  'Α:Alpha Beta Gamma Delta Epsilon Zeta Eta Theta Iota Kappa Lambda Mu Nu Xi Omicron Pi Rho',
  'Σ:Sigma Tau Upsilon Phi Chi Psi Omega',
  'α:alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigmaf sigma tau upsilon phi chi psi omega',
  '←:larr uarr rarr darr harr',
  '⇐:lArr uArr rArr dArr hArr',
  '⌈:lceil rceil lfloor rfloor',
  '\u200c:zwnj zwj lrm rlm',
  '\u2002:ensp emsp',
];

/** The rest, each name followed by its character. */
const SINGLES =
  'OElig Œ oelig œ Scaron Š scaron š Yuml Ÿ fnof ƒ circ ˆ tilde ˜ thetasym ϑ upsih ϒ piv ϖ thinsp \u2009 ndash – mdash — lsquo ‘ rsquo ’ sbquo ‚ ldquo “ rdquo ” bdquo „ dagger † Dagger ‡ bull • hellip … permil ‰ prime ′ Prime ″ lsaquo ‹ rsaquo › oline ‾ frasl ⁄ euro € image ℑ weierp ℘ real ℜ trade ™ alefsym ℵ crarr ↵ forall ∀ part ∂ exist ∃ empty ∅ nabla ∇ isin ∈ notin ∉ ni ∋ prod ∏ sum ∑ minus − lowast ∗ radic √ prop ∝ infin ∞ ang ∠ and ∧ or ∨ cap ∩ cup ∪ int ∫ there4 ∴ sim ∼ cong ≅ asymp ≈ ne ≠ equiv ≡ le ≤ ge ≥ sub ⊂ sup ⊃ nsub ⊄ sube ⊆ supe ⊇ oplus ⊕ otimes ⊗ perp ⊥ sdot ⋅ lang \u2329 rang \u232a loz ◊ spades ♠ clubs ♣ hearts ♥ diams ♦';

function charactersByName(): Map<string, string> {
  const byName = new Map<string, string>();
  for (const run of RUNS) {
    const [first = '', names = ''] = run.split(':');
    const start = first.codePointAt(0) ?? 0;
    for (const [index, name] of names.split(' ').entries()) byName.set(name, String.fromCodePoint(start + index));
  }
  for (const [, name = '', character = ''] of SINGLES.matchAll(/(\S+) (\S|\u2009)(?: |$)/g)) byName.set(name, character);
  return byName;
}

export const ENTITIES: ReadonlyMap<string, string> = charactersByName();

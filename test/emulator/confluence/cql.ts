/**
 * A subset of CQL, evaluated against the site as the search index sees it. Anything else that Atlassian
 * documents is not modeled (501); anything undocumented is refused (400).
 */
import peggy from 'peggy';
import { durationMs } from '../clock';
import { type Caller, maySeeContent } from './access';
import { indexed } from './lag';
import { NotModelled, Refusal } from './operation';
import { type ConfluenceState, type Content, latest, type Space, type Version } from './state';

interface Clause {
  kind: 'clause';
  field: string;
  op: string;
  values: Value[];
}
type Value = { kind: 'text'; text: string } | { kind: 'call'; name: string; args: string[] };
type Expression = Clause | { kind: 'not'; of: Expression } | { kind: 'and' | 'or' | 'mixed'; of: Expression[] };
interface Query {
  where: Expression;
  orderBy: { field: string; descending: boolean }[];
}

const GRAMMAR = String.raw`
Query = _ where:Joined orderBy:OrderBy? _ { return { where, orderBy: orderBy ?? [] } }
OrderBy = _ "order"i __ "by"i __ first:Sort rest:(_ "," _ s:Sort { return s })* { return [first, ...rest] }
Sort = field:Name direction:(__ d:("asc"i / "desc"i) { return d })? { return { field: field.toLowerCase(), descending: direction?.toLowerCase() === 'desc' } }
Joined = first:Term rest:(__ by:("and"i / "or"i) __ of:NegatedOrTerm { return { by: by.toLowerCase(), of } })* {
  if (rest.length === 0) return first;
  const kinds = new Set(rest.map((part) => part.by));
  return { kind: kinds.size === 1 ? rest[0].by : 'mixed', of: [first, ...rest.map((part) => part.of)] };
}
NegatedOrTerm = "not"i __ of:Term { return { kind: 'not', of } } / Term
Term = "(" _ of:Joined _ ")" { return of } / Clause
Clause
  = field:Name __ op:("not"i __ "in"i { return 'not in' } / "in"i { return 'in' }) _ "(" _ first:Value rest:(_ "," _ v:Value { return v })* _ ")" { return { kind: 'clause', field: field.toLowerCase(), op, values: [first, ...rest] } }
  / field:Name _ op:("!=" / "!~" / ">=" / "<=" / "=" / ">" / "<" / "~") _ value:Value { return { kind: 'clause', field: field.toLowerCase(), op, values: [value] } }
Value
  = name:Name "(" _ args:Args? _ ")" { return { kind: 'call', name, args: args ?? [] } }
  / text:Quoted { return { kind: 'text', text } }
  / text:$[A-Za-z0-9:._-]+ { return { kind: 'text', text } }
Args = first:Quoted rest:(_ "," _ q:Quoted { return q })* { return [first, ...rest] }
Quoted = '"' parts:('\\' c:. { return c } / [^"\\])* '"' { return parts.join('') }
Name = $([A-Za-z] [A-Za-z.]*)
_ = [ \t\r\n]*
__ = [ \t\r\n]+
`;
const parser = peggy.generate(GRAMMAR);

const TYPES = ['page', 'blogpost', 'comment', 'attachment', 'whiteboard', 'database', 'embed', 'folder'];
const DAY_UNITS: Record<string, string> = { y: 'Y', M: 'M', w: 'W', d: 'D' };
const TIME_UNITS: Record<string, string> = { h: 'H', m: 'M' };
const EVALUATED_FIELDS = ['type', 'space', 'id', 'content', 'parent', 'creator', 'contributor', 'title', 'lastmodified', 'created'];
/** Documented by Atlassian (CQL fields, CQL functions; `space.type` for Data Center only, V4) but not evaluated here. */
const OTHER_FIELDS = [
  'ancestor',
  'container',
  'favorite',
  'favourite',
  'label',
  'macro',
  'mention',
  'space.category',
  'space.key',
  'space.title',
  'space.type',
  'text',
  'watcher',
];
const OTHER_FUNCTIONS = ['Day', 'Week', 'Month', 'Year']
  .flatMap((unit) => [`startOf${unit}`, `endOf${unit}`])
  .concat(['currentContent', 'currentSpace', 'favouriteSpaces', 'recentlyViewedContent', 'recentlyViewedSpaces'])
  .map((name) => name.toLowerCase());

/** 501 for a word that Atlassian documents, 400 for any other. */
function unknownWord(kind: 'field' | 'function' | 'order', word: string, documented: readonly string[]): Error {
  if (documented.includes(word.toLowerCase())) return new NotModelled(`CQL ${kind} ${word}`);
  return new Refusal(400, `Could not parse cql : unknown ${kind} '${word}'`);
}

/** How many keys per `space in (...)` and how many bytes of query the local site accepts (V6: not published). */
const MAX_SPACE_KEYS = 100;
const MAX_QUERY_BYTES = 8_000;

export interface Hit {
  item: Content;
  space: Space;
  version: Version;
}

interface Context {
  state: ConfluenceState;
  caller: Caller;
}

/** @throws Refusal 400 or 414 that begins as Confluence's own message does */
export function searchContent(context: Context, cql: string, options: { includeArchived: boolean; excludeCurrent: boolean }): Hit[] {
  if (Buffer.byteLength(encodeURIComponent(cql)) > MAX_QUERY_BYTES) throw new Refusal(414, 'URI too long');
  const query = parse(cql);
  const test = compile(context, query.where);
  const { state } = context;
  const hits: Hit[] = [];
  const index = indexed(state, spaceKeysOf(query.where));
  for (const space of index.spaces) {
    if (space.status === 'trashed') continue;
    if (space.status === 'archived' && !options.includeArchived && !options.excludeCurrent) continue;
    if (space.status === 'current' && options.excludeCurrent) continue;
    // The index lags; permissions do not.
    const permitted = state.spacesById.get(space.id) ?? space;
    for (const item of index.contentOf(space)) {
      if (item.status !== 'current' && item.status !== 'archived') continue;
      if (!maySeeContent(state, context.caller, item, permitted)) continue;
      const hit = { item, space, version: latest(item) };
      if (test(hit)) hits.push(hit);
    }
  }
  return sort(hits, query.orderBy);
}

function parse(cql: string): Query {
  try {
    return parser.parse(cql) as Query;
  } catch (error) {
    throw new Refusal(400, `Could not parse cql : ${cql} (${(error as Error).message})`);
  }
}

/** The keys that every hit's space must have, if the query says so by `and` and `or`; null = any. */
function spaceKeysOf(where: Expression): string[] | null {
  if (where.kind === 'clause' && where.field === 'space' && (where.op === 'in' || where.op === '=')) {
    return where.values.flatMap((v) => (v.kind === 'text' ? [v.text] : []));
  }
  if (where.kind === 'and') {
    for (const part of where.of) {
      const keys = spaceKeysOf(part);
      if (keys) return keys;
    }
  }
  if (where.kind === 'or') {
    const keys = where.of.map(spaceKeysOf);
    return keys.every((part) => part !== null) ? keys.flat() : null;
  }
  return null;
}

function compile(context: Context, expression: Expression): (hit: Hit) => boolean {
  if (expression.kind === 'not') {
    const test = compile(context, expression.of);
    return (hit) => !test(hit);
  }
  if (expression.kind === 'clause') return compileClause(context, expression);
  if (expression.kind === 'mixed') throw new NotModelled("CQL that mixes 'and' with 'or' without parentheses");
  const tests = expression.of.map((part) => compile(context, part));
  return expression.kind === 'and' ? (hit) => tests.every((t) => t(hit)) : (hit) => tests.some((t) => t(hit));
}

function compileClause(context: Context, clause: Clause): (hit: Hit) => boolean {
  const refuse = (): never => {
    throw new Refusal(400, `Could not parse cql : '${clause.field} ${clause.op}' is not supported`);
  };
  const allow = (...ops: string[]): void => {
    if (!ops.includes(clause.op)) refuse();
  };
  const negated = clause.op === '!=' || clause.op === 'not in';
  const oneOf = (values: string[], read: (hit: Hit) => string): ((hit: Hit) => boolean) => {
    const set = new Set(values);
    return (hit) => set.has(read(hit)) !== negated;
  };
  switch (clause.field) {
    case 'type': {
      allow('=', '!=', 'in', 'not in');
      const values = texts(clause);
      const unknown = values.find((v) => !TYPES.includes(v));
      if (unknown !== undefined) throw new Refusal(400, `Could not parse cql : unknown type '${unknown}'`);
      return oneOf(values, (hit) => hit.item.type);
    }
    case 'space': {
      allow('=', '!=', 'in', 'not in');
      const keys = texts(clause);
      if (keys.length > MAX_SPACE_KEYS) throw new Refusal(400, `Could not parse cql : more than ${MAX_SPACE_KEYS} space keys`);
      return oneOf(keys, (hit) => hit.space.key);
    }
    case 'id':
    case 'content': {
      allow('=', '!=', 'in', 'not in');
      return oneOf(texts(clause), (hit) => String(hit.item.id));
    }
    case 'parent': {
      allow('=', '!=', 'in', 'not in');
      return oneOf(texts(clause), (hit) => String(hit.item.parentId));
    }
    case 'creator':
    case 'contributor': {
      allow('=', '!=', 'in', 'not in');
      const people = new Set(clause.values.map((v) => accountOf(context.caller, v)));
      const isCreator = clause.field === 'creator';
      return (hit) => (isCreator ? people.has(hit.item.authorId) : hit.item.versions.some((v) => people.has(v.authorId))) !== negated;
    }
    case 'title': {
      allow('~', '!~', '=', '!=');
      const [wanted = ''] = texts(clause);
      const lower = wanted.replace(/^"|"$/g, '').toLowerCase();
      const isExact = clause.op === '=' || clause.op === '!=';
      if (!isExact && /[*?~^]/.test(lower)) throw new NotModelled('wildcards in CQL');
      const words = lower.split(/\s+/);
      const matches = (title: string): boolean => {
        if (isExact) return title === lower;
        const present = new Set(title.split(/\W+/));
        return words.every((word) => present.has(word));
      };
      return (hit) => matches(hit.item.title.toLowerCase()) !== clause.op.startsWith('!');
    }
    case 'lastmodified':
    case 'created': {
      allow('=', '!=', '>', '>=', '<', '<=');
      const at = dateOf(context.state, clause.values[0] as Value);
      const read = clause.field === 'created' ? (hit: Hit) => hit.item.createdAt : (hit: Hit) => hit.version.at;
      // CQL compares whole minutes.
      const minute = (ms: number): number => Math.floor(ms / 60_000);
      const wanted = minute(at);
      const compare: Record<string, (a: number) => boolean> = {
        '=': (a) => a === wanted,
        '!=': (a) => a !== wanted,
        '>': (a) => a > wanted,
        '>=': (a) => a >= wanted,
        '<': (a) => a < wanted,
        '<=': (a) => a <= wanted,
      };
      const test = compare[clause.op] as (a: number) => boolean;
      return (hit) => test(minute(read(hit)));
    }
    default:
      throw unknownWord('field', clause.field, OTHER_FIELDS);
  }
}

function texts(clause: Clause): string[] {
  return clause.values.map((v) => {
    if (v.kind === 'call') throw unknownWord('function', v.name, OTHER_FUNCTIONS);
    return v.text;
  });
}

function accountOf(caller: Caller, value: Value): string {
  if (value.kind === 'text') return value.text;
  if (value.name.toLowerCase() === 'currentuser' && caller.kind === 'person') return caller.person.accountId;
  throw unknownWord('function', value.name, OTHER_FUNCTIONS);
}

function dateOf(state: ConfluenceState, value: Value): number {
  if (value.kind === 'text') {
    const match = /^(\d{4})[-/](\d{2})[-/](\d{2})(?: (\d{2}):(\d{2}))?$/.exec(value.text);
    if (!match) throw new Refusal(400, `Could not parse cql : '${value.text}' is not a date`);
    // The caller's time zone is UTC on the local site.
    const parts = match.slice(1).map((part) => Number(part ?? 0)) as [number, number, number, number, number];
    const [year, month, day, hour, minute] = parts;
    const at = Date.UTC(year, month - 1, day, hour, minute);
    const back = new Date(at);
    if (back.getUTCMonth() !== month - 1 || back.getUTCDate() !== day || back.getUTCHours() !== hour || back.getUTCMinutes() !== minute) {
      throw new Refusal(400, `Could not parse cql : '${value.text}' is not a date`);
    }
    return at;
  }
  const now = state.clock.now();
  const starts: Record<string, () => number> = {
    now: () => now,
    startofday: () => Math.floor(now / 86_400_000) * 86_400_000,
  };
  const start = starts[value.name.toLowerCase()];
  if (!start) throw unknownWord('function', value.name, OTHER_FUNCTIONS);
  if (value.args.length > 1) throw new Refusal(400, `Could not parse cql : function ${value.name}() takes one argument`);
  return start() + incrementMs(value.args[0]);
}

function incrementMs(text: string | undefined): number {
  if (text === undefined) return 0;
  const match = /^([+-]?)(\d+)([yMwdhm])$/.exec(text);
  if (!match) throw new Refusal(400, `Could not parse cql : '${text}' is not an increment`);
  const [, sign, amount, unit = ''] = match;
  const duration = DAY_UNITS[unit] ? `P${amount}${DAY_UNITS[unit]}` : `PT${amount}${TIME_UNITS[unit]}`;
  return durationMs(duration) * (sign === '-' ? -1 : 1);
}

function sort(hits: Hit[], orderBy: Query['orderBy']): Hit[] {
  const readers: Record<string, (hit: Hit) => number | string> = {
    lastmodified: (hit) => hit.version.at,
    created: (hit) => hit.item.createdAt,
    title: (hit) => hit.item.title,
  };
  const keys = orderBy.map(({ field, descending }) => {
    const read = readers[field];
    if (!read) throw unknownWord('order', field, [...OTHER_FIELDS, ...EVALUATED_FIELDS]);
    return { read, sign: descending ? -1 : 1 };
  });
  return hits.sort((a, b) => {
    for (const { read, sign } of keys) {
      const [x, y] = [read(a), read(b)];
      if (x !== y) return x < y ? -sign : sign;
    }
    return a.item.id - b.item.id;
  });
}

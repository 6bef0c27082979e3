/** The policy: reading, saving, text, history, templates. */
import { asCaller } from '../../confluence/call';
import { type CurrentUser, readCurrentUser, readStandingOf } from '../../confluence/people';
import { listTemplates } from '../../confluence/templates';
import { comparePolicies } from '../../domain/policy/compare';
import { DEFAULT_POLICY, type Policy, type PolicyState, parsePolicyText, type SpaceTemplate } from '../../domain/policy/document';
import { AppError, StaleRecord } from '../../forge/errors';
import { homepageTitle } from '../../page-templates/builtin';
import { detailsTable } from '../../page-templates/details-table';
import { composePage, personName, readerOf } from '../../page-templates/pages';
import { personalSpaceKey } from '../../provisioning/creation-calls';
import { readPolicy, readPolicyVersion, replaceUnreadablePolicy, writePolicy } from '../../store/policy';
import { listAudit } from '../../store/trail';
import type { PolicyView, TemplatePreview, VersionView } from '../contract';
import type { AdminMethods } from '../define';

/** Versions on one page of the history; each may be 230 KB. */
const VERSIONS_PER_PAGE = 10;

export const policyMethods: AdminMethods<
  | 'policy.get'
  | 'policy.save'
  | 'policy.startOver'
  | 'policy.check'
  | 'policy.history'
  | 'policy.version'
  | 'policy.restore'
  | 'templates.list'
  | 'templates.preview'
> = {
  'policy.get': async () => policyView(await readPolicy()),
  'policy.save': ({ policy, baseVersion }, caller) => save(policy, baseVersion, caller.accountId, null),
  'policy.startOver': async (_input, caller) => {
    if ((await readPolicy()).kind !== 'unreadable') throw new AppError('conflict');
    return policyView(await replaceUnreadablePolicy(caller.accountId, Date.now()));
  },
  'policy.check': async ({ text, locale }) => parsePolicyText(text, locale),
  'policy.history': async ({ before }) => history(before),
  'policy.version': async ({ version }) => ({ policy: await existingVersion(version) }),
  'policy.restore': async ({ version, baseVersion }, caller) =>
    save(await existingVersion(version), baseVersion, caller.accountId, version),
  'templates.list': () => listTemplates(),
  'templates.preview': async ({ template, accountId }, caller) => {
    const isOther = accountId !== undefined && accountId !== caller.accountId;
    const user = isOther ? (await readStandingOf(accountId)).user : await readCurrentUser(asCaller());
    if (!user) throw new AppError('not-found');
    return preview(template, user);
  },
};

async function save(policy: Policy, baseVersion: number, savedBy: string, restores: number | null): Promise<PolicyView> {
  const stored = await readPolicy();
  if (stored.kind === 'unreadable') throw new AppError('policy-unreadable', { problem: stored.problem });
  try {
    return policyView(await writePolicy({ policy, baseVersion, savedBy, now: Date.now(), restores }));
  } catch (error) {
    if (!(error instanceof StaleRecord)) throw error;
    const newest = policyView(await readPolicy());
    throw new AppError('conflict', { version: newest.version, savedBy: newest.savedBy ?? '', savedAt: newest.savedAt ?? 0 });
  }
}

export function policyView(state: PolicyState): PolicyView {
  const none = { policy: DEFAULT_POLICY, version: 0, savedBy: null, savedAt: null, problem: null };
  if (state.kind === 'unreadable') return { ...none, kind: 'unreadable', problem: state.problem };
  if (state.kind === 'unset') return { ...none, kind: 'unset' };
  return { ...state, problem: null };
}

async function existingVersion(version: number): Promise<Policy> {
  const found = await readPolicyVersion(version);
  if (!found) throw new AppError('not-found');
  return found.policy;
}

/** Versions below `before`, newest first, each with what it changed. */
async function history(before: number | undefined): Promise<{ versions: VersionView[]; next: number | null }> {
  const state = await readPolicy();
  const newest = state.kind === 'unreadable' ? await newestVersion() : state.version;
  const from = Math.min(newest, (before ?? Number.POSITIVE_INFINITY) - 1);
  const last = Math.max(0, from - VERSIONS_PER_PAGE);
  const numbers = Array.from({ length: from - last }, (_, i) => from - i);
  const found = await Promise.all([...numbers, last].map((n) => (n === 0 ? null : readPolicyVersion(n))));
  const restored = await restoredVersions();
  const versions = numbers.flatMap((version, i): VersionView[] => {
    const now = found[i];
    if (!now) return [];
    const earlier = version === 1 ? DEFAULT_POLICY : found[i + 1]?.policy;
    const changes = earlier ? comparePolicies(earlier, now.policy) : null;
    return [{ version, savedBy: now.savedBy, savedAt: now.savedAt, restores: restored.get(version) ?? null, changes }];
  });
  return { versions, next: last > 0 ? last + 1 : null };
}

/** Audit entries looked at for "brought back". */
const RESTORES_SHOWN = 100;

async function restoredVersions(): Promise<Map<number, number>> {
  const { entries } = await listAudit('policy', RESTORES_SHOWN);
  return new Map(
    entries.flatMap(({ details }) =>
      typeof details.revision === 'number' && typeof details.restores === 'number' ? [[details.revision, details.restores]] : [],
    ),
  );
}

async function newestVersion(): Promise<number> {
  const { entries } = await listAudit('policy', 1);
  return Number(entries[0]?.details.revision ?? 0);
}

/** Every page of a space as this person would get it. */
async function preview(template: SpaceTemplate, user: CurrentUser): Promise<TemplatePreview> {
  const reader = readerOf(user, user.accountId, personalSpaceKey(user.accountId), Date.now());
  const page = async (title: string, source: SpaceTemplate['homepage'], kind: 'homepage' | 'child') => {
    const { body, problem, unfilled } = await composePage(source, kind, reader);
    const details = kind === 'homepage' ? detailsTable(template.fields, {}) : '';
    return { title, body: body + details, problem, unfilled };
  };
  const home = await page(homepageTitle(reader.values.name, reader.locale), template.homepage, 'homepage');
  const children = await Promise.all(template.children.map((child) => page(child.title, child.source, 'child')));
  return { name: personName(user, user.accountId), pages: [home, ...children] };
}

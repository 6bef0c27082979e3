/** Who may import whom. `npm run layers` holds the code to it. */

const FEATURES = '^src/(provisioning|page-templates|existing-people|cleanup|notices|own-space|site-check|privacy|directory)/';

/**
 * Features stand on three floors, and each uses only those below it: page-templates and notices, provisioning, all others.
 * What a feature offers the floors above is listed here; the rest of it is its own affair.
 */
const DOORS = [
  'page-templates/(builtin|details-table|pages|render)',
  'notices/notices',
  'directory/(accounts|known|keep|outcomes|reading|schema|lists|classes|derive|people|spaces|run-rows|projector|progress)',
  'provisioning/(provision|answers|app-role|explain|facts|creation-calls|line-view|promised-access|serve|status-change)',
  // The cleanup archives what a run for existing people has created, when that is undone.
  'existing-people/created',
];

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } } },
    {
      name: 'domain-is-pure',
      comment: 'A decision knows neither the platform nor what is stored: it imports other decisions, and zod.',
      severity: 'error',
      from: { path: '^src/domain/' },
      to: { pathNot: ['^src/domain/', '^node_modules/zod/'] },
    },
    {
      name: 'platform-edges-know-no-feature',
      severity: 'error',
      from: { path: '^src/(confluence|store|forge)/' },
      to: { path: FEATURES },
    },
    {
      name: 'engines-know-no-feature',
      comment: 'They get their lists from index.ts.',
      severity: 'error',
      from: { path: '^src/(jobs|agenda|events)/' },
      to: { path: FEATURES },
    },
    {
      name: 'features-use-the-doors-of-others',
      severity: 'error',
      from: { path: FEATURES },
      to: { path: FEATURES, pathNot: ['^src/$1/', ...DOORS.map((door) => `^src/${door}\\.ts$`)] },
    },
    {
      name: 'lowest-features-use-no-other',
      severity: 'error',
      from: { path: '^src/(page-templates|notices|directory)/' },
      to: { path: FEATURES, pathNot: '^src/$1/' },
    },
    {
      name: 'provisioning-uses-only-the-lowest-features',
      severity: 'error',
      from: { path: '^src/provisioning/' },
      to: { path: FEATURES, pathNot: '^src/(provisioning|page-templates|notices|directory)/' },
    },
    {
      name: 'sql-lives-in-the-directory',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/directory/' },
      to: { path: '^src/forge/sql\\.ts$' },
    },
    {
      name: 'api-is-the-top',
      severity: 'error',
      from: { path: '^src/(?!api/|index\\.ts)' },
      to: { path: '^src/api/' },
    },
    { name: 'the-app-knows-no-test', severity: 'error', from: { path: '^(src|static)/' }, to: { path: '^test/' } },
    {
      name: 'pages-take-only-types-and-limits-from-functions',
      comment: 'And the comparison of two policies, which imports nothing: the page says what is not saved yet.',
      severity: 'error',
      from: { path: '^static/' },
      to: { path: '^src/(?!locales/|api/limits\\.ts|domain/policy/compare\\.ts)', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'local-site-loads-the-app-by-its-manifest',
      severity: 'error',
      from: { path: '^test/emulator/' },
      to: { path: '^(src|static)/' },
    },
    {
      name: 'confluence-knows-no-forge',
      comment: 'The product of the local site tells the platform through `onEvent` only.',
      severity: 'error',
      from: { path: '^test/emulator/confluence/' },
      to: { path: '^test/emulator/(?!confluence/|clock\\.ts|settings\\.ts|control-error\\.ts)' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^static/dist/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
      extensions: ['.ts', '.tsx', '.mjs', '.js', '.json'],
    },
  },
};

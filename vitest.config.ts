import { defineConfig } from 'vitest/config';

/** One lane a folder: `npm run test:unit`, `test:app`, `test:browser`, `test:platform`; `test:long` runs the `*.long.ts` of all. */
const lane = (name: string, include = `test/${name}/**/*.test.ts`) => ({ extends: true as const, test: { name, include: [include] } });

export default defineConfig({
  test: {
    projects: [lane('unit'), lane('app'), lane('browser'), lane('platform'), lane('long', 'test/**/*.long.ts')],
    globalSetup: ['test/support/announce.ts'],
    // The app's own log lines belong to the app, not to the report.
    silent: 'passed-only',
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
  },
});

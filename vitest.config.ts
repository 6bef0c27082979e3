import { statSync } from 'node:fs';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** One lane a folder: `npm run test:unit`, `test:app`, `test:browser`, `test:platform`. Slowest first, so that none is left alone at the end. */
const LANES = ['browser', 'app', 'platform', 'unit'];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const lane = (file: TestSpecification): number => LANES.indexOf(file.project.name);
    const size = (file: TestSpecification): number => statSync(file.moduleId).size;
    return [...files].sort((a, b) => lane(a) - lane(b) || size(b) - size(a));
  }
}

const project = (name: string, include: string) => ({ extends: true as const, test: { name, include: [include] } });

export default defineConfig({
  test: {
    projects: [...LANES.map((name) => project(name, `test/${name}/**/*.test.ts`)), project('long', 'test/**/*.long.ts')],
    sequence: { sequencer: LongestFirst },
    globalSetup: ['test/support/announce.ts'],
    // The app's own log lines belong to the app, not to the report.
    silent: 'passed-only',
    testTimeout: 60_000,
    // Long enough for a machine that is three times slower.
    expect: { poll: { timeout: 10_000 } },
    hookTimeout: 60_000,
    maxWorkers: 2,
    // What a test leaves behind is mostly dead by its end: with room for it, far less is copied, and copying was an eighth of the time.
    execArgv: ['--max-semi-space-size=64'],
    isolate: false,
  },
});

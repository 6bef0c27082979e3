/** Decisions take the time as a value. `npm run layers` checks who imports whom. */
import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';

const DOMAIN = resolve(import.meta.dirname, '../../src/domain');

it('the domain reads no clock and rolls no dice', () => {
  const files = readdirSync(DOMAIN, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  expect(files.length).toBeGreaterThan(3);
  for (const file of files) expect(readFileSync(resolve(DOMAIN, file), 'utf8'), file).not.toMatch(/Date\.now|new Date\(\)|Math\.random/);
});

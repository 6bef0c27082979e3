/** Warns once per run about what cannot be tested on this machine. In CI that is an error. */
import { findChromium } from '../browser/chromium';
import { HAS_MARIADB } from './mariadb';
import { HAS_OPENAPI } from './openapi';

export default async function announce(): Promise<void> {
  const missing: string[] = [];
  if (!HAS_OPENAPI)
    missing.push("Atlassian's API documents are missing: requests and answers are NOT checked against them (HOMESTEAD_OPENAPI).");
  if (!HAS_MARIADB)
    missing.push(
      'No MariaDB was found: statements of SQL are NOT COMPARED with a real database (HOMESTEAD_MARIADB, a folder with mariadbd).',
    );
  if ((await findChromium()) === null) missing.push('No Chromium was found: the BROWSER TESTS ARE SKIPPED (CHROMIUM_PATH).');
  for (const line of missing) process.stderr.write(`\n*** ${line}\n`);
  if (missing.length > 0 && process.env.CI === 'true') throw new Error('CI needs everything listed above');
}

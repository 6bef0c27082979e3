/** Runs over people, on their page: trying again what failed, undoing, and bringing back what was undone; and undoing a save. */
import { describe, expect, it } from 'vitest';
import { ADMIN_ACCOUNT_ID, accountIdOf } from '../emulator/confluence/seed';
import { finished } from '../support/cleanup';
import { adminData, knowEverybody, setPolicy } from '../support/site';
import { findChromium } from './chromium';
import { themes, useBrowser } from './harness';

const executable = await findChromium();
const CREATION = { target: 'confluence' as const, method: 'POST', path: '/wiki/rest/api/space/_private' };

describe.skipIf(executable === null)('a run over people', () => {
  const start = useBrowser(executable as string);

  it.each(themes({ width: 1280, dark: false }, { width: 768, dark: true }, { width: 768, dark: false }, { width: 1280, dark: true }))(
    'is tried again for those it failed for, and undone ($width px, dark: $dark)',
    async ({ width, dark }) => {
      const local = await start({ width, dark, people: 10 });
      const { site } = local;
      const suffix = `${dark ? 'dark' : 'light'}-${width}`;
      const archived = () => site.state().spaces.filter(({ type, status }) => type === 'personal' && status === 'archived').length;
      await setPolicy(site, { mode: 'auto' });
      await knowEverybody(site);
      const accountIds = [1, 3, 5, 7].map(accountIdOf);
      const { planId, count } = await adminData(site, 'people.plan', { selection: { kind: 'some', accountIds } });
      const { runId } = await adminData(site, 'people.start', { planId, count, reason: 'New joiners' });
      // One of them gets a space from Confluence in this very moment.
      site.createNatively(accountIdOf(7));
      site.addFault({ ...CREATION, after: 1, times: 999, respond: { status: 500 } });
      await finished(site, runId);
      site.clearFaults();
      const before = archived();

      const admin = await local.openAdmin(ADMIN_ACCOUNT_ID);
      await admin.getByRole('tab', { name: 'Existing people' }).click();
      await admin.getByText('1 created, 0 offered, 1 adopted, 0 left as they are, 2 failed.').waitFor();
      await admin.getByText(/^It can be undone here until .*, 2027\. An adopted space is left alone: it was there before\.$/).waitFor();
      await local.axe();
      await local.picture(`people-failed-${suffix}`);
      await admin.getByRole('button', { name: 'Try the 2 failed ones again' }).click();
      const again = admin.getByText('2 created, 0 offered, 0 adopted, 0 left as they are, 0 failed.');
      await local.advanceUntil('PT6M', () => again.isVisible());
      // Once is enough: another click would find the same run.
      expect(await admin.getByRole('button', { name: /^Try the/ }).count()).toBe(0);

      const runs = admin.getByRole('article', { name: 'Spaces for existing people', exact: true });
      const undo = runs.first().getByRole('button', { name: 'Undo', exact: true });
      await undo.click();
      const dialog = admin.getByRole('dialog', { name: 'Archive up to 2 spaces?' });
      await dialog
        .getByText(
          'Archives the spaces that this run created and nobody has touched. It deletes nothing, and each of them can be restored.',
        )
        .waitFor();
      expect(await dialog.getByRole('textbox').count()).toBe(0);
      await local.axe();
      await local.picture(`people-undo-${suffix}`);
      await dialog.getByRole('button', { name: 'Cancel' }).click();
      await dialog.waitFor({ state: 'detached' });
      expect(archived()).toBe(before);
      await undo.click();
      await dialog.getByRole('button', { name: 'Archive up to 2 spaces' }).click();
      await dialog.waitFor({ state: 'detached' });

      const undoing = admin.getByRole('article', { name: 'Undo of spaces for existing people' });
      await undoing.getByText('Running').waitFor();
      await undoing.getByText('It continues every five minutes.').waitFor();
      await local.advanceUntil('PT6M', () => undoing.getByText('2 archived, 0 left alone, 0 failed.').isVisible());
      expect(archived()).toBe(before + 2);
      await expect.poll(() => undo.count()).toBe(0);
      await undoing.getByRole('button', { name: 'Details' }).click();
      await undoing
        .getByRole('row', { name: /Archived.*Nobody has changed anything in it/ })
        .first()
        .waitFor();
      await local.axe();
      await local.picture(`people-undone-${suffix}`);

      await undoing.getByRole('button', { name: 'Restore these spaces' }).click();
      const restored = admin.getByRole('article', { name: 'Restore' });
      await local.advanceUntil('PT10S', () => restored.getByText('2 restored, 0 left alone, 0 failed.').isVisible());
      await undo.waitFor();
      expect(archived()).toBe(before);
      // A cleanup's own page shows what was archived and restored, and no run over people.
      await admin.getByRole('tab', { name: 'Cleanup' }).click();
      const cleanups = admin.getByRole('tabpanel', { name: 'Cleanup' });
      await cleanups.getByRole('article', { name: 'Undo of spaces for existing people' }).waitFor();
      expect(await cleanups.getByRole('article').count()).toBe(2);
    },
    60_000,
  );

  it.each(themes({ width: 768, dark: true }, { width: 1280, dark: false }, { width: 768, dark: false }, { width: 1280, dark: true }))(
    'has its like for a version of the policy: what people got by it is archived from the history ($width px, dark: $dark)',
    async ({ width, dark }) => {
      const local = await start({ width, dark, people: 10 });
      const { site } = local;
      const suffix = `${dark ? 'dark' : 'light'}-${width}`;
      await knowEverybody(site);
      await setPolicy(site, { mode: 'auto' });
      for (const n of [1, 3, 5]) site.activity({ accountId: accountIdOf(n), views: 1 });
      await site.advance('PT10M');

      const admin = await local.openAdmin(ADMIN_ACCOUNT_ID);
      await admin.getByRole('tab', { name: 'History' }).click();
      await admin.getByRole('button', { name: 'Archive what was created since version 1…' }).click();
      const dialog = admin.getByRole('dialog', { name: 'Archive up to 3 spaces created since version 1?' });
      await dialog.getByText(/^3 of \d+ spaces, \d+%$/).waitFor();
      await dialog.getByText('The policy goes on giving people spaces.').waitFor();
      await local.axe();
      await local.picture(`history-undo-${suffix}`);
      await dialog.getByLabel('Reason').fill('By mistake');
      await dialog.getByRole('button', { name: 'Archive up to 3 spaces' }).click();
      await dialog.waitFor({ state: 'detached' });
      await admin.getByText('The archiving has begun.').waitFor();
      await local.axe();
      await local.picture(`history-undoing-${suffix}`);
      await admin.getByRole('button', { name: 'Show it under Cleanup' }).click();
      const run = admin.getByRole('article', { name: 'Archive what was created since version 1' });
      await run.getByText('Reason: By mistake').waitFor();
      await local.advanceUntil('PT6M', () => run.getByText('3 archived, 0 left alone, 0 failed.').isVisible());
      expect([1, 3, 5].map((n) => site.state().spaces.find(({ ownerId }) => ownerId === accountIdOf(n))?.status)).toEqual(
        Array(3).fill('archived'),
      );
      await local.picture(`history-undone-${suffix}`);
    },
    60_000,
  );
});

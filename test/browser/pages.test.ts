/** Each page of the app in a real browser, used the way an admin or an employee would, and checked with axe. */
import type { FrameLocator } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { ADMIN_ACCOUNT_ID, accountIdOf } from '../emulator/confluence/seed';
import { findChromium } from './chromium';
import { confirm, savePolicy, themes, useBrowser } from './harness';

const executable = await findChromium();
const ANA = accountIdOf(1);

describe.skipIf(executable === null)('in the browser', () => {
  const start = useBrowser(executable as string);
  const save = async (admin: FrameLocator, version: number, reason?: string): Promise<void> => {
    await savePolicy(admin, reason);
    await admin.getByRole('tabpanel').getByText(`Version ${version}, saved by`).waitFor();
  };
  const addRule = async (admin: FrameLocator, name: string, group: string, mode: string): Promise<void> => {
    await admin.getByRole('button', { name: 'Add rule' }).click();
    const dialog = admin.getByRole('dialog', { name: 'New rule' });
    await dialog.getByLabel('Name of the rule').fill(name);
    await dialog.getByLabel('For members of any of these groups').fill(group.slice(0, 3));
    await dialog.getByRole('button', { name: `Add group ${group}: For members` }).click();
    await dialog.getByRole('radio', { name: mode }).check();
    await dialog.getByRole('button', { name: 'Done' }).click();
    await dialog.waitFor({ state: 'detached' });
  };

  it.each(themes({ width: 768, dark: true }, { width: 1280, dark: false }))(
    'rules: created for groups, moved by mouse and by keyboard, simulated and saved ($width px, dark: $dark)',
    async ({ width, dark }) => {
      const local = await start({ width, dark });
      const { page, site } = local;
      const suffix = `${dark ? 'dark' : 'light'}-${width}`;
      const admin = await local.openAdmin(ADMIN_ACCOUNT_ID);
      await addRule(admin, 'Engineers', 'engineering', 'Automatic');
      await addRule(admin, 'Sales people', 'sales', 'Ask');
      await addRule(admin, 'No contractors', 'contractors', 'Off');
      const order = (): Promise<string[]> => admin.locator('.rule strong').allTextContents();
      expect(await order()).toEqual(['Engineers', 'Sales people', 'No contractors']);

      await admin.getByRole('button', { name: 'Move No contractors up' }).focus();
      await page.keyboard.press('Enter');
      expect(await order()).toEqual(['Engineers', 'No contractors', 'Sales people']);
      await admin.getByText('No contractors is now rule 2 of 3.').waitFor();
      await page.keyboard.press('Enter');
      expect(await order()).toEqual(['No contractors', 'Engineers', 'Sales people']);

      await admin.locator('.rule').nth(2).locator('.handle').dragTo(admin.locator('.rule').nth(0));
      await expect.poll(order).toEqual(['Sales people', 'No contractors', 'Engineers']);

      await admin.getByRole('button', { name: 'Edit Engineers' }).click();
      const dialog = admin.getByRole('dialog');
      await dialog.getByLabel('But never for members of').fill('con');
      await dialog.getByRole('button', { name: /Add group contractors: But never/ }).click();
      await local.axe();
      await local.picture(`rule-${suffix}`);
      await dialog.getByRole('button', { name: 'Done' }).click();
      await admin.getByText('Members of engineering but not of contractors').waitFor();
      await admin.getByText(/Homestead is reading who is on this site/).waitFor();
      await local.advanceUntil('PT10M', () => admin.getByText(/Homestead knows \d+ people on this site/).isVisible());
      await admin.getByRole('button', { name: 'Simulate' }).click();
      await admin.getByText('3 groups of this policy were never read').waitFor();
      await local.axe();
      await admin.getByText('3 groups of this policy were never read').scrollIntoViewIfNeeded();
      await local.picture(`bounds-${suffix}`);
      // The number is a bound, and it is the upper one that needs a reason.
      await admin.getByText(/at most \d+ people get a space or an offer; 3 groups were never read\./).waitFor();
      await savePolicy(admin);
      const bounded = admin.getByRole('dialog', { name: /^Save the policy for at most \d+ people\?$/ });
      await bounded.getByRole('button', { name: 'Cancel' }).click();
      await bounded.waitFor({ state: 'detached' });
      await admin.getByRole('button', { name: 'Read these groups' }).click();
      const known = admin.getByText(/\d+ people would be treated differently, of 106/);
      await local.advanceUntil('PT30S', () => known.isVisible());
      expect(await admin.getByText('were never read').count()).toBe(0);
      await local.axe();
      await local.picture(`rules-${suffix}`);
      await save(admin, 1, 'Engineers asked for it');
      const stored = site.state().kvs.entities.policy?.site as { data: { document: { rules: { name: string }[] } } };
      expect(stored.data.document.rules.map((rule) => rule.name)).toEqual(['Sales people', 'No contractors', 'Engineers']);
    },
    60_000,
  );

  it('rollout: an invalid number is reported at its field and cannot be saved; waves have groups and days', async () => {
    const local = await start();
    const admin = await local.openAdmin(ADMIN_ACCOUNT_ID);
    await admin.getByLabel('Percentage of people').fill('');
    await admin.getByLabel('Percentage of people').pressSequentially('150');
    await admin.getByText('A whole number from 0 to 100').waitFor();
    await admin.getByRole('button', { name: 'Save policy' }).click();
    await admin.getByText('The policy can’t be saved like this; nothing was changed').waitFor();
    await admin.getByText('Rollout › Percentage').waitFor();
    await admin.getByLabel('Percentage of people').fill('25');
    await admin.getByLabel('Maximum people a day').fill('40');
    await admin.getByRole('button', { name: 'Add a cohort' }).click();
    await admin.getByLabel('Groups of the cohort').fill('eng');
    await admin.getByRole('button', { name: /Add group engineering/ }).click();
    await admin.getByLabel('First day of the cohort').fill('2026-12-01');
    await local.axe();
    await save(admin, 1);
    const stored = local.site.state().kvs.entities.policy?.site as { data: { document: { rollout: object } } };
    expect(stored.data.document.rollout).toMatchObject({
      percent: 25,
      perDay: 40,
      waves: [{ startsOn: '2026-12-01', groups: [expect.any(String)] }],
    });
  });

  it('policy as text: a mistake is answered with its path and reason, and nothing changes', async () => {
    const local = await start();
    const admin = await local.openAdmin(ADMIN_ACCOUNT_ID);
    await admin.getByRole('button', { name: 'Show the policy as text' }).click();
    const area = admin.getByLabel('The policy as JSON');
    const before = await area.inputValue();
    await area.fill(before.replace('"mode": "off"', '"mode": "sometimes"'));
    await admin.getByRole('button', { name: 'Check and use this text' }).click();
    await admin.getByText('everyoneElse.mode').waitFor();
    await local.axe();
    await local.picture('text-light-1280');
    await area.fill(before.replace('"mode": "off"', '"mode": "ask"'));
    await admin.getByRole('button', { name: 'Check and use this text' }).click();
    await admin.getByText('The text is now on the page. Nothing is saved until you save the policy.').waitFor();
    expect(await admin.getByRole('radio', { name: 'Ask' }).isChecked()).toBe(true);
    await admin.getByRole('button', { name: 'Discard changes' }).click();
    await admin.getByRole('dialog').getByRole('button', { name: 'Discard 1 changed rule' }).click();
    await admin.getByRole('dialog').waitFor({ state: 'detached' });
    expect(await admin.getByRole('radio', { name: 'Off' }).isChecked()).toBe(true);
    expect(local.site.state().kvs.entities.policy).toEqual({});
  });

  it('templates: pages, fields, and a live preview, also for someone else', async () => {
    const local = await start();
    const admin = await local.openAdmin(ADMIN_ACCOUNT_ID);
    await admin.getByRole('tab', { name: 'Templates' }).click();
    await admin.getByText('Preview for Ada Admin').waitFor();
    await admin.getByLabel('Homepage', { exact: true }).selectOption({ label: 'Personal space home' });
    await admin.getByText('This space was set up on').waitFor();
    await admin.getByRole('button', { name: 'Add child page' }).click();
    await admin.getByLabel('Title of child page 1').fill('My checklist');
    await admin.getByLabel('Text of child page 1').selectOption({ label: 'New joiner checklist' });
    await admin.getByRole('button', { name: 'Add child page' }).click();
    await admin.getByRole('button', { name: 'Move Page 2 up' }).click();
    expect(await admin.getByLabel('Title of child page 1').inputValue()).toBe('Page 2');
    await admin.getByRole('button', { name: 'Remove child page 1' }).click();
    expect(await admin.getByLabel('Title of child page 1').inputValue()).toBe('My checklist');
    await admin.getByRole('button', { name: 'Add a detail' }).click();
    await admin.getByLabel('Name of detail 1').fill('My role');
    await admin.getByRole('checkbox', { name: 'Detail 1 is required' }).check();
    await admin.getByRole('button', { name: 'Add a detail' }).click();
    await admin.getByLabel('Name of detail 2').fill('Office');
    await admin.getByLabel('Kind of detail 2').selectOption({ label: 'Choice' });
    await admin.getByLabel('Choices of detail 2').fill('Lisbon\nOslo');
    await admin.getByLabel('See it as someone else').fill('Bo Berg');
    await admin.getByRole('button', { name: 'Find' }).click();
    await admin.getByRole('button', { name: 'Bo Berg', exact: true }).click();
    await admin.getByText('Preview for Bo Berg').waitFor();
    await admin.getByText('Welcome, Bo Berg').waitFor();
    await admin.locator('.page-preview').getByText('Office', { exact: true }).waitFor();
    await local.axe();
    await local.picture('templates-light-1280');
    await save(admin, 1);
    await admin.getByLabel('Name of detail 2').fill('');
    await admin.getByRole('button', { name: 'Save policy' }).click();
    await admin.getByRole('tabpanel').getByText('Templates › Standard › Details › 2 › Name').first().waitFor();
  });

  it('explain, existing people, tombstones: from the question to the spaces and back', async () => {
    const local = await start();
    const { site } = local;
    const admin = await local.openAdmin(ADMIN_ACCOUNT_ID);
    await admin.getByRole('radio', { name: 'Automatic' }).check();
    await save(admin, 1, 'The new year begins');
    await admin.getByRole('tab', { name: 'Explain' }).click();
    await admin.getByLabel('Name of the person').fill('Bo Berg');
    await admin.getByRole('button', { name: 'Find' }).click();
    await admin.getByRole('button', { name: 'Bo Berg', exact: true }).click();
    await admin.getByText('A space is created. The rule creates a space.').waitFor();
    await local.axe();
    await local.picture('explain-light-1280');

    await admin.getByRole('tab', { name: 'Existing people' }).click();
    await local.advance('PT10M');
    await admin.getByRole('button', { name: 'Preview' }).click();
    await admin.getByText(/53 would get a space and none an offer/).waitFor();
    await local.axe();
    await local.picture('people-light-1280');
    await admin.getByRole('button', { name: 'Start for 53 people' }).click();
    await admin.getByRole('dialog', { name: 'Start for 53 people?' }).waitFor();
    await local.axe();
    await local.picture('people-start-light-1280');
    await confirm(admin, 'Start for 53 people', 'New joiners');
    await admin.getByText('Reason: New joiners').waitFor();
    await admin.getByText('Running').waitFor();
    await admin.getByRole('button', { name: 'Pause' }).click();
    await admin.getByText('Paused', { exact: true }).waitFor();
    await admin.getByRole('button', { name: 'Resume' }).click();
    await admin.getByText('Running').waitFor();
    await local.advanceUntil('PT20M', () => admin.getByText('53 created, 0 offered').isVisible());
    await admin.getByRole('button', { name: 'Details' }).click();
    await admin
      .getByRole('row', { name: /Space created/ })
      .first()
      .waitFor();
    await local.axe();
    await local.picture('people-done-light-1280');
    await admin.getByRole('checkbox', { name: 'Only failures' }).check();
    await admin.getByText('Nothing failed.').waitFor();
    await local.axe();

    const space = site.confluence.state.spaces.find((s) => s.ownerId === ANA);
    if (!space) throw new Error('no space');
    await site.confluence.request(
      { kind: 'person', person: site.person(ANA), viaApp: false },
      { method: 'DELETE', url: `/wiki/rest/api/space/${space.key}`, headers: new Headers(), body: undefined },
    );
    await local.advance('PT1M');
    await admin.getByRole('tab', { name: 'Policy' }).click();
    await admin.getByRole('tab', { name: 'Existing people' }).click();
    await admin.getByRole('row', { name: /Bo Berg.*was deleted.*the owner/ }).waitFor();
    await local.axe();
    await admin.getByRole('button', { name: 'Allow again: Bo Berg' }).click();
    await admin.getByText('There are none.').waitFor();
  }, 60_000);

  it('history: who changed what, and a version that is restored', async () => {
    const local = await start();
    const admin = await local.openAdmin(ADMIN_ACCOUNT_ID);
    await admin.getByRole('radio', { name: 'Ask' }).check();
    await save(admin, 1, 'Let us begin');
    await admin.getByRole('radio', { name: 'Automatic' }).check();
    await save(admin, 2, 'Nobody answers');
    await local.advance('PT5S');
    await admin.getByRole('tab', { name: 'History' }).click();
    await admin.getByText('Everyone else › Mode: ask → auto').waitFor();
    await local.axe();
    await local.picture('history-light-1280');
    await admin.getByRole('button', { name: 'Go back to version 1' }).click();
    const dialog = admin.getByRole('dialog', { name: 'Go back to version 1?' });
    await dialog.getByText('Everyone else › Mode: auto → ask').waitFor();
    await local.axe();
    await local.picture('history-back-light-1280');
    await confirm(admin, 'Go back to version 1', 'Too fast');
    await admin.getByRole('article', { name: 'Version 3' }).getByText('Reason: Too fast').waitFor();
    await admin.getByRole('tab', { name: 'Policy' }).click();
    expect(await admin.getByRole('radio', { name: 'Ask' }).isChecked()).toBe(true);
  });

  it('site check: run with consent, with its findings shown where the policy is edited', async () => {
    const local = await start({ settings: { roleMode: 'PRE_ROLES', asUserPersonalCreate: 'refused' } });
    const admin = await local.openAdmin(ADMIN_ACCOUNT_ID);
    await admin.getByText('On this site, apps can’t change permissions later').waitFor();
    await admin.getByRole('tab', { name: 'Site check' }).click();
    await admin.getByRole('checkbox', { name: /Also try what creates something/ }).check();
    await admin.getByRole('button', { name: 'Run all checks' }).click();
    await admin.getByText('Confluence refused:').waitFor();
    await admin.getByText('Jobs have used').waitFor();
    await admin.getByText('Both work.').waitFor();
    await expect.poll(() => admin.getByRole('button', { name: 'Run: This hour’s rate-limit points' }).isEnabled()).toBe(true);
    await local.axe();
    await local.picture('site-light-1280');
    await admin.getByRole('tab', { name: 'Policy' }).click();
    await admin.getByText('The site check found no call that lets this app create personal spaces here.').waitFor();
    await local.axe();
  });

  it('a reinstall: promises are downloaded, everything begins paused, they are brought back, and it resumes', async () => {
    const local = await start();
    const { site } = local;
    const policy = { everyoneElse: { mode: 'auto', access: 'licensed' } };
    await site.invoke({ module: 'admin', functionKey: 'policy.save', payload: { policy, baseVersion: 0 }, accountId: ADMIN_ACCOUNT_ID });
    site.activity({ accountId: ANA, views: 1 });
    await local.advance('PT1M');
    const before = await local.openAdmin(ADMIN_ACCOUNT_ID);
    await before.getByRole('tab', { name: 'Site check' }).click();
    const downloading = local.page.waitForEvent('download');
    await before.getByRole('button', { name: 'Download promises' }).click();
    const file = await (await downloading).path();

    site.changeApp({ act: 'uninstall' });
    site.changeApp({ act: 'install' });
    const admin = await local.openAdmin(ADMIN_ACCOUNT_ID);
    await admin.getByText('Homestead has been on this site before').waitFor();
    await local.axe();
    await local.picture('reinstall-light-1280');
    await admin.locator('input[type=file][accept="application/json"]').first().setInputFiles(file);
    await admin.getByText('One promise imported.').waitFor();
    await admin.getByRole('button', { name: 'Resume now' }).click();
    await admin.getByText('Homestead has been on this site before').waitFor({ state: 'detached' });
    await admin.getByRole('button', { name: 'Pause everything now' }).waitFor();
    expect(site.state().kvs.entities.policy?.site).toMatchObject({ revision: 2, data: { document: { paused: false } } });
  });

  it.each(themes({ width: 1280, dark: true }, { width: 768, dark: false }))(
    'my space: creation, details with a mistake, access and privacy ($width px, dark: $dark)',
    async ({ width, dark }) => {
      const local = await start({ width, dark });
      const { site } = local;
      const suffix = `${dark ? 'dark' : 'light'}-${width}`;
      const fields = [
        { key: 'role', label: 'My role', kind: 'text', required: true, help: 'As on your badge' },
        { key: 'office', label: 'Office', kind: 'select', options: ['Lisbon', 'Oslo'] },
      ];
      const policy = { everyoneElse: { mode: 'off', selfService: true }, templates: [{ key: 'standard', name: 'Standard', fields }] };
      await site.invoke({ module: 'admin', functionKey: 'policy.save', payload: { policy, baseVersion: 0 }, accountId: ADMIN_ACCOUNT_ID });
      const mine = await local.openMySpace(ANA);
      await mine.getByText('You can create your space here.').waitFor();
      await local.axe();
      await mine.getByRole('button', { name: 'Create my space' }).click();
      await mine.getByText('Homestead created this space for you.').waitFor();
      await mine.getByText('Only you.').waitFor();
      await mine.getByRole('button', { name: 'Save details' }).click();
      await mine.getByText('Enter something here.').waitFor();
      await local.axe();
      await mine.getByLabel('My role (required)').fill('Engineer');
      await mine.getByLabel('Office').selectOption('Oslo');
      await mine.getByRole('button', { name: 'Save details' }).click();
      await mine.getByText('Saved. The table on your homepage is up to date.').waitFor();
      await mine.getByRole('button', { name: 'Let everyone with a license read it' }).click();
      await mine.getByText('Everyone with a Confluence license here can read it.').waitFor();
      await mine.getByRole('button', { name: 'Make it private' }).click();
      await mine.getByText('Only you.').waitFor();
      await mine.getByRole('button', { name: 'Show everything' }).click();
      await mine.getByText('Space key').waitFor();
      await local.axe();
      await local.picture(`my-space-${suffix}`);
      // The owner edits a cell on the page while the form is open.
      await local.advance('PT3S');
      const home = [...site.confluence.state.content.values()].find(({ body }) => body.includes('<th>Office</th><td>Oslo</td>'));
      if (home) home.body = home.body.replace('<td>Oslo</td>', '<td>Oslo, third floor</td>');
      await mine.getByLabel('Office').selectOption('Lisbon');
      await mine.getByRole('button', { name: 'Save details' }).click();
      await mine.getByText('Your homepage now says “Oslo, third floor” here').waitFor();
      await mine.getByText('Saved, except for the marked fields.').waitFor();
      await local.axe();
      await mine.getByRole('button', { name: 'Go to my space' }).click();
      await local.page.getByRole('heading', { name: 'Hello, I am Bo Berg' }).waitFor();
      await local.page.getByRole('article').getByText('Engineer').waitFor();
    },
    60_000,
  );

  it('my space: declined and undone, in Spanish', async () => {
    const local = await start();
    local.site.changePerson(ANA, { locale: 'es_ES' });
    const policy = { everyoneElse: { mode: 'auto' } };
    await local.site.invoke({
      module: 'admin',
      functionKey: 'policy.save',
      payload: { policy, baseVersion: 0 },
      accountId: ADMIN_ACCOUNT_ID,
    });
    const mine = await local.openMySpace(ANA);
    await mine.getByRole('heading', { name: 'Mi espacio personal' }).waitFor();
    await mine.getByRole('button', { name: 'No, gracias' }).click();
    await mine.getByText('Respondiste que no quieres un espacio personal. Puedes cambiar de idea.').waitFor();
    await local.axe();
    await mine.getByRole('button', { name: 'Preguntarme más adelante' }).click();
    await mine.getByText('Tu espacio se creará la próxima vez que abras una página.').waitFor();
  });

  it('the admin page in Spanish has no English sentences', async () => {
    const local = await start();
    local.site.changePerson(ADMIN_ACCOUNT_ID, { locale: 'es_ES' });
    const admin = await local.openAdmin(ADMIN_ACCOUNT_ID);
    const English = /\b(the|and|with|people|space|nobody|save|policy)\b/i;
    for (const tab of ['Política', 'Plantillas', 'Explicar', 'Personas existentes', 'Actividad', 'Limpieza', 'Historial', 'Comprobación']) {
      await admin.getByRole('tab', { name: tab, exact: true }).click();
      await admin.getByRole('tabpanel').getByRole('heading').first().waitFor();
      const shown = await admin.getByRole('tabpanel').innerText();
      // Templates keep the names that the site's admins gave them.
      expect(
        shown
          .split('\n')
          .filter((line) => line !== 'Personal space home' && English.test(line.replace(/name, date, spaceName y spaceKey/, ''))),
      ).toEqual([]);
    }
  });
});

/** The directory: what it knows of a site, how it learns that, and what lists say. */
import { describe, expect, it } from 'vitest';
import { differences, nextReading } from '../support/directory';
import { startSite } from '../support/site';

const filled = async (options: Parameters<typeof startSite>[0] = {}) => {
  const site = startSite(options);
  await site.fillDirectory();
  return site;
};

describe('equals the site', () => {
  it('ten minutes after the app was installed', async () => {
    const site = startSite();
    await site.advance('PT5M');
    await site.advance('PT5M');
    expect(await differences(site)).toEqual([]);
    await nextReading(site);
    expect(await differences(site)).toEqual([]);
  });

  it.each([
    ['archived spaces are not named by user records', { personalSpaceIdNamesArchived: false }],
    ['owners are not sent', { spaceOwnerIdSent: false }],
    ['the app administers every space', { appIsSpaceAdmin: 'always' }],
  ] as const)('where %s', async (_what, settings) => {
    const site = await filled({ settings });
    expect(await differences(site)).toEqual([]);
    await nextReading(site);
    expect(await differences(site)).toEqual([]);
  });
});

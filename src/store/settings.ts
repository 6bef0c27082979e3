/** What the site's admins chose besides the policy. */
import { z } from 'zod';
import { readRegister, writeRegister } from './register';

export const Settings = z.strictObject({
  /** Whether the directory keeps the day of the last visit by somebody other than the owner. */
  visits: z.boolean().default(false),
});
export type Settings = z.infer<typeof Settings>;

const Stored = Settings.extend({ schemaVersion: z.literal(1) });
const NOTHING_CHOSEN: z.infer<typeof Stored> = { schemaVersion: 1, ...Settings.parse({}) };

const read = () => readRegister('settings', Stored, NOTHING_CHOSEN);

export async function readSettings(): Promise<Settings> {
  const { schemaVersion, ...settings } = (await read()).data;
  return settings;
}

/** @throws StaleRecord */
export async function writeSettings(settings: Settings): Promise<void> {
  await writeRegister({ ...(await read()), data: { schemaVersion: 1, ...settings } });
}

/** The hour's points as the app has them on record. */
import { type BudgetClass, newHour } from '../../src/domain/budget';
import type { LocalSite } from '../emulator/site';

export const hourKey = (site: LocalSite): string => `hour:${site.clock.iso().slice(0, 13)}`;

/** The hour as it is when others of the site's processes have taken so much. */
export function spendHour(site: LocalSite, byClass: Partial<Record<BudgetClass, number>>, quota = 65_000): void {
  const hour = newHour(quota);
  site.platform.kvs.put('counter', hourKey(site), {
    revision: 1,
    data: { schemaVersion: 1, ...hour, byClass: { ...hour.byClass, ...byClass } },
  });
  // No process remembers the hour as it was.
  site.platform.restart();
}

/** Nine in the morning after the switch-on: many people come in within an hour, each with one page view. */
import type { LocalSite } from '../emulator/site';
import type { Usage } from '../emulator/usage';
import { adminData, setPolicy } from './site';

const HOUR_MS = 3_600_000;
/** How long nobody has to be served until the rest count as lost. An event is delivered again for little more than an hour. */
const PATIENCE_HOURS = 4;
const LONGEST_HOURS = 48;

/** Points that jobs have spent: they have their own, and are not part of what people cost. */
export const pointsOfJobs = ({ rest }: Usage): number =>
  Object.entries(rest.byModule).reduce((sum, [name, { points }]) => sum + (name.startsWith('consumer:') ? points : 0), 0);

export interface Arrivals {
  served: number;
  lost: number;
  /** Retries of events that the app has asked for, for each of those who came. */
  retriesAPerson: number;
  impersonationsRefused: number;
  /** From the first arrival to the last person served. */
  hours: number;
  /** Points of everything but jobs, for each person served. */
  pointsAPerson: number;
  /** Hours that these points take, if events use all that they may have, and if they had the whole quota. */
  allowedHours: number;
  allowedHoursOfQuota: number;
  /** `hours` of those. */
  ratio: number;
  ratioOfQuota: number;
  pointsByHour: number[];
}

/** Fills the directory, switches Homestead on for everybody, and moves the clock to a full hour, when the hour's points are new. */
export async function switchOn(site: LocalSite): Promise<void> {
  await site.fillDirectory();
  await setPolicy(site, { mode: 'auto' });
  await toFullHour(site);
  await toFullHour(site);
}

/** @param count how many people come; the site may have more */
export async function arrive(site: LocalSite, count: number, views = 1): Promise<Arrivals> {
  const { quota, byClass } = await adminData(site, 'budget.get', {});
  const share = byClass.find((one) => one.class === 'events')?.limit ?? quota;
  site.resetUsage();
  const begunAt = site.clock.now();
  const { people } = site.activity({ count, spread: 'PT1H', views });
  if (people !== count) throw new Error(`only ${people} people came`);
  const served = await untilNobodyMore(site, count);

  const usage = site.usage();
  const { rest, invocations } = usage;
  const retries = Object.values(invocations).reduce((sum, one) => sum + one.retries, 0);
  const pointsAPerson = (rest.points - pointsOfJobs(usage)) / served.length;
  const hours = (Math.max(...served) - begunAt) / HOUR_MS;
  const [allowedHours, allowedHoursOfQuota] = [share, quota].map((perHour) => Math.max(1, (count * pointsAPerson) / perHour)) as [
    number,
    number,
  ];
  return {
    ...{ served: served.length, lost: count - served.length, retriesAPerson: retries / count },
    ...{ impersonationsRefused: rest.impersonationsRefused, hours, pointsAPerson, allowedHours, allowedHoursOfQuota },
    ...{ ratio: hours / allowedHours, ratioOfQuota: hours / allowedHoursOfQuota, pointsByHour: Object.values(rest.hours) },
  };
}

async function toFullHour(site: LocalSite): Promise<void> {
  await site.advance(`PT${(HOUR_MS - (site.clock.now() % HOUR_MS)) / 1000}S`);
}

/** @returns when each of those who were served had their space (ms) */
async function untilNobodyMore(site: LocalSite, count: number): Promise<number[]> {
  let served: number[] = [];
  for (let hour = 0, idle = 0; hour < LONGEST_HOURS && idle < PATIENCE_HOURS && served.length < count; hour += 1) {
    await site.advance('PT1H');
    const before = served.length;
    served = servedAt(site);
    idle = served.length === before ? idle + 1 : 0;
  }
  return served;
}

function servedAt(site: LocalSite): number[] {
  const people = Object.values(site.platform.kvs.dump().entities.person ?? {}) as { state: string; changedAt: number }[];
  return people.flatMap(({ state, changedAt }) => (state === 'ready' ? [changedAt] : []));
}

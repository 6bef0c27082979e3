/** The hour after the switch-on: a fifth of a large site comes in, and everybody gets a space. */
import { type Arrivals, arrive, switchOn } from '../support/herd';
import { endSite, startQuietly } from './filling';
import { against, counted, judged, row } from './table';

const SIZE = Number(process.env.BENCH_SIZE ?? 100_000);
const ARRIVING = SIZE / 5;
/** As large a part of the usual quota as the site is of the usual site. */
const QUOTA = Math.round((65_000 * SIZE) / 100_000);

const RATIO = 1.25;
const RETRIES = 0.1;

/** Two parts, because each takes minutes. */
export const arrivals = (): Promise<void> => arrivalsWith(false);
export const arrivalsAdopted = (): Promise<void> => arrivalsWith(true);

async function arrivalsWith(nativeAutoCreate: boolean): Promise<void> {
  const site = startQuietly({
    ...{ seed: 'scale', people: SIZE + 1, spaces: 0 },
    settings: { nativeAutoCreate, hourlyPoints: QUOTA },
  });
  await switchOn(site);
  const measured = await arrive(site, ARRIVING);
  endSite(site);
  print(measured, nativeAutoCreate);
}

function print(measured: Arrivals, nativeAutoCreate: boolean): void {
  const { served, lost, retriesAPerson, impersonationsRefused, hours, pointsAPerson, pointsByHour } = measured;
  console.log(
    `\n${counted(ARRIVING)} of ${counted(SIZE)} people arrive within an hour, one view each; ${nativeAutoCreate ? 'Confluence creates their spaces at that view' : 'Homestead creates their spaces'}; ${counted(QUOTA)} points an hour`,
  );
  row('', 'measured', 'goal');
  row('served', counted(served));
  against('lost', lost, 0);
  against('retries of events a person', retriesAPerson, RETRIES, 3);
  row('requests refused for want of an impersonation token', counted(impersonationsRefused));
  row('points a person served, jobs apart', pointsAPerson.toFixed(2));
  row('hours until the last one was served', hours.toFixed(2));
  row('  hours for which the points of events are enough', measured.allowedHours.toFixed(2));
  row('  hours for which the whole quota is enough', measured.allowedHoursOfQuota.toFixed(2));
  // A ratio of those who were served says nothing of those who were not.
  if (lost === 0) against('time needed, of that which the points of events allow', measured.ratio, RATIO, 2);
  else
    row('time needed, of that which the points of events allow', '-', `≤ ${RATIO.toFixed(2)}`, judged(false), 'not everybody was served');
  row('  of that which the whole quota allows', lost === 0 ? measured.ratioOfQuota.toFixed(2) : '-');
  row('points in each hour', pointsByHour.map(counted).join(' · '));
}

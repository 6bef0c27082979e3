/** Every kind of job, and what does its work. */
import { archiveRunner, restoreRunner, surveyRunner } from '../cleanup/jobs';
import { censusRunner } from '../existing-people/census';
import { provisionRunner } from '../existing-people/provision-job';
import type { JobRunner } from './job';
import type { JobKind } from './store';

export const runners: Record<Exclude<JobKind, 'plan'>, JobRunner> = {
  survey: surveyRunner,
  archive: archiveRunner,
  restore: restoreRunner,
  census: censusRunner,
  provision: provisionRunner,
};

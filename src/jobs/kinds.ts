/** Every kind of job, and what does its work. */
import { archiveRunner, restoreRunner, surveyRunner } from '../cleanup/jobs';
import { provisionRunner } from '../people/batch';
import { censusRunner } from '../people/census';
import type { JobKind } from '../store/jobs';
import type { JobRunner } from './job';

export const runners: Record<Exclude<JobKind, 'plan'>, JobRunner> = {
  survey: surveyRunner,
  archive: archiveRunner,
  restore: restoreRunner,
  census: censusRunner,
  provision: provisionRunner,
};

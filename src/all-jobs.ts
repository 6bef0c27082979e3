/** Every kind of job that the engine runs. */
import { archive, restore, survey } from './cleanup/jobs';
import { reading } from './directory/reading';
import { provisionExisting } from './existing-people/provision-job';

export const JOBS = [survey, archive, restore, provisionExisting, reading];

/** Every kind of job that the engine runs. */
import { archive, restore } from './cleanup/jobs';
import { reading } from './directory/reading';
import { census } from './existing-people/census';
import { provisionExisting } from './existing-people/provision-job';

export const JOBS = [archive, restore, census, provisionExisting, reading];

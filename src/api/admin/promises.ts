/** Promises as a file: taken along before Homestead is uninstalled, and brought back afterwards. */
import { z } from 'zod';
import { exportPromises, importPromises, PromiseRow } from '../../privacy/promises';
import { readFirstStart } from '../../store/site-facts';
import { define } from '../define';
import { Cursor, Nothing } from '../inputs';
import { MAX_PROMISE_ROWS } from '../limits';
import { administers, administersNow } from '../standing';

export const promiseFunctions = {
  /** What the first start of this installation found; null = it was not finished. */
  'promises.state': define({
    input: Nothing,
    authorise: administers,
    handle: async () => ({ firstStart: await readFirstStart() }),
  }),
  'promises.export': define({
    input: z.strictObject({ cursor: Cursor }),
    authorise: administers,
    handle: ({ cursor }) => exportPromises(cursor, MAX_PROMISE_ROWS),
  }),
  'promises.import': define({
    input: z.strictObject({ rows: z.array(PromiseRow).max(MAX_PROMISE_ROWS) }),
    authorise: administersNow,
    handle: ({ rows }, { accountId }) => importPromises(rows, accountId, Date.now()),
  }),
};

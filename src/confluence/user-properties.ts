/** Notices are raised by user properties, which the background script's display condition reads. */
import { route } from '@forge/api';
import { asApp, ask, failure } from './call';

/** The property that manifest.yml's display condition names. */
const NOTICE_PROPERTY = 'homestead-notice';

/** Makes the background script load for this person. Idempotent. */
export async function raiseNotice(accountId: string): Promise<void> {
  const operation = 'raise notice';
  const response = await ask(operation, () =>
    asApp().requestConfluence(route`/wiki/rest/api/user/${accountId}/property/${NOTICE_PROPERTY}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ value: { pending: 'true' } }),
    }),
  );
  if (response.status === 409) return;
  if (!response.ok) throw await failure(operation, response);
}

/** Stops the background script from loading for this person. Idempotent. */
export async function clearNotice(accountId: string): Promise<void> {
  const operation = 'clear notice';
  const response = await ask(operation, () =>
    asApp().requestConfluence(route`/wiki/rest/api/user/${accountId}/property/${NOTICE_PROPERTY}`, { method: 'DELETE' }),
  );
  if (response.status === 404) return;
  if (!response.ok) throw await failure(operation, response);
}

/** Whether the background script loads for this person. */
export async function hasNotice(accountId: string): Promise<boolean> {
  const operation = 'read notice';
  const response = await ask(operation, () =>
    asApp().requestConfluence(route`/wiki/rest/api/user/${accountId}/property/${NOTICE_PROPERTY}`),
  );
  if (response.status === 404) return false;
  if (!response.ok) throw await failure(operation, response);
  return true;
}

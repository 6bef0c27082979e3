/** What a person started on a page: which of several actions is running, and why the last one failed. */
import { useState } from 'react';

export function useAttempt<What extends string>() {
  const [busy, setBusy] = useState<What | null>(null);
  const [error, setError] = useState<unknown>(null);
  const attempt = async (what: What, action: () => Promise<void>): Promise<void> => {
    setBusy(what);
    setError(null);
    try {
      await action();
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(null);
    }
  };
  return { busy, error, attempt };
}

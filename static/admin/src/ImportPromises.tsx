/** Brings promises back from the file that was downloaded before an uninstall. */
import Button from '@atlaskit/button/new';
import { useRef, useState } from 'react';
import { MAX_PROMISE_ROWS } from '../../../src/api/limits';
import type { Imported, PromiseRow } from '../../../src/privacy/promises';
import { useAttempt } from '../../shared/attempt';
import { callAdmin } from '../../shared/call';
import { Failure } from '../../shared/feedback';
import { text } from '../../shared/text';

/** null: the file is something else. The functions check the rows themselves. */
async function readRows(file: File): Promise<PromiseRow[] | null> {
  try {
    const { rows } = JSON.parse(await file.text()) as { rows?: unknown };
    return Array.isArray(rows) ? (rows as PromiseRow[]) : null;
  } catch {
    return null;
  }
}

async function send(rows: PromiseRow[]): Promise<Imported> {
  const sum = { written: 0, kept: 0 };
  for (let from = 0; from < rows.length; from += MAX_PROMISE_ROWS) {
    const { written, kept } = await callAdmin('promises.import', { rows: rows.slice(from, from + MAX_PROMISE_ROWS) });
    sum.written += written;
    sum.kept += kept;
  }
  return sum;
}

export function ImportPromises() {
  const chooser = useRef<HTMLInputElement>(null);
  const { busy, error, attempt } = useAttempt<'import'>();
  const [result, setResult] = useState<Imported | 'unreadable' | null>(null);
  const take = async (file: File): Promise<void> => {
    setResult(null);
    const rows = await readRows(file);
    setResult(rows === null ? 'unreadable' : await send(rows));
  };
  return (
    <>
      <Button isLoading={busy !== null} onClick={() => chooser.current?.click()}>
        {text('promises.file.choose')}
      </Button>
      <input
        ref={chooser}
        type="file"
        accept="application/json"
        hidden
        onChange={(event) => {
          const file = event.currentTarget.files?.[0];
          if (file) void attempt('import', () => take(file));
          // The same file may be chosen again.
          event.currentTarget.value = '';
        }}
      />
      <div role="status">
        {result === 'unreadable' && text('promises.file.unreadable')}
        {result !== null && result !== 'unreadable' && text('promises.file.done', { ...result })}
      </div>
      {error !== null && <Failure error={error} />}
    </>
  );
}

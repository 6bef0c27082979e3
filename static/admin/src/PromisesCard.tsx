/** What an admin does before uninstalling Homestead, and after installing it again. */
import Button from '@atlaskit/button/new';
import SectionMessage from '@atlaskit/section-message';
import { useRef, useState } from 'react';
import { MAX_PROMISE_ROWS } from '../../../src/api/limits';
import type { Imported, PromiseRow } from '../../../src/privacy/promises';
import { Card } from '../../shared/Card';
import { callAdmin } from '../../shared/call';
import { Failure } from '../../shared/feedback';
import { text } from '../../shared/text';

const FILE_NAME = 'homestead-promises.json';

async function download(): Promise<void> {
  const rows: PromiseRow[] = [];
  let cursor: string | undefined;
  do {
    const page = await callAdmin('promises.export', cursor === undefined ? {} : { cursor });
    rows.push(...page.rows);
    cursor = page.next ?? undefined;
  } while (cursor !== undefined);
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([JSON.stringify({ rows })], { type: 'application/json' }));
  link.download = FILE_NAME;
  link.click();
  URL.revokeObjectURL(link.href);
}

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

export function PromisesCard() {
  const chooser = useRef<HTMLInputElement>(null);
  const [isBusy, setBusy] = useState(false);
  const [result, setResult] = useState<Imported | 'unreadable' | null>(null);
  const [error, setError] = useState<unknown>(null);
  const attempt = (work: () => Promise<void>): void => {
    setBusy(true);
    setError(null);
    setResult(null);
    work()
      .catch(setError)
      .finally(() => setBusy(false));
  };
  const take = async (file: File): Promise<void> => {
    const rows = await readRows(file);
    setResult(rows === null ? 'unreadable' : await send(rows));
  };
  return (
    <Card id="promises-file" heading={text('promises.file.heading')}>
      <SectionMessage appearance="warning">
        <p className="text">{text('promises.file.text')}</p>
      </SectionMessage>
      <div className="row">
        <Button isDisabled={isBusy} onClick={() => attempt(download)}>
          {text('promises.file.download')}
        </Button>
        <Button isDisabled={isBusy} onClick={() => chooser.current?.click()}>
          {text('promises.file.choose')}
        </Button>
        <input
          ref={chooser}
          type="file"
          accept="application/json"
          hidden
          onChange={(event) => {
            const file = event.currentTarget.files?.[0];
            if (file) attempt(() => take(file));
            // The same file may be chosen again.
            event.currentTarget.value = '';
          }}
        />
      </div>
      <div role="status">
        {result === 'unreadable' && text('promises.file.unreadable')}
        {result !== null && result !== 'unreadable' && text('promises.file.done', { ...result })}
      </div>
      {error !== null && <Failure error={error} />}
    </Card>
  );
}

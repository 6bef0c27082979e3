/** What an admin does before uninstalling Homestead, and after installing it again. */
import Button from '@atlaskit/button/new';
import SectionMessage from '@atlaskit/section-message';
import { useAttempt } from '../../shared/attempt';
import { Card } from '../../shared/Card';
import { callAdmin, everyRow } from '../../shared/call';
import { Failure } from '../../shared/feedback';
import { text } from '../../shared/text';
import { ImportPromises } from './ImportPromises';

const FILE_NAME = 'homestead-promises.json';

async function download(): Promise<void> {
  const rows = await everyRow((from) => callAdmin('promises.export', from));
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([JSON.stringify({ rows })], { type: 'application/json' }));
  link.download = FILE_NAME;
  link.click();
  URL.revokeObjectURL(link.href);
}

export function PromisesCard() {
  const { busy, error, attempt } = useAttempt<'download'>();
  return (
    <Card id="promises-file" heading={text('promises.file.heading')}>
      <SectionMessage appearance="warning">
        <p className="text">{text('promises.file.text')}</p>
      </SectionMessage>
      <div className="row">
        <Button isLoading={busy !== null} onClick={() => void attempt('download', download)}>
          {text('promises.file.download')}
        </Button>
        <ImportPromises />
      </div>
      {error !== null && <Failure error={error} />}
    </Card>
  );
}

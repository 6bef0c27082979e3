/** Where the hour's points went, highest class first. */
import DynamicTable from '@atlaskit/dynamic-table';
import type { HourReport } from '../../../src/forge/budget';
import { Card } from '../../shared/Card';
import { callAdmin } from '../../shared/call';
import { Failure, Waiting } from '../../shared/feedback';
import { useLoaded } from '../../shared/load';
import { formatNumber, type TextKey, text } from '../../shared/text';

export function HourBudget() {
  const { loaded, reload } = useLoaded<HourReport>(() => callAdmin('budget.get', {}));
  return (
    <Card id="budget" heading={text('budget.heading')}>
      {loaded.state === 'loading' && <Waiting />}
      {loaded.state === 'failed' && <Failure error={loaded.error} onRetry={reload} />}
      {loaded.state === 'ready' && <Hour hour={loaded.data} />}
    </Card>
  );
}

function Hour({ hour }: { hour: HourReport }) {
  const { byClass, limit, quota, spent, resetsAt, blockedUntil } = hour;
  const others = quota - limit;
  return (
    <>
      <p className="text">{text('budget.text', { spent: formatNumber(spent), limit: formatNumber(limit), resetsAt })}</p>
      {others > 0 && <p className="text">{text('budget.others', { others: formatNumber(others), quota: formatNumber(quota) })}</p>}
      {blockedUntil !== null && <p className="text">{text('budget.blocked', { until: blockedUntil })}</p>}
      <DynamicTable
        label={text('budget.heading')}
        head={{
          cells: [
            { key: 'for', content: text('budget.for') },
            { key: 'spent', content: text('budget.spent') },
            { key: 'limit', content: text('budget.limit') },
          ],
        }}
        rows={byClass.map((one) => ({
          key: one.class,
          cells: [
            { key: 'for', content: text(`budget.class.${one.class}` as TextKey) },
            { key: 'spent', content: formatNumber(one.spent) },
            { key: 'limit', content: formatNumber(one.limit) },
          ],
        }))}
      />
    </>
  );
}

import Heading from '@atlaskit/heading';
import Tabs, { Tab, TabList, TabPanel } from '@atlaskit/tabs';
import type { PolicyView } from '../../../src/contract';
import { CallError, callAdmin } from '../../shared/call';
import { text } from '../../shared/text';
import { ActivityTab } from './ActivityTab';
import { CleanupTab } from './CleanupTab';
import { Failure, Waiting } from './feedback';
import { useLoaded } from './load';
import { PolicyTab } from './PolicyTab';

export function App() {
  const policy = useLoaded<PolicyView>(() => callAdmin('policy.get', {}));
  return (
    <main className="page">
      <div className="tight">
        <Heading size="large" as="h1">
          {text('admin.title')}
        </Heading>
        <p className="subtle">{text('admin.intro')}</p>
      </div>
      <Content policy={policy} />
    </main>
  );
}

function Content({ policy }: { policy: ReturnType<typeof useLoaded<PolicyView>> }) {
  const { loaded, reload, set } = policy;
  if (loaded.state === 'loading') return <Waiting />;
  if (loaded.state === 'failed') {
    // Asking again does not make anybody an administrator.
    const isFinal = loaded.error instanceof CallError && loaded.error.code === 'not-admin';
    return <Failure error={loaded.error} {...(isFinal ? {} : { onRetry: reload })} />;
  }
  return (
    <Tabs id="homestead" shouldUnmountTabPanelOnChange={false}>
      <TabList>
        <Tab>{text('admin.tab.policy')}</Tab>
        <Tab>{text('admin.tab.activity')}</Tab>
        <Tab>{text('admin.tab.cleanup')}</Tab>
      </TabList>
      <TabPanel>
        <PolicyTab stored={loaded.data} onSaved={set} />
      </TabPanel>
      <TabPanel>
        <ActivityTab />
      </TabPanel>
      <TabPanel>
        <CleanupTab />
      </TabPanel>
    </Tabs>
  );
}

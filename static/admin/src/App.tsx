import Heading from '@atlaskit/heading';
import Tabs, { Tab, TabList, TabPanel } from '@atlaskit/tabs';
import { lazy, type ReactNode, Suspense, useState } from 'react';
import type { PolicyView } from '../../../src/api/admin/policy';
import { CallError, callAdmin } from '../../shared/call';
import { Failure, Waiting } from '../../shared/feedback';
import { useLoaded } from '../../shared/load';
import { text } from '../../shared/text';
import { PolicyTab } from './PolicyTab';
import { useDraft } from './policy-draft';
import { useSimulation } from './simulation';
import { UnreadablePolicy } from './UnreadablePolicy';

const EarlierInstallation = lazy(async () => ({ default: (await import('./EarlierInstallation')).EarlierInstallation }));
const TemplatesTab = lazy(async () => ({ default: (await import('./TemplatesTab')).TemplatesTab }));
const ExplainTab = lazy(async () => ({ default: (await import('./ExplainTab')).ExplainTab }));
const PeopleTab = lazy(async () => ({ default: (await import('./PeopleTab')).PeopleTab }));
const ActivityTab = lazy(async () => ({ default: (await import('./ActivityTab')).ActivityTab }));
const CleanupTab = lazy(async () => ({ default: (await import('./CleanupTab')).CleanupTab }));
const HistoryTab = lazy(async () => ({ default: (await import('./HistoryTab')).HistoryTab }));
const SiteCheckTab = lazy(async () => ({ default: (await import('./SiteCheckTab')).SiteCheckTab }));

/** Each tab's id is this and its place. */
const TABS = 'homestead';

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
    // Retrying does not make anyone an administrator.
    const isFinal = loaded.error instanceof CallError && loaded.error.code === 'not-admin';
    return <Failure error={loaded.error} {...(isFinal ? {} : { onRetry: reload })} />;
  }
  return <Pages stored={loaded.data} onSaved={set} />;
}

function Pages({ stored, onSaved }: { stored: PolicyView; onSaved: (policy: PolicyView) => void }) {
  const draft = useDraft(stored, onSaved);
  const simulation = useSimulation(draft);
  // What these tabs show may change while another tab is open, so each visit reloads it.
  const [visit, setVisit] = useState(0);
  const [selected, setSelected] = useState(0);
  /** The run that was begun on another tab: lists of runs lag behind. */
  const [begun, setBegun] = useState<string | null>(null);
  const open = (index: number): void => {
    setSelected(index);
    setVisit((n) => n + 1);
  };
  const isReadable = stored.kind !== 'unreadable';
  const policyPage = isReadable ? (
    <PolicyTab draft={draft} simulation={simulation} />
  ) : (
    <UnreadablePolicy stored={stored} onSaved={onSaved} />
  );
  const pages: [key: Parameters<typeof text>[0], page: ReactNode][] = [
    ['admin.tab.policy', policyPage],
    ['admin.tab.templates', isReadable ? <TemplatesTab draft={draft} simulation={simulation} /> : policyPage],
    ['admin.tab.explain', <ExplainTab key="explain" />],
    [
      'admin.tab.people',
      <PeopleTab key={`people ${visit}`} stored={stored} isChanged={draft.isChanged} onSiteCheck={() => goTo('admin.tab.site')} />,
    ],
    ['admin.tab.activity', <ActivityTab key={`activity ${visit}`} />],
    ['admin.tab.cleanup', <CleanupTab key={`cleanup ${begun}`} begun={begun} />],
    [
      'admin.tab.history',
      <HistoryTab
        key="history"
        stored={stored}
        isChanged={draft.isChanged}
        onSaved={onSaved}
        onCleanup={(runId) => {
          setBegun(runId);
          goTo('admin.tab.cleanup');
        }}
      />,
    ],
    ['admin.tab.site', <SiteCheckTab key="site" />],
  ];
  /** From a link on another tab: that one is hidden then, so the focus goes along. */
  const goTo = (tab: Parameters<typeof text>[0]): void => {
    const index = pages.findIndex(([key]) => key === tab);
    open(index);
    document.getElementById(`${TABS}-${index}`)?.focus();
  };
  return (
    <>
      {stored.policy.paused && (
        <Suspense fallback={null}>
          <EarlierInstallation />
        </Suspense>
      )}
      <Tabs id={TABS} shouldUnmountTabPanelOnChange={false} selected={selected} onChange={open}>
        <div className="scroll">
          <TabList>
            {pages.map(([key]) => (
              <Tab key={key}>{text(key)}</Tab>
            ))}
          </TabList>
        </div>
        {pages.map(([key, page]) => (
          <TabPanel key={key}>
            <Suspense fallback={<Waiting />}>{page}</Suspense>
          </TabPanel>
        ))}
      </Tabs>
    </>
  );
}

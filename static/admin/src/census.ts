/** The count of the site's people, which the simulation and plans are based on. */
import { useState } from 'react';
import type { JobView } from '../../../src/api/admin/jobs';
import type { CensusCostView, CensusView } from '../../../src/api/admin/people';
import type { Policy } from '../../../src/domain/policy/document';
import { callAdmin } from '../../shared/call';
import { type Loaded, useLoaded } from '../../shared/load';
import { isActive, usePolling } from './job-progress';

export interface CensusState {
  loaded: Loaded<CensusView>;
  reload: () => void;
  isCounting: boolean;
  /** There is a complete count. */
  isCounted: boolean;
  start: () => void;
  error: unknown;
  readCost: () => Promise<CensusCostView>;
}

/** @param policy its groups are counted in addition to those of the saved policy */
export function useCensus(policy?: Policy): CensusState {
  const { loaded, reload, set } = useLoaded<CensusView>(() => callAdmin('people.census', {}));
  const [error, setError] = useState<unknown>(null);
  const asked = policy ? { policy } : {};
  const view = loaded.state === 'ready' ? loaded.data : { census: null, complete: null };
  const follow = (census: JobView): void => set({ census, complete: census.state === 'done' ? census : view.complete });
  usePolling([view.census], follow);
  return {
    loaded,
    reload,
    isCounting: isActive(view.census),
    isCounted: view.complete !== null,
    start: () => {
      setError(null);
      callAdmin('people.startCensus', asked).then(follow, setError);
    },
    error,
    readCost: () => callAdmin('people.censusCost', asked),
  };
}

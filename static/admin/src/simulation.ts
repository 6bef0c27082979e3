/** What the draft would change for people: asked once, for the card that shows all of it and the bar that says it in a sentence. */
import { useEffect, useRef, useState } from 'react';
import type { JobView } from '../../../src/api/admin/jobs';
import type { SimulationView } from '../../../src/api/admin/people';
import { callAdmin } from '../../shared/call';
import { isActive, usePolling } from './job-progress';
import { type KnownPeopleState, useKnownPeople } from './KnownPeople';
import type { Draft } from './policy-draft';

/** How long the page waits after a change, in case there is another. */
const SETTLE_MS = 400;

interface Answer {
  /** The draft, and the version it was compared with. */
  of: string;
  view: SimulationView | null;
  /** Why there is no view. */
  error: unknown;
}

export interface Simulation {
  /** The newest answer; null = none yet, or it failed. */
  view: SimulationView | null;
  error: unknown;
  /** The answer is about an earlier state of the draft. */
  isStale: boolean;
  isAsking: boolean;
  /** Asks anew. @throws CallError */
  ask: () => Promise<SimulationView>;
  /** The answer for the draft as it is, asked for only when it is not there yet. @throws CallError */
  current: () => Promise<SimulationView>;
  /** Reads the groups that the answer lacks, and asks again when that is done. */
  readGroups: () => Promise<void>;
  isReading: boolean;
  known: KnownPeopleState;
}

export function useSimulation({ policy, stored, theirs, isChanged }: Draft): Simulation {
  const known = useKnownPeople();
  const [answer, setAnswer] = useState<Answer | null>(null);
  const [asked, setAsked] = useState<string | null>(null);
  const [reading, setReading] = useState<JobView | null>(null);
  const of = `${(theirs ?? stored).version} ${JSON.stringify(policy)}`;
  const turn = useRef(0);

  const ask = async (): Promise<SimulationView> => {
    turn.current += 1;
    const mine = turn.current;
    const keep = (view: SimulationView | null, error: unknown): void => {
      // A newer question has overtaken this one.
      if (mine !== turn.current) return;
      setAnswer({ of, view, error });
      setAsked(null);
    };
    setAsked(of);
    try {
      const view = await callAdmin('people.simulate', { policy });
      keep(view, null);
      return view;
    } catch (error) {
      keep(null, error);
      throw error;
    }
  };
  const [latest] = useState({ ask });
  latest.ask = ask;
  const askQuietly = (): void => void latest.ask().catch(() => {});

  // Deliberate dependencies: asked again when the draft has changed, or everybody is known at last.
  useEffect(() => {
    if (!isChanged) return undefined;
    const timer = window.setTimeout(askQuietly, SETTLE_MS);
    return () => window.clearTimeout(timer);
  }, [of, isChanged, known.isComplete]);
  usePolling([reading], (job) => {
    setReading(job);
    if (!isActive(job)) askQuietly();
  });

  const isStale = answer !== null && answer.of !== of;
  // Discarded or saved: what the draft would have changed is of no interest any more.
  const shown = isStale && !isChanged ? null : answer;
  return {
    view: shown?.view ?? null,
    error: shown?.error ?? null,
    isStale: shown !== null && isStale,
    isAsking: asked === of,
    ask,
    current: async () => (answer?.of === of && answer.view !== null ? answer.view : ask()),
    readGroups: async () => {
      const { jobId } = await callAdmin('people.readGroups', { policy });
      if (jobId === null) await ask();
      else setReading(await callAdmin('job.get', { jobId }));
    },
    isReading: isActive(reading),
    known,
  };
}

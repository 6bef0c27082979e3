/** How many people the directory knows, and until it knows everybody, when it will. */
import { useEffect, useState } from 'react';
import type { DirectoryView } from '../../../src/api/admin/directory';
import { callAdmin } from '../../shared/call';
import { Failure } from '../../shared/feedback';
import { type Loaded, useLoaded } from '../../shared/load';
import { formatTime, text } from '../../shared/text';

/** The interval between looks at a reading: doubled each time, up to the second number. A large site takes hours. */
const LOOK_MS = [2_000, 30_000] as const;

export interface KnownPeopleState {
  loaded: Loaded<DirectoryView>;
  reload: () => void;
  isComplete: boolean;
}

/** Looks again until everybody is known. */
export function useKnownPeople(): KnownPeopleState {
  const { loaded, reload, set } = useLoaded<DirectoryView>(() => callAdmin('directory.get', {}));
  const [latest] = useState({ set });
  latest.set = set;
  const isReading = loaded.state === 'ready' && !loaded.data.people.complete;
  useEffect(() => {
    if (!isReading) return undefined;
    let wait: number = LOOK_MS[0];
    let timer = 0;
    let isCurrent = true;
    const look = async (): Promise<void> => {
      try {
        const view = await callAdmin('directory.get', {});
        if (isCurrent) latest.set(view);
      } catch {
        // The next look tries again.
      }
      wait = Math.min(wait * 2, LOOK_MS[1]);
      if (isCurrent) timer = window.setTimeout(() => void look(), wait);
    };
    timer = window.setTimeout(() => void look(), wait);
    return () => {
      isCurrent = false;
      window.clearTimeout(timer);
    };
  }, [isReading, latest]);
  return { loaded, reload, isComplete: loaded.state === 'ready' && loaded.data.people.complete };
}

export function KnownPeople({ known: { loaded, reload } }: { known: KnownPeopleState }) {
  if (loaded.state === 'loading') return null;
  if (loaded.state === 'failed') return <Failure error={loaded.error} onRetry={reload} />;
  const { rows, complete, doneAt } = loaded.data.people;
  return (
    <p className={complete ? 'subtle' : 'text'} role="status">
      {complete ? text('people.known', { people: rows }) : readingText(rows, doneAt)}
    </p>
  );
}

export const readingText = (people: number, doneAt: number | null): string =>
  doneAt === null ? text('people.reading', { people }) : text('people.reading.until', { people, time: formatTime(doneAt) });

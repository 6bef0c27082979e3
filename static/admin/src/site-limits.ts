/** What the site check found, for the policy form: it marks choices that this site cannot honor. */
import { useEffect, useState } from 'react';
import type { CheckView } from '../../../src/api/admin/site-check';
import { callAdmin } from '../../shared/call';
import { formatTime, type TextKey, text } from '../../shared/text';

export interface SiteLimits {
  /** Sentences next to the modes. */
  modes: string[];
  /** Sentences next to an access. */
  access: Record<'private' | 'licensed' | 'site-default', string[]>;
  /** Sentences next to the app's own role. */
  appRole: string[];
}

/** Sent when a check has a new result. */
export const CHECKED = 'homestead-site-checked';

const NO_LIMITS: SiteLimits = { modes: [], access: { private: [], licensed: [], 'site-default': [] }, appRole: [] };

/** Reads the last results; checks how the site's permissions work right away if nobody has yet. */
export function useSiteLimits(): SiteLimits {
  const [limits, setLimits] = useState<SiteLimits>(NO_LIMITS);
  useEffect(() => {
    const read = async (): Promise<void> => {
      const known = await callAdmin('site.get', {});
      const isAsked = known.some((check) => check.name === 'roles' && check.at !== null);
      setLimits(limitsOf(isAsked ? known : await callAdmin('site.run', { checks: ['roles'] })));
    };
    // Without an answer nothing is marked: the choices still work, and each decision says what happened.
    const follow = (): void => void read().catch(() => {});
    follow();
    window.addEventListener(CHECKED, follow);
    return () => window.removeEventListener(CHECKED, follow);
  }, []);
  return limits;
}

export function limitsOf(checks: CheckView[]): SiteLimits {
  const of = (name: CheckView['name']): CheckView | undefined => checks.find((check) => check.name === name);
  const isOld = of('roles')?.finding === 'PRE_ROLES';
  const found = (name: CheckView['name']): string => text('limit.found', { time: formatTime(of(name)?.at ?? 0) });
  const isRefused = of('create')?.outcome === 'bad';
  const isNative = of('native')?.finding === 'seen';
  const say = (condition: boolean, key: TextKey, name: CheckView['name']): string[] => (condition ? [`${text(key)} ${found(name)}`] : []);
  return {
    modes: say(isRefused, 'limit.creation', 'create'),
    access: {
      private: [...say(isOld, 'limit.private.PRE_ROLES', 'roles'), ...say(isNative && !isOld, 'limit.private.native', 'native')],
      licensed: say(isOld, 'limit.licensed.PRE_ROLES', 'roles'),
      'site-default': [],
    },
    appRole: [
      ...say(of('app-role')?.outcome === 'limited', 'limit.app-role.refused', 'app-role'),
      ...say(isOld, 'limit.app-role.PRE_ROLES', 'roles'),
    ],
  };
}

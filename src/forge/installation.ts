/** Which installation an invocation belongs to. */
import { getAppContext } from '@forge/api';

/** `ari:cloud:confluence::site/<cloudId>` */
export function cloudIdOf(installContext: string): string {
  return installContext.split('/').at(-1) ?? '';
}

/** One process may serve several sites: whatever it remembers is keyed by this. */
export const currentInstallation = (): string => getAppContext().installationAri.installationId;

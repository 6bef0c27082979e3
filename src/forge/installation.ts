/** Which installation an invocation belongs to. */

/** `ari:cloud:confluence::site/<cloudId>` */
export function cloudIdOf(installContext: string): string {
  return installContext.split('/').at(-1) ?? '';
}

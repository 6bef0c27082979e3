/** The key of a personal space. */

/** `~` + account id without `:` and `-`: the form Confluence gives to new personal spaces. */
export function personalSpaceKey(accountId: string): string {
  return `~${accountId.replace(/[:-]/g, '')}`;
}

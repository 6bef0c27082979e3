/** Bounds of what the pages send. The pages import this file too: it imports nothing. */

/** Length of the policy as text: more than the largest policy takes, less than the 500 KB that Forge allows a page's request. */
export const MAX_POLICY_TEXT_CHARS = 400_000;
/** Why an admin changed the policy, in a sentence or two. */
export const MAX_REASON_CHARS = 300;
/** Ten years: no site is older than its personal spaces. */
export const MAX_IDLE_DAYS = 3_650;
/** Spaces picked one by one, and exceptions from "all": with ids of 100 characters well under 500 KB. */
export const MAX_SELECTED = 1_000;
/** Rows of one page of an export, and of one call of an import: each is a transaction, within a resolver's 25 seconds. */
export const MAX_PROMISE_ROWS = 50;
/** An act on more people or spaces than this needs a reason: the product's own rule, and the size of a run's first batch. */
export const MAX_WITHOUT_REASON = 25;

/** What a person is told in the product. */

export const NOTICE_KINDS = ['offer', 'ready', 'adopted', 'details'] as const;
export type NoticeKind = (typeof NOTICE_KINDS)[number];

/** due: to be raised. raised: the background script loads for the person. held: waits until the policy offers again. */
export type NoticeState = 'due' | 'raised' | 'held' | 'answered';

/** Times in ms. `subject` is the space that the notice is about; null for an offer. */
export interface Notice {
  accountId: string;
  kind: NoticeKind;
  subject: string | null;
  state: NoticeState;
  dueAt: number;
  raisedAt: number | null;
  answeredAt: number | null;
}

export const newNotice = (accountId: string, kind: NoticeKind, subject: string | null, dueAt: number): Notice => ({
  accountId,
  kind,
  subject,
  state: 'due',
  dueAt,
  raisedAt: null,
  answeredAt: null,
});

export const isOpen = ({ state }: Notice): boolean => state !== 'answered';

/** What the inputs of several functions have in common. */
import { z } from 'zod';

/** Takes no input; whatever is sent is dropped. */
export const Nothing = z.object({});

/** Ids of jobs and spaces. */
export const Id = z
  .string()
  .min(1)
  .max(100)
  .regex(/^[\w:.-]+$/);

/** 1 to 128 letters, digits, `-` and `:` (Atlassian: user privacy). */
export const AccountId = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[\w:-]+$/);

/** A policy's version; 0 = nobody has saved one. */
export const Version = z.number().int().min(0);

/** Where the next page of a list begins, as storage named it. */
export const Cursor = z.string().max(2_000).optional();

/** 100,000 spaces or people make some 2,000 slices of a job's list, each of a few hundred rows. */
const Position = z.number().int().min(0).max(1_000_000);
export const RowAddress = z.strictObject({ batch: Position, row: Position });

/** A list without duplicates. */
export function distinct<T extends z.ZodType<string | number>>(item: T, max: number) {
  return z
    .array(item)
    .max(max)
    .refine((items) => new Set<unknown>(items).size === items.length, 'names something twice');
}

/** An owner's details by the key of their field; a field is checked against its own, lower limit later. */
export const FieldValuesInput = z
  .record(z.string().max(40), z.string().max(4_000))
  .refine((values) => Object.keys(values).length <= 100, 'names more than 100 fields');

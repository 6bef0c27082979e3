/** How the bench prints: columns as wide as what is said in them. */
const LABEL_WIDTH = 58;
const CELL_WIDTH = 15;

export const row = (...cells: (string | number)[]): void =>
  console.log(
    cells
      .map((cell, i) => String(cell).padEnd(i === 0 ? LABEL_WIDTH : CELL_WIDTH))
      .join('')
      .trimEnd(),
  );

export const per = (total: number, count: number, digits = 2): string => (total / count).toFixed(digits);
export const counted = (count: number): string => count.toLocaleString('en');

const verdicts = { kept: 0, missed: 0 };

/** The word for a goal, which is counted. */
export function judged(isKept: boolean): string {
  verdicts[isKept ? 'kept' : 'missed'] += 1;
  return isKept ? 'kept' : 'MISSED';
}

/** A measurement beside its goal, and whether it keeps to it. */
export function against(label: string, measured: number, goal: number, digits = 0, unit = '', ...more: (string | number)[]): void {
  const text = (value: number): string => `${digits === 0 ? counted(Math.round(value)) : value.toFixed(digits)}${unit}`;
  row(label, text(measured), `≤ ${text(goal)}`, judged(measured <= goal), ...more);
}

/** How many goals were kept, at the end of a run that has any. */
export function sumUp(): void {
  const { kept, missed } = verdicts;
  if (kept + missed > 0) console.log(`\n${kept} of ${kept + missed} goals are kept.`);
}

/** When a run over many stops to be looked at: the first few show whether the rest will go well. Pure. */

/** A run is checked after this many have been acted on in all, and then after so many more each time. */
const WAVES = [25, 275];
const LATER_WAVE = 1_000;
/** Share of a wave that may fail before the run asks an admin to look. */
const MAX_FAILED_SHARE = 0.2;

/** The problem of a run that was paused because of this. */
export const MANY_FAILED = 'many-failed';

export interface Wave {
  /** How many had been acted on, and how many of them had failed, when the present wave began. */
  waveStart: number;
  failedBefore: number;
}
export const FIRST_WAVE: Wave = { waveStart: 0, failedBefore: 0 };

const endOf = ({ waveStart }: Wave): number => WAVES.find((size) => waveStart < size) ?? waveStart + LATER_WAVE;

/** How many may still be acted on before the run is checked. */
export const leftInWave = (wave: Wave, acted: number): number => Math.max(0, endOf(wave) - acted);

/** @returns the wave that goes on, or the next one when it is over, and whether an admin looks at it first */
export function afterActing(wave: Wave, acted: number, failed: number): { wave: Wave; haveManyFailed: boolean } {
  if (leftInWave(wave, acted) > 0) return { wave, haveManyFailed: false };
  const haveManyFailed = failed - wave.failedBefore > (acted - wave.waveStart) * MAX_FAILED_SHARE;
  return { wave: { waveStart: acted, failedBefore: failed }, haveManyFailed };
}

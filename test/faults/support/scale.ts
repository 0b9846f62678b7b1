/** What of the full measure this run takes: `hack/faults --scale`. */
const SCALE = Number(process.env['TSK_FAULTS_SCALE'] ?? '1');

/** `full` brought down to this run's measure, at least `least`. */
export function scaled(full: number, least: number): number {
  return Math.max(least, Math.round(full * SCALE));
}

/** Whether this run gives everything its full measure. */
export const FULL_SCALE = SCALE >= 1;

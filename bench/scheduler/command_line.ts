/** What the benches of the scheduler take on their command lines. Both end the process where it is wrong. */
import type { Workload } from './workloads.ts';
import { WORKLOADS } from './workloads.ts';

export function whole(text: string, name: string): number {
  const n = Number(text);
  if (Number.isInteger(n) && n > 0) return n;
  console.error(`--${name}: got ${text}, want a whole number of at least 1`);
  process.exit(2);
}

/** @param names separated by commas; all workloads when absent */
export function chosenWorkloads(names: string | undefined): readonly Workload[] {
  const wanted = names?.split(',');
  const chosen = WORKLOADS.filter((w) => wanted?.includes(w.name) !== false);
  if (chosen.length > 0) return chosen;
  console.error(`no such workload; there are: ${WORKLOADS.map((w) => w.name).join(', ')}`);
  process.exit(2);
}

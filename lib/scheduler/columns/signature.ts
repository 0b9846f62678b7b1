/** Pods of the same signature get the same answers from the plugins. */
import { podPriority } from '../../api/pod.ts';
import type { Pod } from '../../api/types.ts';
import type { ColumnPlan } from './column_plan.ts';

/** Undefined for a pod that has to be tried on every node. */
export function signatureOf(pod: Pod, { signers }: ColumnPlan): string | undefined {
  // Room is left for nominated pods by their priority.
  let signature = String(podPriority(pod));
  for (const plugin of signers) {
    const part = plugin.signPod(pod);
    if (part === undefined) return undefined;
    // The length keeps parts from running into each other.
    if (part !== '') signature += `|${plugin.name} ${part.length} ${part}`;
  }
  return signature;
}

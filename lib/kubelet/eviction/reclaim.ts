/** What can be freed of a file system before pods have to go. Pure. */
import { pressureOf } from './pressure.ts';
import type { DiskLayout } from './ranking.ts';
import type { Signal } from './thresholds.ts';

/** Dead containers, or images that nobody uses. */
export type Reclaimable = 'containers' | 'images';

/** What lies on the file system that a signal is about, in the order in which it is freed. */
export function reclaimable(
  signal: Signal,
  { dedicatedImageFs, splitContainerFs = false }: DiskLayout,
): readonly Reclaimable[] {
  if (pressureOf(signal) !== 'disk') return [];
  if (!dedicatedImageFs) return ['containers', 'images'];
  if (splitContainerFs) return signal.startsWith('nodefs') ? ['containers'] : ['images'];
  return signal.startsWith('nodefs') ? [] : ['containers', 'images'];
}

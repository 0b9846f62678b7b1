import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { collectGarbage } from './collect_garbage.ts';

/** In a small process most of the memory is room that the heap takes before it is looked through. */
const SMALL_BYTES = 80e6;
const GROWTH_PERCENT = 35;

/**
 * From now on, beginning with now, the heap is looked through when it has grown by a third instead of to three times what
 * lives, where that is little. Call it when what there is has been read: a growing heap that is looked through that
 * often starts slowly, and one of hundreds of megabytes costs too much each time.
 *
 * @param usedBytes what the heap holds
 * @returns whether it was small
 */
export function keepHeapSmall(usedBytes = getHeapStatistics().used_heap_size): boolean {
  const isSmall = usedBytes <= SMALL_BYTES;
  if (isSmall) {
    setFlagsFromString(`--heap-growing-percent=${GROWTH_PERCENT}`);
    // How far it may grow is decided each time anew, and had been before.
    collectGarbage();
  }
  return isSmall;
}

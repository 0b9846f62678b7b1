import { getHeapStatistics, setFlagsFromString } from 'node:v8';

/** In a small process most of the memory is room that the heap takes before it is looked through. */
const SMALL_BYTES = 80e6;
const GROWTH_PERCENT = 50;

/**
 * From now on the heap is looked through when it has grown by half instead of to three times what lives, where that
 * is little. Call it when what there is has been read: a growing heap that is looked through that often starts slowly, and one
 * of hundreds of megabytes costs too much each time.
 *
 * @param usedBytes what the heap holds
 * @returns whether it was small
 */
export function keepHeapSmall(usedBytes = getHeapStatistics().used_heap_size): boolean {
  const isSmall = usedBytes <= SMALL_BYTES;
  // One of the few flags that the engine reads each time anew.
  if (isSmall) setFlagsFromString(`--heap-growing-percent=${GROWTH_PERCENT}`);
  return isSmall;
}

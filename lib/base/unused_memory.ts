/** Gives memory that nothing uses any more back to the system. */
import { collectGarbage } from './collect_garbage.ts';

/** Below it, what could be given back is not worth the pause. */
const WORTH_BYTES = 48 * 1024 * 1024;

/**
 * After a burst of work V8 keeps the memory that the burst needed: it waits for a next one, which in a daemon may be a
 * restart away. This collects all garbage and gives the pages back, in a pause of some 100 ms for a heap of 50 MB.
 */
export class UnusedMemory {
  #heapAfter = 0;

  /** Does so if the heap has grown by tens of megabytes since the last time. @returns whether it did */
  release(): boolean {
    if (process.memoryUsage().heapTotal - this.#heapAfter < WORTH_BYTES) return false;
    collectGarbage('last-resort');
    this.#heapAfter = process.memoryUsage().heapTotal;
    return true;
  }
}

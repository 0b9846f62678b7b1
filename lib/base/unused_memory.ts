/** Gives memory that nothing uses any more back to the system. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Below it, what could be given back is not worth the pause. */
const WORTH_BYTES = 48 * 1024 * 1024;

/**
 * After a burst of work V8 keeps the memory that the burst needed: it waits for a next one, which in a daemon may be a
 * restart away. This collects all garbage and gives the pages back, in a pause of some 100 ms for a heap of 50 MB.
 */
export class UnusedMemory {
  #collect: ((options: object) => void) | undefined;
  #heapAfter = 0;

  /** Does so if the heap has grown by tens of megabytes since the last time. @returns whether it did */
  release(): boolean {
    if (process.memoryUsage().heapTotal - this.#heapAfter < WORTH_BYTES) return false;
    this.#collect ??= collector();
    this.#collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
    this.#heapAfter = process.memoryUsage().heapTotal;
    return true;
  }
}

function collector(): (options: object) => void {
  // The flag has an effect on contexts made after it alone.
  setFlagsFromString('--expose-gc');
  const found: unknown = runInNewContext('gc');
  if (typeof found !== 'function')
    throw new TypeError('this Node.js does not give out its garbage collector');
  return (options) => void Reflect.apply(found, undefined, [options]);
}

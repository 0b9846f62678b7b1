/**
 * Ends the process when a plugin does not return: a loop without end on the main thread can be interrupted by nobody, and a
 * scheduler that stands still keeps neither its Lease nor its promises. The one that takes over, or the restart, goes on.
 */
import { Worker } from 'node:worker_threads';

/** Less than the renew deadline of the Lease, so that no other leader is there yet. */
export const HANG_MS = 8000;

export interface PluginWatchdog {
  enter(plugin: string, point: string): void;
  leave(): void;
  close(): Promise<void>;
}

/** Of the shared memory. */
const SEQUENCE = 0;
const INSIDE = 1;
const LENGTH = 2;
const WORDS = 3;
const TEXT = 256;

/** Runs in a thread of its own, and writes to the terminal itself: the main thread does not move any more. */
const WATCHER = `
const { workerData: { memory, hangMs } } = require('node:worker_threads');
const { writeSync } = require('node:fs');
const words = new Int32Array(memory, 0, ${WORDS});
const text = new Uint8Array(memory, ${WORDS} * 4, ${TEXT});
let last = -1;
let since = performance.now();
setInterval(() => {
  const sequence = words[${SEQUENCE}];
  if (words[${INSIDE}] === 0 || sequence !== last) { last = sequence; since = performance.now(); return; }
  if (performance.now() - since < hangMs) return;
  const what = Buffer.from(text.slice(0, words[${LENGTH}])).toString();
  writeSync(2, what + ' has not returned for ' + Math.round((performance.now() - since) / 1000) + ' s: the process ends, as nothing else can end it\\n');
  process.kill(process.pid, 'SIGKILL');
}, Math.max(20, Math.floor(hangMs / 8)));
`;

export function watchPlugins(hangMs = HANG_MS): PluginWatchdog {
  const memory = new SharedArrayBuffer(WORDS * 4 + TEXT);
  const words = new Int32Array(memory, 0, WORDS);
  const text = new Uint8Array(memory, WORDS * 4, TEXT);
  const worker = new Worker(WATCHER, { eval: true, workerData: { memory, hangMs } });
  worker.unref();
  let written = '';
  return {
    enter(plugin, point) {
      // Plain stores: the watcher looks a few times a second, and this is called for every node.
      words[SEQUENCE] = (words[SEQUENCE] ?? 0) + 1;
      words[INSIDE] = 1;
      const what = `plugin "${plugin}" at ${point}`;
      if (what === written) return;
      written = what;
      words[LENGTH] = new TextEncoder().encodeInto(what, text).written;
    },
    leave() {
      words[INSIDE] = 0;
    },
    async close() {
      await worker.terminate();
    },
  };
}

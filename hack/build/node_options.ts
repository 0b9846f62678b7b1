/** Options of Node.js with which the launcher starts each daemon. */
export const NODE_OPTIONS: Readonly<Record<string, readonly string[]>> = {
  // Much short-lived garbage at a time, and then it waits: room for it would be kept for good. Of what lives longer it has
  // some 25 MB; left to itself the heap is let grow to three times that before it is looked through.
  'ts-kubelet': ['--max-semi-space-size=2', '--heap-growing-percent=25'],
  // Bursts with each portion of many changes: with 10,000 Services and 100 changes a second 196 MB at most, not 323, for some CPU.
  'ts-kube-proxy': ['--max-semi-space-size=4', '--heap-growing-percent=25'],
  // A burst of pods is as much garbage. How far a small heap may grow is told at run time (lib/base/heap_growth.ts).
  'ts-scheduler': ['--max-semi-space-size=4'],
};

/** Options of Node.js with which the launcher starts each daemon. */
export const NODE_OPTIONS: Readonly<Record<string, readonly string[]>> = {
  // Much short-lived garbage at a time, and then it waits: room for it would be kept for good. Of what lives longer it has
  // some 25 MB; left to itself the heap is let grow to three times that before it is looked through.
  'ts-kubelet': ['--max-semi-space-size=2', '--heap-growing-percent=25'],
  // Bursts with each portion of many changes. How far the heap may grow is told at run time (lib/proxy/daemon.ts): told here,
  // Node would not take its own modules from its cache of compiled code, which costs 20 ms.
  'ts-kube-proxy': ['--max-semi-space-size=4'],
  // A burst of pods is as much garbage. How far a small heap may grow is told at run time (lib/base/heap_growth.ts).
  'ts-scheduler': ['--max-semi-space-size=4'],
};

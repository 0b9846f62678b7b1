/** Random sequences of changes, commits and mishaps for model checks. */
import * as fc from 'fast-check';
import { endpoint, service, slice } from './objects.ts';
import type { ProxyUnderTest } from './proxy_under_test.ts';

const conditions = [
  { ready: true },
  { ready: false, serving: true, terminating: true },
  { ready: false, serving: false },
];
const name = fc.integer({ min: 0, max: 4 });
const spec = fc.record({
  type: fc.constantFrom('ClusterIP', 'NodePort', 'LoadBalancer'),
  externalTrafficPolicy: fc.constantFrom('Cluster', 'Local'),
  internalTrafficPolicy: fc.constantFrom('Cluster', 'Local'),
  sessionAffinity: fc.constantFrom('None', 'ClientIP'),
  sessionAffinityConfig: fc.record({
    clientIP: fc.record({ timeoutSeconds: fc.constantFrom(60, 7200) }),
  }),
  externalIPs: fc.subarray(['192.0.2.1', '192.0.2.2', '10.96.0.1']),
  loadBalancerSourceRanges: fc.subarray(['203.0.113.0/24', '203.0.113.8/29']),
});

/** One step; `fail`: the next commit fails, `flush`: another program flushes the rules, `restart`: a new process. */
export const randomStep = fc.oneof(
  fc.record({ do: fc.constant('service' as const), n: name, spec }),
  fc.record({ do: fc.constant('noService' as const), n: name }),
  fc.record({
    do: fc.constant('slice' as const),
    n: name,
    k: fc.integer({ min: 0, max: 1 }),
    hosts: fc.array(
      fc.tuple(fc.integer({ min: 1, max: 5 }), fc.constantFrom('n1', 'n2'), fc.constantFrom(...conditions)),
      { maxLength: 4 },
    ),
  }),
  fc.record({ do: fc.constant('noSlice' as const), n: name, k: fc.integer({ min: 0, max: 1 }) }),
  fc.record({
    do: fc.constantFrom(
      'sync' as const,
      'sync' as const,
      'fail' as const,
      'flush' as const,
      'restart' as const,
    ),
  }),
);

/** How many sequences a model check tries: `few`, or $TSK_MODEL_RUNS. */
export function modelRuns(few: number): { readonly numRuns: number } {
  return { numRuns: Number(process.env['TSK_MODEL_RUNS'] ?? few) };
}

export type RandomStep = typeof randomStep extends fc.Arbitrary<infer S> ? S : never;

/** Tells the proxy of the change of objects that the step makes, if it makes one. */
export function feed(proxy: ProxyUnderTest, step: RandomStep): void {
  const { tracker } = proxy;
  if (step.do === 'service') {
    const port = { name: 'p', port: 80, protocol: 'TCP', nodePort: 30000 + step.n };
    const status = { status: { loadBalancer: { ingress: [{ ip: `203.0.113.${step.n + 1}` }] } } };
    tracker.setService(service(`a/s${step.n}`, vip(step.n), { ...step.spec, ports: [port] }, status));
  } else if (step.do === 'noService') tracker.deleteService(service(`a/s${step.n}`, vip(step.n)));
  else if (step.do === 'slice') {
    const hosts = step.hosts.map(([host, node, c]) => endpoint(`10.66.0.${host}@${node}`, c));
    tracker.setSlice(slice(`a/s${step.n}-${step.k}`, `s${step.n}`, hosts));
  } else if (step.do === 'noSlice') {
    tracker.deleteSlice(slice(`a/s${step.n}-${step.k}`, `s${step.n}`, []));
  }
}

function vip(n: number): string {
  return `10.96.0.${n + 1}`;
}

/** A packet filter under a proxy that is put through random steps. */
export interface ModelKernel {
  /** A new process on the same kernel. */
  start(): ProxyUnderTest;
  /** While it is set, or for the next commit. */
  setFailing(failing: boolean): void;
  flush(): void;
}

/** Carries the steps out on one kernel and syncs; a fresh start with the same objects does so on the other. */
export async function runSteps(
  steps: readonly RandomStep[],
  kernel: ModelKernel,
  fresh: ModelKernel,
): Promise<void> {
  let proxy = kernel.start();
  const done: RandomStep[] = [];
  for (const step of steps) {
    feed(proxy, step);
    done.push(step);
    if (step.do === 'sync') await proxy.sync();
    else if (step.do === 'fail') {
      kernel.setFailing(true);
      await proxy.sync().catch(() => undefined);
      kernel.setFailing(false);
    } else if (step.do === 'flush') {
      kernel.flush();
      proxy.backend.requestFullSync();
    } else if (step.do === 'restart') {
      proxy = kernel.start();
      for (const earlier of done) feed(proxy, earlier);
    }
  }
  await proxy.sync();
  const again = fresh.start();
  for (const step of done) feed(again, step);
  await again.sync();
}

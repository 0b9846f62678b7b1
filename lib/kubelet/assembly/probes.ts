/** Probes, joined with what they ask about. */
import type { ProbeHost, ProbeManager } from '../contracts.ts';
import { containerStatusOf } from '../podworkers/container_status_of.ts';
import { attempt } from '../probes/attempt.ts';
import { createProbeManager } from '../probes/manager.ts';
import type { Base } from './base.ts';
import type { KubeletMetrics } from './metrics.ts';
import type { NodeParts } from './node.ts';
import type { Pods } from './pods.ts';
import type { Runtime } from './runtime.ts';

export interface Probes {
  readonly probes: ProbeManager;
}

export function createProbes(base: Base & KubeletMetrics & Runtime & Pods & NodeParts): Probes {
  const { background, cache, clock, events, exec, hostIPs, log, pods, signal, stamps, statuses } = base;
  const host: ProbeHost = {
    ...exec,
    runningContainer: (uid, name) =>
      cache.podStatus(uid)?.containers.find((c) => c.name === name && c.state === 'running'),
    podIP: (uid) => {
      const sandbox = cache.podStatus(uid)?.sandboxes[0];
      return sandbox?.hostNetwork === true ? hostIPs()[0] : sandbox?.ips[0];
    },
    lastKnownReady: (uid, name, containerId) => {
      const known = containerStatusOf(statuses.get(uid) ?? pods.apiPod(uid)?.status, name);
      if (known?.containerID?.split('://')[1] !== containerId) return undefined;
      return { ready: known.ready, started: known.started === true };
    },
  };
  const probes = createProbeManager({
    host,
    events,
    clock,
    stamps,
    log,
    attempt,
    userAgent: 'kube-probe/1.36',
    observe: (attempted) => base.probeMetrics.observe(attempted),
    observeLateness: base.observeProbeLateness,
  });
  background.start('Probes failed', probes.run(signal));
  return { probes };
}

/**
 * What the pods of the cluster request and are limited to, as `/metrics/resources` of the stock scheduler shows it: by pod,
 * for whoever adds up what is promised on a node or to a namespace.
 */
import { isTerminal } from '../api/pod.ts';
import type { Quantity } from '../api/quantity.ts';
import { podLimits, podRequests } from '../api/resources.ts';
import type { Pod } from '../api/types.ts';
import { schedulerNameOf } from './scheduler_name.ts';

const KINDS = [
  {
    name: 'kube_pod_resource_request',
    help: 'What a pod requests of a resource, in the unit of the label.',
    of: (pod: Pod) => podRequests(pod, { useStatus: true }),
  },
  {
    name: 'kube_pod_resource_limit',
    help: 'What a pod is limited to of a resource, in the unit of the label.',
    of: (pod: Pod) => podLimits(pod, { useStatus: true }),
  },
] as const;

/** @param pods as last seen in the API; those that have ended count no more */
export function podResourceMetrics(pods: Iterable<Pod>): string {
  const alive = Array.from(pods).filter((pod) => !isTerminal(pod));
  let out = '';
  for (const { name, help, of } of KINDS) {
    let lines = '';
    for (const pod of alive) {
      const { namespace = '', name: podName } = pod.metadata;
      const { nodeName = '', priority } = pod.spec;
      const labels = [
        `namespace="${escaped(namespace)}"`,
        `node="${escaped(nodeName)}"`,
        `pod="${escaped(podName)}"`,
        `priority="${priority ?? ''}"`,
      ].join(',');
      const scheduler = `scheduler="${escaped(schedulerNameOf(pod))}"`;
      for (const [resource, quantity] of of(pod)) {
        const value = amount(resource, quantity);
        if (value === 0) continue;
        const of = `resource="${escaped(resource)}"`;
        lines += `${name}{${labels},${of},${scheduler},unit="${unitOf(resource)}"} ${value}\n`;
      }
    }
    if (lines !== '') out += `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${lines}`;
  }
  return out;
}

function amount(resource: string, quantity: Quantity): number {
  return resource === 'cpu' ? Number(quantity.milliValue()) / 1000 : Number(quantity.value());
}

function unitOf(resource: string): string {
  if (resource === 'cpu') return 'cores';
  const isSize =
    ['memory', 'storage', 'ephemeral-storage'].includes(resource) || resource.startsWith('hugepages-');
  return isSize ? 'bytes' : 'integer';
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

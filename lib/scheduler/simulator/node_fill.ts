/** How full nodes are. */
import { tryParseQuantity } from '../../api/quantity.ts';
import { podResources } from '../cache/pod_resources.ts';
import { isPlaced } from './simulated_cluster.ts';
import type { SimulatedCluster } from './simulated_cluster.ts';
import type { Amounts } from './simulation_result.ts';

/** Both by node name. */
export interface Fill {
  readonly allocatable: ReadonlyMap<string, Amounts>;
  readonly requested: ReadonlyMap<string, Amounts>;
}

/** Resources that somebody asks for, `cpu`, `memory` and `pods` always. */
export function fillOf({ nodes, stores }: Pick<SimulatedCluster, 'nodes' | 'stores'>): Fill {
  const requested = new Map<string, Record<string, number>>(
    Array.from(nodes.keys(), (name) => [name, { cpu: 0, memory: 0, pods: 0 }]),
  );
  const used = new Set(['cpu', 'memory', 'pods']);
  for (const pod of stores.pods.list()) {
    const sums = requested.get(pod.spec.nodeName ?? '');
    if (!isPlaced(pod) || sums === undefined) continue;
    sums['pods'] = (sums['pods'] ?? 0) + 1;
    for (const [resource, amount] of podResources(pod).requests) {
      sums[resource] = (sums[resource] ?? 0) + amount;
      used.add(resource);
    }
  }
  const allocatable = new Map(
    Array.from(nodes.values(), ({ metadata: { name }, status }): [string, Amounts] => [
      name,
      Object.fromEntries(
        Object.entries(status?.allocatable ?? {}).flatMap(([resource, text]) => {
          const quantity = used.has(resource) || resource.includes('/') ? tryParseQuantity(text) : undefined;
          if (quantity === undefined) return [];
          return [[resource, Number(resource === 'cpu' ? quantity.milliValue() : quantity.value())]];
        }),
      ),
    ]),
  );
  return { allocatable, requested };
}

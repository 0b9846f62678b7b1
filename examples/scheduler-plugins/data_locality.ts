/**
 * Data locality: a pod that says which data set it reads goes where a replica is: best onto a node that holds one, next best
 * into a zone that does. Which node holds what is on the nodes as annotations, kept there by whatever copies the data.
 *
 *     Pod:  metadata.annotations["data.example.com/reads"] = "genome,weather"
 *     Node: metadata.annotations["data.example.com/holds"] = "genome"
 */
import type { NodeInfo, Pod } from 'ts-kubernetes-node/scheduler-plugin';
import { definePlugin, MAX_NODE_SCORE, SKIP, StateKey } from 'ts-kubernetes-node/scheduler-plugin';

const READS = 'data.example.com/reads';
const HOLDS = 'data.example.com/holds';
const ZONE = 'topology.kubernetes.io/zone';

interface Wanted {
  readonly sets: readonly string[];
  /** Per data set, the zones where a replica is. */
  readonly zones: ReadonlyMap<string, ReadonlySet<string>>;
}

const key = new StateKey<Wanted>('DataLocality');

export default definePlugin({
  name: 'DataLocality',
  weight: 3,
  create(_args, handle) {
    return {
      preScore(state, pod) {
        const sets = namesIn(pod.metadata.annotations?.[READS]);
        if (sets.length === 0) return SKIP;
        const zones = new Map(sets.map((set): [string, Set<string>] => [set, new Set()]));
        // All nodes, also those that are full: their zone is near the data all the same.
        for (const node of handle.cache.nodes()) {
          const zone = node.labels[ZONE];
          if (zone !== undefined) for (const set of holds(node)) zones.get(set)?.add(zone);
        }
        state.write(key, { sets, zones });
        return undefined;
      },
      score(state, _pod, node) {
        const wanted = state.read(key);
        if (wanted === undefined) return 0;
        const here = new Set(holds(node));
        const zone = node.labels[ZONE] ?? '';
        const points = wanted.sets.map((set) => {
          if (here.has(set)) return 1;
          return wanted.zones.get(set)?.has(zone) === true ? 0.5 : 0;
        });
        const sum = points.reduce<number>((a, b) => a + b, 0);
        return Math.round((MAX_NODE_SCORE * sum) / wanted.sets.length);
      },
      // Pods that read nothing are like any other; the others depend on all nodes and are looked at one by one.
      signPod: (pod: Pod) => (namesIn(pod.metadata.annotations?.[READS]).length === 0 ? '' : undefined),
    };
  },
});

function holds(node: NodeInfo): readonly string[] {
  return namesIn(node.node.metadata.annotations?.[HOLDS]);
}

function namesIn(list: string | undefined): readonly string[] {
  return (list ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

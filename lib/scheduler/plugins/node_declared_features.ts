/** Pods that need a feature of the kubelet go to nodes that declare it (KEP-5328). */
import { neededFeatures } from '../../api/node_features.ts';
import type { Node, Pod } from '../../api/types.ts';
import { StateKey } from '../framework/cycle_state.ts';
import type {
  ColumnPlugin,
  EnqueueExtensions,
  EventObjects,
  FilterPlugin,
  PreFilterPlugin,
} from '../framework/plugin.ts';
import type { ClusterView } from '../framework/plugin_handle.ts';
import type { Outcome } from '../framework/status.ts';
import { SKIP, unresolvable } from '../framework/status.ts';

const needed = new StateKey<readonly string[]>('NodeDeclaredFeatures');

const UNDECLARED = Object.freeze(unresolvable("node(s) didn't match Pod's required features"));

function verdict(features: readonly string[], node: Node | undefined): Outcome {
  const declared = node?.status?.declaredFeatures ?? [];
  return features.every((name) => declared.includes(name)) ? undefined : UNDECLARED;
}

export function nodeDeclaredFeatures({
  cache,
}: Pick<ClusterView, 'cache'>): PreFilterPlugin & FilterPlugin & ColumnPlugin & EnqueueExtensions {
  return {
    name: 'NodeDeclaredFeatures',
    preFilter(state, pod) {
      const features = neededFeatures(pod);
      if (features.length === 0) return SKIP;
      state.write(needed, features);
      return undefined;
    },
    filter: (state, _pod, { node }) => verdict(state.read(needed) ?? [], node),
    signPod: (pod) => neededFeatures(pod).join(),
    // It looks at one node alone, but the columns of other plugins come before it.
    columns(pod) {
      const features = neededFeatures(pod);
      if (features.length === 0) return {};
      return {
        filter: {
          isIdle: false,
          update: () => undefined, // a row that changed is looked at again in any case
          verdict: (row) => verdict(features, cache.nodeAt(row)?.node),
        },
      };
    },
    // The fields of a pod that need a feature never change.
    eventsToRegister: () => [
      { event: 'NodeAdd', hint: declaresWhatIsNeeded },
      { event: 'NodeDeclaredFeatureUpdate', hint: declaresWhatIsNeeded },
    ],
  };
}

function declaresWhatIsNeeded(pod: Pod, { new: node }: EventObjects): boolean {
  return node === undefined || verdict(neededFeatures(pod), node) === undefined;
}

import { StateKey } from '../framework/cycle_state.ts';
import type { PostFilterPlugin, PreFilterPlugin, SignPlugin } from '../framework/plugin.ts';
import { errorStatus, SKIP, unresolvable, unschedulable } from '../framework/status.ts';

const asked = new StateKey<true>('DynamicResources');

/**
 * The place of dynamic resource allocation (KEP-4381), which is still to come: pods with resource claims wait and say
 * why, instead of being bound without what they claim.
 *
 * What PostFilter says is what the stock scheduler says of pods without claims, its oddity included: for a pod that an
 * earlier PreFilter refused outright it finds no state and ends PostFilter with an error, so that nothing is preempted.
 */
export const dynamicResources: PreFilterPlugin & PostFilterPlugin & SignPlugin = {
  name: 'DynamicResources',
  preFilter(state, pod) {
    state.write(asked, true);
    return (pod.spec.resourceClaims ?? []).length === 0
      ? SKIP
      : unresolvable('resource claims cannot be allocated by this scheduler yet');
  },
  signPod: (pod) => ((pod.spec.resourceClaims ?? []).length === 0 ? '' : undefined),
  postFilter: (state) => ({
    status:
      state.read(asked) === undefined
        ? errorStatus('not found')
        : unschedulable('no new claims to deallocate'),
  }),
};

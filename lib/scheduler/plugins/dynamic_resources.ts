import type { PostFilterPlugin, PreFilterPlugin } from '../framework/plugin.ts';
import { SKIP, unresolvable, unschedulable } from '../framework/status.ts';

/**
 * The place of dynamic resource allocation (KEP-4381), which is still to come: pods with resource claims wait and say
 * why, instead of being bound without what they claim.
 */
export const dynamicResources: PreFilterPlugin & PostFilterPlugin = {
  name: 'DynamicResources',
  preFilter: (_state, pod) =>
    (pod.spec.resourceClaims ?? []).length === 0
      ? SKIP
      : unresolvable('resource claims cannot be allocated by this scheduler yet'),
  // There are no claims of an earlier attempt to give back, and that is said as the stock scheduler says it.
  postFilter: () => ({ status: unschedulable('no new claims to deallocate') }),
};

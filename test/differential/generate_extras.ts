/** Gates, profiles and an extender's resource for the pods of a case. */
import type { Pod } from '../../lib/api/types.ts';
import type { NewObject } from '../../lib/client/client.ts';
import { EXTENDER_RESOURCE, OTHER_SCHEDULERS } from './both_configs.ts';
import type { Case } from './generate.ts';
import { Random } from './random.ts';

/** The case with some of its incoming pods for other profiles, behind gates, or for the extender. */
export function withExtras(given: Case): Case {
  const r = new Random(given.seed ^ 0x5eed);
  // What pods ask for makes for one rich case now and then, rather than for a little in each.
  const often = (): number => (r.chance(0.4) ? 0.6 : 0.05);
  const [profiles, gates, extender] = [often(), often() / 2, often()];
  return {
    ...given,
    incoming: given.incoming.map((pod) => {
      const changed: Pod['spec'] = {
        ...pod.spec,
        ...(r.chance(profiles) ? { schedulerName: r.pick(OTHER_SCHEDULERS) } : {}),
        ...(r.chance(gates) ? { schedulingGates: [{ name: 'example.com/wait' }] } : {}),
      };
      return { ...pod, spec: r.chance(extender) ? withLicence(changed) : changed };
    }),
  };
}

function withLicence(spec: NewObject<Pod>['spec']): NewObject<Pod>['spec'] {
  const [first, ...others] = spec.containers;
  if (first === undefined) return spec;
  const one = { [EXTENDER_RESOURCE]: '1' };
  const resources = {
    requests: { ...first.resources?.requests, ...one },
    limits: { ...first.resources?.limits, ...one },
  };
  return { ...spec, containers: [{ ...first, resources }, ...others] };
}

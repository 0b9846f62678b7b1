/** Gates, profiles, an extender's resource and features of nodes for the pods of a case. */
import type { Node, Pod } from '../../lib/api/types.ts';
import type { NewObject } from '../../lib/client/client.ts';
import { EXTENDER_RESOURCE, OTHER_SCHEDULERS } from './both_configs.ts';
import type { Case } from './generate.ts';
import { Random } from './random.ts';

/** The case with some of its incoming pods for other profiles, behind gates, for the extender, or in need of features. */
export function withExtras(given: Case): Case {
  return withFeatures(withDetours(given));
}

/** The case with some of its incoming pods in need of features that some of its nodes declare (KEP-5328). */
export function withFeatures(given: Case): Case {
  const r = new Random(given.seed ^ 0xfea);
  const often = r.chance(0.25) ? 0.5 : 0.03;
  return {
    ...given,
    nodes: given.nodes.map((node) => ({
      ...node,
      status: { ...node.status, ...declared(r.some(['AnyOther', ...FEATURES], 0.6)) },
    })),
    incoming: given.incoming.map((pod) => ({
      ...pod,
      spec: r
        .some([inNeedOfRestarts, inNeedOfUserNamespace], often)
        .reduce((spec, add) => add(spec), pod.spec),
    })),
  };
}

/** The case with a driver that has more and other room left in each zone: enough that nodes differ by it. */
export function withRoom(given: Case): Case {
  const r = new Random(given.seed ^ 0xca9);
  const [like] = given.storage.capacities;
  if (like === undefined) return given;
  const capacities = ['z1', 'z2', 'z3'].map((zone) => ({
    ...like,
    metadata: { ...like.metadata, name: `capacity-${zone}` },
    nodeTopology: { matchLabels: { 'topology.kubernetes.io/zone': zone } },
    capacity: r.pick(['3Gi', '7Gi', '12Gi', '30Gi', '100Gi']),
  }));
  return { ...given, storage: { ...given.storage, capacities } };
}

const FEATURES = ['RestartAllContainersOnContainerExits', 'UserNamespacesHostNetworkSupport'] as const;

function declared(features: readonly string[]): Node['status'] {
  return features.length === 0 ? {} : { declaredFeatures: [...features].sort() };
}

function inNeedOfRestarts(spec: NewObject<Pod>['spec']): NewObject<Pod>['spec'] {
  const restartPolicyRules = [
    { action: 'RestartAllContainers', exitCodes: { operator: 'In', values: [42] } },
  ];
  const containers = spec.containers.map((c) => ({ ...c, restartPolicy: 'Never', restartPolicyRules }));
  return { ...spec, restartPolicy: 'Never', containers };
}

function inNeedOfUserNamespace(spec: NewObject<Pod>['spec']): NewObject<Pod>['spec'] {
  // In the network of the node, every port of a container is one of the node.
  const containers = spec.containers.map((c) =>
    c.ports === undefined
      ? c
      : { ...c, ports: c.ports.map((port) => ({ ...port, containerPort: port.hostPort ?? 80 })) },
  );
  return { ...spec, hostNetwork: true, hostUsers: false, containers };
}

function withDetours(given: Case): Case {
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

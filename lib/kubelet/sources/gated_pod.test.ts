import type { Pod } from '../../api/types.ts';
import { FeatureGates } from '../../component/feature_gates.ts';
import { gatedPod } from './gated_pod.ts';
import { PodManager } from './pod_manager.ts';

const rules = [{ action: 'RestartAllContainers', exitCodes: { operator: 'In', values: [1] } }];
const container = {
  name: 'c',
  image: 'i',
  restartPolicy: 'Never',
  restartPolicyRules: rules,
  lifecycle: { stopSignal: 'SIGUSR1' },
};
const pod = {
  metadata: { name: 'p', namespace: 'ns', uid: 'u' },
  spec: {
    resources: { limits: { cpu: '1', 'hugepages-2Mi': '4Mi' } },
    hostnameOverride: 'other',
    containers: [container],
    initContainers: [
      { name: 's', restartPolicy: 'Always' },
      { name: 'i', restartPolicy: 'Never' },
    ],
  },
} satisfies Pod;

function taken(set: Record<string, boolean>): Pod {
  const gates = new FeatureGates();
  gates.set(Object.entries({ ContainerStopSignals: true, ...set }));
  return gatedPod(gates)(pod);
}

test('a pod is taken as it is where all gates are on', () => {
  expect(taken({})).toBe(pod);
});

const { resources, hostnameOverride, ...bare } = pod.spec;
const { restartPolicy, restartPolicyRules, lifecycle, ...plain } = container;

test.each<[string, Record<string, boolean>, Pod['spec']]>([
  [
    'K9: PodLevelResources',
    { PodLevelResources: false, InPlacePodLevelResourcesVerticalScaling: false },
    { ...bare, hostnameOverride },
  ],
  ['K2: HostnameOverride', { HostnameOverride: false }, { ...bare, resources }],
  [
    'K4: ContainerRestartRules',
    { ContainerRestartRules: false, RestartAllContainersOnContainerExits: false },
    {
      ...pod.spec,
      containers: [{ ...plain, lifecycle }],
      initContainers: [{ name: 's', restartPolicy: 'Always' }, { name: 'i' }],
    },
  ],
  [
    'K5: ContainerStopSignals',
    { ContainerStopSignals: false },
    { ...pod.spec, containers: [{ ...plain, restartPolicy, restartPolicyRules, lifecycle: {} }] },
  ],
])('%s off: the fields are as if not there', (_, set, spec) => {
  expect(taken(set).spec).toEqual(spec);
});

test('K9: pods of every source are taken so', () => {
  const gates = new FeatureGates();
  gates.set([
    ['PodLevelResources', false],
    ['InPlacePodLevelResourcesVerticalScaling', false],
  ]);
  const pods = new PodManager(gatedPod(gates));
  const told: Pod[] = [];
  pods.listen({ pod: (changed) => told.push(changed) });
  pods.set(pod);
  expect([...told, pods.pod('u')].map((seen) => seen?.spec.resources)).toEqual([undefined, undefined]);
});

import type { Pod } from '../../api/types.ts';
import { featureAdmission } from './features.ts';

const RESTART_ALL = 'RestartAllContainersOnContainerExits';
const restartPolicyRules = [{ action: 'RestartAllContainers', exitCodes: { operator: 'In', values: [42] } }];
const pod = (spec: Partial<Pod['spec']>): Pod => ({
  metadata: { name: 'p' },
  spec: { containers: [{ name: 'c' }], ...spec },
});
const rules = pod({ containers: [{ name: 'c', restartPolicyRules }] });
const message = 'Pod was rejected: Pod requires node features that are not available: ';

test.each<[string, Pod, string[] | undefined, string | undefined]>([
  ['nothing needed', pod({}), [], undefined],
  ['declared', rules, [RESTART_ALL], undefined],
  ['not declared', rules, [], `${message}${RESTART_ALL}`],
  [
    'of an init container',
    pod({ initContainers: [{ name: 'i', restartPolicyRules }] }),
    [],
    `${message}${RESTART_ALL}`,
  ],
  [
    'two',
    pod({ containers: [{ name: 'c', restartPolicyRules }], hostNetwork: true, hostUsers: false }),
    [],
    `${message}${RESTART_ALL}, UserNamespacesHostNetworkSupport`,
  ],
  ['no features at all on this node', rules, undefined, undefined],
])('K12: features: %s', (_, candidate, declared, want) => {
  const verdict = featureAdmission(declared)(candidate);
  expect(verdict?.message).toBe(want);
  expect(verdict?.reason).toBe(want === undefined ? undefined : 'PodFeatureUnsupported');
});

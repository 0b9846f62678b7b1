import type { Container, Node, Pod } from '../../api/types.ts';
import { nodeAdmission, refusalOf } from './admission.ts';

const node: Node = {
  metadata: { name: 'n1', labels: { zone: 'a' } },
  spec: {
    taints: [
      { key: 'gone', effect: 'NoExecute' },
      { key: 'busy', effect: 'NoSchedule' },
    ],
  },
  status: { allocatable: { cpu: '2', memory: '1Gi', pods: '3' } },
};
const tolerations = [{ key: 'gone', operator: 'Exists' }];
const container = (more: Partial<Container> = {}): Container => ({ name: 'c', image: 'i', ...more });
const cpu = (amount: string): Container => container({ resources: { requests: { cpu: amount } } });
const port = (hostPort: number): Container => container({ ports: [{ containerPort: 80, hostPort }] });

function pod(spec: Partial<Pod['spec']> = {}): Pod {
  return { metadata: { name: 'p', uid: 'p' }, spec: { containers: [container()], tolerations, ...spec } };
}

// Reasons and messages are those that the stock kubelet 1.36.3 gave for such pods.
test.each<[string, Pod, Pod[], string | undefined]>([
  ['fits', pod({ containers: [cpu('2')] }), [], undefined],
  [
    'cpu',
    pod({ containers: [cpu('100')] }),
    [pod({ containers: [cpu('120m')] })],
    "OutOfcpu: Node didn't have enough resource: cpu, requested: 100000, used: 120, capacity: 2000",
  ],
  [
    'memory',
    pod({ containers: [container({ resources: { requests: { memory: '2Gi' } } })] }),
    [],
    "OutOfmemory: Node didn't have enough resource: memory, requested: 2147483648, used: 0, capacity: 1073741824",
  ],
  [
    'pods',
    pod(),
    [pod(), pod(), pod()],
    "OutOfpods: Node didn't have enough resource: pods, requested: 1, used: 3, capacity: 3",
  ],
  [
    'an extended resource that the node has not',
    pod({ containers: [container({ resources: { requests: { 'e.x/y': '1' } } })] }),
    [],
    undefined,
  ],
  [
    'node selector',
    pod({ nodeSelector: { zone: 'b' } }),
    [],
    "NodeAffinity: Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector",
  ],
  ['node selector that matches', pod({ nodeSelector: { zone: 'a' } }), [], undefined],
  [
    'ports',
    pod({ containers: [port(80)] }),
    [pod({ containers: [port(80)] })],
    "NodePorts: Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports",
  ],
  ['other ports', pod({ containers: [port(81)] }), [pod({ containers: [port(80)] })], undefined],
  [
    'an untolerated NoExecute taint',
    pod({ tolerations: [] }),
    [],
    'TaintToleration: Predicate TaintToleration failed: node(s) had untolerated taint(s): gone:NoExecute',
  ],
  [
    'another OS',
    pod({ os: { name: 'windows' } }),
    [],
    "PodOSNotSupported: Failed to admit pod as the OS field doesn't match node OS",
  ],
  [
    'an unsafe sysctl',
    pod({ securityContext: { sysctls: [{ name: 'net.core.somaxconn', value: '1' }] } }),
    [],
    'SysctlForbidden: forbidden sysctl: "net.core.somaxconn" not allowlisted',
  ],
  [
    'a safe one',
    pod({ securityContext: { sysctls: [{ name: 'net.ipv4.tcp_syncookies', value: '1' }] } }),
    [],
    undefined,
  ],
  [
    'a safe one on the host network',
    pod({
      hostNetwork: true,
      securityContext: { sysctls: [{ name: 'net.ipv4.tcp_syncookies', value: '1' }] },
    }),
    [],
    'SysctlForbidden: forbidden sysctl: "net.ipv4.tcp_syncookies" not allowlisted',
  ],
  [
    'an allowed pattern',
    pod({ securityContext: { sysctls: [{ name: 'net.x.y', value: '1' }] } }),
    [],
    undefined,
  ],
])('K12: %s', (_, candidate, others, want) => {
  const refusal = refusalOf(candidate, node, others, {
    config: { allowedUnsafeSysctls: ['net.x.*'] },
    nodeName: 'n1',
  });
  expect(refusal === undefined ? undefined : `${refusal.reason}: ${refusal.message}`).toBe(want);
});

describe('K12: a critical pod on a full node', () => {
  const victim = { ...pod({ containers: [cpu('1500m')] }), metadata: { name: 'victim', uid: 'victim' } };
  const admit = (wanted: Pod, preempted: string[]) =>
    nodeAdmission({
      config: { allowedUnsafeSysctls: [] },
      nodeName: 'n1',
      node: () => node,
      active: () => [victim],
      preempt: (victims) => preempted.push(...victims.map(({ metadata }) => metadata.name)),
    })(wanted);
  const priority = 2_000_000_000;

  test('takes the place of others', () => {
    const preempted: string[] = [];
    expect(admit(pod({ containers: [cpu('1')], priority }), preempted)).toBeUndefined();
    expect(preempted).toEqual(['victim']);
  });

  test.each([
    ['is not critical', { containers: [cpu('1')], priority: 7 }, 'OutOfcpu'],
    ['asks for more than all', { containers: [cpu('3')], priority }, 'UnexpectedAdmissionError'],
    ['does not belong here', { containers: [cpu('1')], priority, nodeSelector: { zone: 'b' } }, 'OutOfcpu'],
  ])('nobody is ended for one that %s', (_, spec, reason) => {
    const preempted: string[] = [];
    expect(admit(pod(spec), preempted)?.reason).toBe(reason);
    expect(preempted).toEqual([]);
  });
});

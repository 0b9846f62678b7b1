import type { Service } from '../../api/types.ts';
import { parseAddress } from '../model/address.ts';
import { ServicePlanner } from '../model/planner.ts';
import type { ServicePlan } from '../model/plan.ts';
import type { FamilyPolicy } from '../model/policy.ts';
import { service, slice } from '../testing/objects.ts';
import { TEST_POLICY, rangeOf } from '../testing/proxy_under_test.ts';
import { ServiceTracker } from '../tracker/tracker.ts';
import { packetPath } from './packet_path.ts';

const POD = '10.66.3.3';
const OUTSIDE = '198.51.100.2';
const NODE = '192.0.2.1';
const HERE = '10.66.0.1@n1';
const ELSEWHERE = '10.66.1.1@n2';
const LB = '203.0.113.5';

function planOf(spec: Partial<Service['spec']>, endpoints: readonly string[]): ServicePlan {
  const tracker = new ServiceTracker({ nodeName: 'n1' });
  const status = { loadBalancer: { ingress: [{ ip: LB }] } };
  tracker.setService(
    service(
      'a/web',
      '10.96.0.1',
      { type: 'LoadBalancer', ports: [{ name: 'p', port: 80, nodePort: 30080 }], ...spec },
      { status },
    ),
  );
  tracker.setSlice(slice('a/1', 'web', [...endpoints]));
  const planner = new ServicePlanner(tracker, { family: 'IPv4', nodeName: 'n1' });
  const plan = planner.update(tracker.take().services)[0]?.after;
  if (plan === undefined) throw new Error('no plan');
  return plan;
}

interface Case {
  readonly name: string;
  readonly spec?: Partial<Service['spec']>;
  readonly at?: 'cluster' | 'node' | 'loadBalancer';
  readonly from?: string;
  readonly endpoints?: readonly string[];
  readonly policy?: Partial<FamilyPolicy>;
  /** Verdict, endpoints, and the source address that they see. */
  readonly want: string;
}

const both = '10.66.0.1:8080 10.66.1.1:8080';
const here = '10.66.0.1:8080';
const masq = 'the node takes the place of the client';
const external: Partial<Service['spec']> = { externalTrafficPolicy: 'Local' };
const internal: Partial<Service['spec']> = { internalTrafficPolicy: 'Local' };
const ranges: Partial<Service['spec']> = { loadBalancerSourceRanges: ['198.51.100.0/24'] };

test.each<Case>([
  { name: 'a pod keeps its address', want: `translated ${both}: kept` },
  { name: 'from outside', from: OUTSIDE, want: `translated ${both}: ${masq}` },
  { name: 'a node port', at: 'node', want: `translated ${both}: ${masq}` },
  { name: 'nobody there', endpoints: [], want: 'rejected' },
  { name: 'masqueradeAll', policy: { masqueradeAll: true }, want: `translated ${both}: ${masq}` },
  {
    name: 'pods are not known',
    policy: { localDetector: undefined },
    from: OUTSIDE,
    want: `translated ${both}: kept`,
  },
  { name: 'the endpoint itself', endpoints: [HERE], from: '10.66.0.1', want: `translated ${here}: ${masq}` },
  {
    name: 'one of the endpoints',
    from: '10.66.0.1',
    want: `translated ${both}: kept, unless the client itself is chosen`,
  },
  { name: 'internal Local', spec: internal, want: `translated ${here}: kept` },
  { name: 'internal Local, none here', spec: internal, endpoints: [ELSEWHERE], want: 'dropped' },
  {
    name: 'external Local, outside',
    spec: external,
    at: 'node',
    from: OUTSIDE,
    want: `translated ${here}: kept`,
  },
  { name: 'external Local, a pod', spec: external, at: 'node', want: `translated ${both}: kept` },
  {
    name: 'external Local, the node',
    spec: external,
    at: 'node',
    from: NODE,
    want: `translated ${both}: ${masq}`,
  },
  {
    name: 'external Local, none here, outside',
    spec: external,
    at: 'loadBalancer',
    from: OUTSIDE,
    endpoints: [ELSEWHERE],
    want: 'dropped',
  },
  {
    name: 'allowed by range',
    spec: ranges,
    at: 'loadBalancer',
    from: OUTSIDE,
    want: `translated ${both}: ${masq}`,
  },
  { name: 'in no range', spec: ranges, at: 'loadBalancer', want: 'dropped' },
  { name: 'ranges are not about node ports', spec: ranges, at: 'node', want: `translated ${both}: ${masq}` },
  {
    name: 'the node has the address of the load balancer',
    spec: ranges,
    at: 'loadBalancer',
    from: LB,
    policy: { nodeIPs: ['198.51.100.1'] },
    want: `translated ${both}: ${masq}`,
  },
  {
    name: 'pods are told by their interface',
    policy: { localDetector: { kind: 'interface', name: 'cni0' } },
    want: `translated ${both}: kept`,
  },
])(
  '$name: $want',
  ({ spec = {}, at = 'cluster', from = POD, endpoints = [HERE, ELSEWHERE], policy, want }) => {
    const plan = planOf(spec, endpoints);
    const frontend = plan.frontends.find((f) => f.kind === at);
    const address = parseAddress(from);
    if (frontend === undefined || address === undefined) throw new Error('bad case');
    const source = { address, isNode: from === NODE };
    const localDetector = { kind: 'sourceRange', range: rangeOf('10.66.0.0/16') } as const;
    const path = packetPath(plan, frontend, source, { ...TEST_POLICY, localDetector, ...policy });
    const seen = path.steps.find((s) => s.step === 'source address')?.outcome;
    const text = [path.verdict, ...path.endpoints].join(' ');
    expect(seen === undefined ? text : `${text}: ${seen}`).toBe(want);
    expect(path.steps.every((step) => step.why !== '')).toBe(true);
  },
);

test('affinity is said', () => {
  const plan = planOf({ sessionAffinity: 'ClientIP' }, [HERE, ELSEWHERE]);
  const [frontend] = plan.frontends;
  const address = parseAddress(POD);
  if (frontend === undefined || address === undefined) throw new Error('bad case');
  expect(packetPath(plan, frontend, { address, isNode: false }, TEST_POLICY).steps).toContainEqual({
    step: 'affinity',
    outcome: 'the endpoint that this client had in the last 10800 s',
    why: 'sessionAffinity is ClientIP',
  });
});

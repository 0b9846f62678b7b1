import type { EndpointSlice } from '../../api/types.ts';
import { endpoint, service, slice } from '../testing/objects.ts';
import { ServiceTracker } from '../tracker/tracker.ts';
import type { ServicePlan } from './plan.ts';
import { ServicePlanner } from './planner.ts';

type Conditions = Parameters<typeof endpoint>[1];
const READY: Conditions = { ready: true };
const DRAINING: Conditions = { ready: false, serving: true, terminating: true };
const GONE: Conditions = { ready: false, serving: false, terminating: true };
const UNREADY: Conditions = { ready: false, serving: false, terminating: false };
const SERVING: Conditions = { ready: false, serving: true, terminating: false };

const NODE_PORT = { type: 'NodePort', ports: [{ name: 'p', port: 80, nodePort: 30080 }] };
const E_LOCAL = { ...NODE_PORT, externalTrafficPolicy: 'Local' };
const I_LOCAL = { internalTrafficPolicy: 'Local' };

function plan(
  spec: Parameters<typeof service>[2],
  endpoints: EndpointSlice['endpoints'],
  zone?: string,
): ServicePlan {
  const tracker = new ServiceTracker({ nodeName: 'n1' });
  tracker.setService(service('a/web', '10.96.0.1', spec));
  tracker.setSlice(slice('a/1', 'web', endpoints ?? []));
  const planner = new ServicePlanner(tracker, { family: 'IPv4', nodeName: 'n1' });
  planner.setZone(zone);
  planner.update(tracker.take().services);
  const found = planner.plans.get('a/web:p');
  if (found === undefined) throw new Error('no plan');
  return found;
}

const ips = (list: ReadonlyArray<{ ip: string }>) => list.map((e) => e.ip.replace('10.0.0.', '')).join(',');

// endpoints 1 and 2 are on this node, 3 and 4 on another
const e = (n: number, conditions: Conditions) => endpoint(`10.0.0.${n}@${n <= 2 ? 'n1' : 'n2'}`, conditions);

test.each([
  // spec, endpoints, internal, external, cluster, local
  ['ready ones', {}, [e(1, READY), e(3, READY)], 'cluster', 'cluster', '1,3', ''],
  ['ready ones, no draining', {}, [e(1, READY), e(3, DRAINING)], 'cluster', 'cluster', '1', ''],
  [
    'draining when none is ready',
    {},
    [e(1, DRAINING), e(3, GONE), e(4, UNREADY)],
    'cluster',
    'cluster',
    '1',
    '',
  ],
  ['serving but not ready and not terminating is not used', {}, [e(1, SERVING)], 'reject', 'reject', '', ''],
  ['none', {}, [], 'reject', 'reject', '', ''],
  ['none that serves', {}, [e(1, GONE), e(3, UNREADY)], 'reject', 'reject', '', ''],
  ['internal Local', I_LOCAL, [e(1, READY), e(3, READY)], 'local', 'cluster', '', '1'],
  ['internal Local, none here', I_LOCAL, [e(3, READY)], 'drop', 'cluster', '', ''],
  [
    'internal Local, draining here, ready there',
    I_LOCAL,
    [e(1, DRAINING), e(3, READY)],
    'local',
    'cluster',
    '',
    '1',
  ],
  ['internal Local, nowhere', I_LOCAL, [], 'reject', 'reject', '', ''],
  ['external Local', E_LOCAL, [e(1, READY), e(3, READY)], 'cluster', 'local', '1,3', '1'],
  ['external Local, none here', E_LOCAL, [e(3, READY)], 'cluster', 'drop', '3', ''],
  ['external Local, draining here', E_LOCAL, [e(1, DRAINING), e(3, READY)], 'cluster', 'local', '3', '1'],
  [
    'external Local without a way in from outside',
    { externalTrafficPolicy: 'Local' },
    [e(3, READY)],
    'cluster',
    'drop',
    '3',
    '',
  ],
  ['both Local', { ...E_LOCAL, ...I_LOCAL }, [e(3, READY)], 'drop', 'drop', '3', ''],
] as const)('%s', (_name, spec, endpoints, internal, external, cluster, local) => {
  const p = plan(spec, endpoints);
  expect([p.internal, p.external, ips(p.cluster), ips(p.local)]).toEqual([
    internal,
    external,
    cluster,
    local,
  ]);
});

test('P6: reachable is each used endpoint once, in order', () => {
  expect(ips(plan(E_LOCAL, [e(3, READY), e(2, DRAINING), e(4, UNREADY)]).reachable)).toBe('2,3');
});

describe('P3: topology hints', () => {
  const hinted = (n: number, zones: string[], nodes?: string[]) => ({
    ...e(n, READY),
    hints: {
      forZones: zones.map((name) => ({ name })),
      ...(nodes === undefined ? {} : { forNodes: nodes.map((name) => ({ name })) }),
    },
  });
  test.each([
    ['of my zone', 'za', [hinted(1, ['za']), hinted(3, ['zb'])], '1'],
    ['none for my zone: all', 'zc', [hinted(1, ['za']), hinted(3, ['zb'])], '1,3'],
    ['one without hint: all', 'za', [hinted(1, ['za']), e(3, READY)], '1,3'],
    ['node without zone: all', undefined, [hinted(1, ['za']), hinted(3, ['zb'])], '1,3'],
    ['of my node before my zone', 'za', [hinted(1, ['za'], ['n1']), hinted(3, ['za'], ['n2'])], '1'],
    ['none for my node: by zone', 'za', [hinted(1, ['za'], ['n3']), hinted(3, ['zb'], ['n2'])], '1'],
  ])('%s', (_name, zone, endpoints, cluster) => {
    expect(ips(plan({}, endpoints, zone).cluster)).toBe(cluster);
  });

  test('do not narrow the Local policy', () => {
    const p = plan(I_LOCAL, [hinted(1, ['zb']), hinted(2, ['za'])], 'za');
    expect(ips(p.local)).toBe('1,2');
  });
});

test.each([
  ['not ready', {}, [e(1, UNREADY), e(3, READY)], 'not ready'],
  ['draining', {}, [e(1, DRAINING), e(3, READY)], 'terminating, and others are ready'],
  ['gone', {}, [e(1, GONE), e(3, READY)], 'terminating and no longer serving'],
  ['elsewhere', I_LOCAL, [e(1, READY), e(3, READY)], 'on another node (traffic policy Local)'],
] as const)('left out: %s', (_name, spec, endpoints, reason) => {
  expect(plan(spec, endpoints).leftOut.map((l) => l.reason)).toEqual([reason]);
});

describe('two Services claim one address', () => {
  const older = { metadata: { namespace: 'a', name: 'x', creationTimestamp: '2025-01-01T00:00:00Z' } };
  const setUp = () => {
    const tracker = new ServiceTracker({ nodeName: 'n1' });
    const planner = new ServicePlanner(tracker, { family: 'IPv4', nodeName: 'n1' });
    const kinds = () =>
      Object.fromEntries([...planner.plans].map(([id, p]) => [id, p.frontends.map((f) => f.kind).join()]));
    return { tracker, planner, kinds };
  };

  test('P18: a cluster IP cannot be taken by an external IP, however old its Service', () => {
    const { tracker, planner, kinds } = setUp();
    tracker.setService(service('a/x', '10.96.0.1', { externalIPs: ['10.96.0.2'] }, older));
    tracker.setService(service('a/y', '10.96.0.2'));
    planner.update(tracker.take().services);
    expect(kinds()).toEqual({ 'a/x:p': 'cluster', 'a/y:p': 'cluster' });
    expect(planner.plans.get('a/x:p')?.contested).toMatchObject([{ owner: 'a/y:p' }]);
  });

  test('P18: the older has an external IP; when it goes the other gets it', () => {
    const { tracker, planner, kinds } = setUp();
    const first = service('a/x', '10.96.0.1', { externalIPs: ['192.0.2.1'] }, older);
    tracker.setService(service('a/y', '10.96.0.2', { externalIPs: ['192.0.2.1'] }));
    planner.update(tracker.take().services);
    expect(kinds()).toEqual({ 'a/y:p': 'cluster,external' });
    tracker.setService(first);
    expect(
      planner
        .update(tracker.take().services)
        .map((c) => c.id)
        .toSorted(),
    ).toEqual(['a/x:p', 'a/y:p']);
    expect(kinds()).toEqual({ 'a/x:p': 'cluster,external', 'a/y:p': 'cluster' });
    tracker.deleteService(first);
    planner.update(tracker.take().services);
    expect(kinds()).toEqual({ 'a/y:p': 'cluster,external' });
  });

  test('the same address on another port or protocol is another place', () => {
    const { tracker, planner, kinds } = setUp();
    const ports = [
      { name: 'p', port: 80, protocol: 'TCP' },
      { name: 'u', port: 80, protocol: 'UDP' },
    ];
    tracker.setService(service('a/y', '10.96.0.2', { ports, externalIPs: ['192.0.2.1'] }));
    planner.update(tracker.take().services);
    expect(kinds()).toEqual({ 'a/y:p': 'cluster,external', 'a/y:u': 'cluster,external' });
  });
});

test('a zone that is known later changes what has been planned, and plans nothing that has not', () => {
  const tracker = new ServiceTracker({ nodeName: 'n1' });
  const hinted = (ip: string, zone: string) => ({ ...endpoint(ip), hints: { forZones: [{ name: zone }] } });
  tracker.setService(service('a/web', '10.96.0.1'));
  tracker.setSlice(slice('a/1', 'web', [hinted('10.0.0.1@n1', 'za'), hinted('10.0.0.3@n2', 'zb')]));
  const planner = new ServicePlanner(tracker, { family: 'IPv4', nodeName: 'n1' });
  expect(planner.setZone('za')).toEqual([]);
  const cluster = (changes: ReturnType<ServicePlanner['update']>): string[] =>
    changes.map(({ after }) => ips(after?.cluster ?? []));
  expect(cluster(planner.update(tracker.take().services))).toEqual(['1']);
  expect(cluster(planner.setZone('zb'))).toEqual(['3']);
});

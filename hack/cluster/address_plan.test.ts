import { addressPlan, clusterNameProblem, MAX_NODES, MAX_SLOTS } from './address_plan.ts';
import { overlap, parseRange } from './routes.ts';

test('the first cluster with two nodes', () => {
  expect(addressPlan(0, 2)).toMatchObject({
    host: '10.100.0.1',
    serviceNetwork: '10.100.16.0/20',
    apiserverService: '10.100.16.1',
    dnsService: '10.100.16.10',
    hostInterface: 'tsk0',
    nodes: [
      { name: 'node-1', address: '10.100.0.11', podNetwork: '10.100.64.0/24' },
      { name: 'node-2', address: '10.100.0.12', podNetwork: '10.100.65.0/24' },
    ],
  });
});

test('the networks of one cluster lie in its range and do not meet', () => {
  const plan = addressPlan(7, MAX_NODES);
  const parts = [plan.machineNetwork, plan.serviceNetwork, plan.podNetwork].map(parseRange);
  for (const part of parts) {
    expect(overlap(part, parseRange(plan.clusterNetwork))).toBe(true);
    expect(parts.filter((other) => overlap(part, other))).toHaveLength(1);
  }
  const pods = plan.nodes.map((node) => parseRange(node.podNetwork));
  for (const network of pods) expect(overlap(network, parseRange(plan.podNetwork))).toBe(true);
  expect(new Set(plan.nodes.map((node) => node.podNetwork)).size).toBe(MAX_NODES);
  expect(plan.nodes.map((node) => node.address)).not.toContain(plan.gateway);
});

test('two clusters share nothing', () => {
  const [a, b] = [addressPlan(0, 1), addressPlan(MAX_SLOTS - 1, 1)];
  expect(overlap(parseRange(a.clusterNetwork), parseRange(b.clusterNetwork))).toBe(false);
  expect(a.hostInterface).not.toBe(b.hostInterface);
  expect(b.hostInterface.length).toBeLessThanOrEqual(15);
});

test.each([
  [-1, 2],
  [MAX_SLOTS, 2],
  [0.5, 2],
  [0, MAX_NODES + 1],
  [0, -1],
])('slot %p with %p nodes is refused', (slot, nodes) => {
  expect(() => addressPlan(slot, nodes)).toThrow(RangeError);
});

test.each(['a', 'dev', 'e2e-1', 'x'.repeat(20)])('%p is a name', (name) => {
  expect(clusterNameProblem(name)).toBeUndefined();
});

test.each(['', 'Dev', '-a', 'a-', 'a.b', 'a/b', '..', 'x'.repeat(21)])('%p is no name', (name) => {
  expect(clusterNameProblem(name)).toContain(`got ${JSON.stringify(name)}, want`);
});

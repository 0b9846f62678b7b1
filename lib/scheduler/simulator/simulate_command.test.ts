import { mkdtempSync, readFileSync, rmSync, writeFileSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { simulateCommand } from './simulate_command.ts';
import type { SimulationResult } from './simulation_result.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'simulate-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const node = (name: string, cpu: number, spec = ''): string =>
  `apiVersion: v1\nkind: Node\nmetadata: {name: ${name}, labels: {zone: ${name}}}\nspec: {${spec}}\nstatus: {capacity: {cpu: ${cpu}, memory: 8Gi, pods: 20}}\n`;
const pod = (name: string, cpu: number | string, spec = '', metadata = ''): string =>
  `apiVersion: v1\nkind: Pod\nmetadata: {name: ${name}${metadata}}\nspec: {containers: [{name: c, resources: {requests: {cpu: ${cpu}}}}]${spec}}\n`;
const owned = (kind: string, name = 'web'): string =>
  `, labels: {app: ${name}}, ownerReferences: [{apiVersion: apps/v1, kind: ${kind}, name: ${name}, uid: u, controller: true}]`;
const join3 = (...documents: readonly string[]): string => documents.join('---\n');

async function run(args: readonly string[], stdin = ''): Promise<{ code: number; out: string; err: string }> {
  let out = '';
  let err = '';
  const code = await simulateCommand(args, {
    out: (text) => void (out += text),
    complain: (text) => void (err += text),
    stdin: () => stdin,
  });
  return { code, out, err };
}

/** The result as JSON, of objects on standard input. */
async function simulated(objects: string, ...args: readonly string[]): Promise<SimulationResult> {
  const { out, err } = await run(['-o', 'json', ...args, '-'], objects);
  if (err !== '') throw new Error(err);
  return resultOf(out);
}

function resultOf(out: string): SimulationResult {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- printed by the command a moment ago
  return JSON.parse(out) as SimulationResult;
}

const nodesOf = (result: SimulationResult): Record<string, string> =>
  Object.fromEntries(result.placements.map((p) => [p.pod, p.node]));

test('S9: pods are placed, and those that are not say why in the words of the stock scheduler', async () => {
  const objects = join3(node('n1', 2), node('n2', 1), pod('fits', 1.5), pod('big', 3));
  const { code, out } = await run(['-'], objects);
  expect(code).toBe(0);
  expect(out).toContain('default/fits  n1    n1 is the only one of 2 nodes that passed all filters');
  expect(out).toContain('default/big  unschedulable  0/2 nodes are available: 2 Insufficient cpu.');
  expect(out).toContain('n1    0% > 75% of 2');
  expect(out).toContain('2 nodes, 0 pods ran before: 1 placed, 1 pending.');
});

test('S9: exit code 3 when pods stay pending and that was asked for', async () => {
  const objects = join3(node('n1', 1), pod('big', 3));
  expect((await run(['--fail-on-pending', '-'], objects)).code).toBe(3);
  expect((await run(['--fail-on-pending', '-'], node('n1', 1))).code).toBe(0);
});

test('S9: the same objects and seed give the same bytes, another seed another choice', async () => {
  const nodes = Array.from({ length: 12 }, (_, i) => node(`n${i}`, 4));
  const pods = Array.from({ length: 12 }, (_, i) => pod(`p${i}`, 1));
  const objects = join3(...nodes, ...pods);
  const outputs = new Set<string>();
  for (const seed of [7, 7, 8]) {
    const html = join(folder, 'report.html');
    const { out } = await run(['-', '--seed', String(seed), '-o', 'json', '--html', html], objects);
    outputs.add(out + readFileSync(html, 'utf8'));
  }
  expect(outputs.size).toBe(2);
});

test('S9: higher priority goes first, then age', async () => {
  const classes =
    'apiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: {name: high}\nvalue: 1000\n';
  const result = await simulated(
    join3(
      classes,
      node('n1', 10),
      pod('young', 1, '', ', creationTimestamp: "2026-01-02T00:00:00Z"'),
      pod('old', 1, '', ', creationTimestamp: "2026-01-01T00:00:00Z"'),
      pod('important', 1, ', priorityClassName: high'),
    ),
  );
  expect(result.placements.map((p) => p.pod)).toEqual(['default/important', 'default/old', 'default/young']);
});

test('S9: a preempted pod is shown, and made anew when it has a controller', async () => {
  const result = await simulated(
    join3(
      node('n1', 2),
      pod('web-1', 2, ', nodeName: n1', owned('ReplicaSet')),
      pod('important', 2, ', priority: 10'),
    ),
  );
  expect(result.preemptions).toEqual([
    { victim: 'default/web-1', node: 'n1', by: 'default/important', recreated: true },
  ]);
  expect(nodesOf(result)).toEqual({ 'default/important': 'n1' });
  expect(result.pending).toMatchObject([{ pod: 'default/web-1', origin: 'preempted' }]);
});

test('S9: gated pods and pods of other schedulers are told apart', async () => {
  const result = await simulated(
    join3(
      node('n1', 4),
      pod('gated', 1, ', schedulingGates: [{name: a}]'),
      pod('other', 1, ', schedulerName: x'),
    ),
  );
  expect(result.pending).toMatchObject([{ pod: 'default/gated', state: 'gated' }]);
  expect(result.notices).toContain(
    '1 pending pods ask for schedulerName "x", which the configuration has not',
  );
});

describe('S9: workloads', () => {
  const template = 'template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c}]}}';
  const workload = (kind: string, spec: string, api = 'apps/v1'): string =>
    `apiVersion: ${api}\nkind: ${kind}\nmetadata: {name: web}\nspec: {${spec}, ${template}}\n`;

  test.each<[string, string, readonly string[]]>([
    ['Deployment', workload('Deployment', 'replicas: 2'), ['web-0', 'web-1']],
    ['ReplicaSet without replicas', workload('ReplicaSet', 'minReadySeconds: 0'), ['web-0']],
    ['StatefulSet', workload('StatefulSet', 'replicas: 2'), ['web-0', 'web-1']],
    ['Job', workload('Job', 'parallelism: 3, completions: 2', 'batch/v1'), ['web-0', 'web-1']],
    ['DaemonSet', workload('DaemonSet', 'minReadySeconds: 0'), ['web-n1', 'web-n2']],
  ])('%s', async (_name, manifest, pods) => {
    const tainted = node('n3', 4, 'taints: [{key: a, effect: NoSchedule}]');
    const result = await simulated(join3(node('n1', 4), node('n2', 4), tainted, manifest));
    expect(Object.keys(nodesOf(result)).sort()).toEqual(pods.map((p) => `default/${p}`));
    expect(result.placements.every((p) => p.origin === 'workload')).toBe(true);
  });

  test('one whose pods were given makes no more, unless what is missing is asked for', async () => {
    const objects = join3(
      node('n1', 4),
      workload('ReplicaSet', 'replicas: 3'),
      pod('web-abc', 1, ', nodeName: n1', owned('ReplicaSet')),
    );
    expect((await simulated(objects)).placements).toEqual([]);
    expect((await simulated(objects, '--expand', 'missing')).placements).toHaveLength(2);
    expect((await simulated(workload('ReplicaSet', 'replicas: 3'), '--expand=none')).pending).toEqual([]);
  });

  test('claims of a StatefulSet are made and bound where their pods go', async () => {
    const claims =
      'volumeClaimTemplates: [{metadata: {name: data}, spec: {storageClassName: fast, resources: {requests: {storage: 1Gi}}}}]';
    const result = await simulated(
      join3(
        node('n1', 4),
        'apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: fast}\nprovisioner: csi.example.com\nvolumeBindingMode: WaitForFirstConsumer\n',
        workload('StatefulSet', `replicas: 2, ${claims}`),
      ),
    );
    expect(nodesOf(result)).toEqual({ 'default/web-0': 'n1', 'default/web-1': 'n1' });
  });
});

describe('S9: what if', () => {
  const running = (name: string, at: string, more = owned('ReplicaSet')): string =>
    pod(name, 1, `, nodeName: ${at}`, more);

  test('a drained node: pods move, daemons stay, those without a controller are lost', async () => {
    const result = await simulated(
      join3(
        node('n1', 4),
        node('n2', 4),
        running('a', 'n1'),
        running('agent', 'n1', owned('DaemonSet')),
        running('bare', 'n1', ''),
      ),
      '--drain=n1',
    );
    expect(result.drains).toEqual([
      { node: 'n1', evicted: ['default/a'], lost: ['default/bare'], ignored: ['default/agent'], blocked: [] },
    ]);
    expect(result.placements).toMatchObject([{ pod: 'default/a', origin: 'drained', node: 'n2' }]);
  });

  const budget =
    'apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: web}\nspec: {minAvailable: 1, selector: {matchLabels: {app: web}}}\n';

  test('a budget lets pods go one after the other while they come up elsewhere', async () => {
    const result = await simulated(
      join3(node('n1', 4), node('n2', 4), budget, running('a', 'n1'), running('b', 'n1')),
      '--drain=n1',
    );
    expect(result.drains[0]?.evicted).toEqual(['default/a', 'default/b']);
    expect(result.drains[0]?.blocked).toEqual([]);
  });

  test('a budget blocks the rest when they do not come up', async () => {
    const result = await simulated(
      join3(node('n1', 4), budget, running('a', 'n1'), running('b', 'n1')),
      '--drain=n1',
    );
    expect(result.drains[0]).toMatchObject({
      evicted: ['default/a'],
      blocked: [{ pod: 'default/b', reason: 'PodDisruptionBudget default/web allows no disruption' }],
    });
  });

  test('nodes added: labels, capacity and daemons of the model, not its passing taints', async () => {
    const taints =
      'taints: [{key: node.kubernetes.io/not-ready, effect: NoSchedule}, {key: own, effect: NoSchedule}]';
    const result = await simulated(
      join3(
        node('n1', 2, taints),
        running('agent', 'n1', owned('DaemonSet')),
        pod('p', 1, ', tolerations: [{key: own, operator: Exists}]'),
      ),
      '--add-nodes=2',
      '--like=n1',
    );
    expect(result.nodes.map((n) => [n.node, n.added ?? false, n.before['cpu']])).toEqual([
      ['n1', false, 1000],
      ['n1-new-1', true, 1000],
      ['n1-new-2', true, 1000],
    ]);
    expect(Object.values(nodesOf(result))[0]).toMatch(/^n1-new-/);
  });

  test('a taint removed', async () => {
    const objects = join3(node('n1', 2, 'taints: [{key: own, value: x, effect: NoSchedule}]'), pod('p', 1));
    expect((await simulated(objects)).placements).toEqual([]);
    expect(nodesOf(await simulated(objects, '--remove-taint=n1:own=x:NoSchedule'))).toEqual({
      'default/p': 'n1',
    });
    expect(nodesOf(await simulated(objects, '--remove-taint=*:own:NoSchedule'))).toEqual({
      'default/p': 'n1',
    });
  });

  test('capacity: how many more of a shape fit, of a given pod or of a file', async () => {
    const shape = file('shape.yaml', pod('s', '600m'));
    const result = await simulated(
      join3(node('n1', 2), node('n2', 1), pod('p', 1)),
      `--capacity=${shape}`,
      '--capacity=p',
    );
    expect(result.capacity).toMatchObject([
      { fits: 2, atLimit: false, stoppedBy: '0/2 nodes are available: 2 Insufficient cpu.' },
      { shape: 'p', fits: 2 },
    ]);
    expect(
      (await simulated(node('n1', 2), `--capacity=${shape}`, '--capacity-limit=2')).capacity,
    ).toMatchObject([{ fits: 2, atLimit: true }]);
  });
});

describe('S9: input', () => {
  test('a folder of kubectl cluster-info dump, and what the dump prints to a terminal', async () => {
    const list = (kind: string, items: readonly object[]): string =>
      JSON.stringify({ kind: `${kind}List`, apiVersion: 'v1', metadata: {}, items });
    const nodes = list('Node', [
      { metadata: { name: 'n1' }, status: { allocatable: { cpu: '2', pods: '9' } } },
    ]);
    const pods = list('Pod', [
      { metadata: { name: 'p', namespace: 'a' }, spec: { containers: [{ name: 'c' }] } },
    ]);
    const events = '{"kind":"EventList","apiVersion":"v1","items":null}';
    mkdirSync(join(folder, 'dump', 'a', 'p'), { recursive: true });
    file('dump/nodes.json', nodes);
    file('dump/a/pods.json', pods);
    file('dump/a/events.json', events);
    file('dump/a/p/logs.txt', 'not { of interest');
    const { out } = await run([join(folder, 'dump'), '-o', 'json']);
    expect(nodesOf(resultOf(out))).toEqual({ 'a/p': 'n1' });
    const printed = `${nodes}\n${events}\n==== START logs for container c of pod a/p ====\n x { "\n==== END ====\n${pods}\n`;
    expect(nodesOf(await simulated(printed))).toEqual({ 'a/p': 'n1' });
  });

  const broken = pod('p', 1).replace('cpu: 1', 'cpu: 1x');
  test.each<[string, string, string]>([
    [
      'quantity',
      join3(node('n1', 1), broken),
      'standard input, document 2 (Pod p): field "spec.containers[0].resources.requests.cpu": got "1x", want a quantity like "500m" or "1.5Gi"',
    ],
    [
      'missing field',
      'apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {}\n',
      'standard input (Pod p): field "spec.containers": is required',
    ],
    ['no kind', 'apiVersion: v1\nmetadata: {name: p}\n', 'standard input: field "kind" is required'],
    ['no name', 'apiVersion: v1\nkind: Node\nmetadata: {}\n', '(Node ?): field "metadata.name": is required'],
    ['not an object', '- 1\n', 'want an API object'],
    [
      'syntax',
      'kind: Pod\n  spec: {\n',
      'standard input: Nested mappings are not allowed in compact mappings at line 1, column 7',
    ],
    ['JSON syntax', '{"kind": "Pod",}', 'standard input: '],
    [
      'operator',
      pod(
        'p',
        1,
        ', affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: a, operator: in}]}]}}}',
      ),
      'operator": got "in", want one of "In", "NotIn"',
    ],
    [
      'label',
      node('n1', 1).replace('zone: n1', 'zone: 1'),
      'field "metadata.labels.zone": got 1, want a string',
    ],
    [
      'given twice',
      join3(node('n1', 1), node('n1', 2)),
      'document 2 (Node n1): Node n1 stands in standard input, document 1 already',
    ],
    ['priority class', pod('p', 1, ', priorityClassName: gold'), 'no PriorityClass with name gold was found'],
  ])('wrong: %s', async (_name, objects, message) => {
    const { code, out, err } = await run(['-'], objects);
    expect([code, out]).toEqual([1, '']);
    expect(err).toContain(message);
    expect(err.trim().split('\n')).toHaveLength(1);
  });

  test.each<[string, readonly string[], string]>([
    [
      'node of --drain',
      ['--drain=n11'],
      '--drain: no node "n11" among the objects given, did you mean "n1"?',
    ],
    ['node of --like', ['--add-nodes=1', '--like=x'], '--like: no node "x"'],
    ['taint', ['--remove-taint=n1:a:NoSchedule'], 'node "n1" has no taint a:NoSchedule, it has none'],
    ['taint, how written', ['--remove-taint=n1'], 'got "n1", want NODE:KEY:EFFECT'],
    ['taint, effect', ['--remove-taint=n1:a:Never'], 'got the effect "Never"'],
    ['shape', ['--capacity=nothing'], '"nothing" is neither a file nor a pod'],
    ['config', ['--config=/nowhere'], 'config file /nowhere: cannot be read'],
    ['file', ['/nowhere/x.yaml'], '/nowhere/x.yaml: cannot be read'],
  ])('wrong: %s', async (_name, args, message) => {
    const { code, err } = await run([...args, '-'], node('n1', 1));
    expect([code, err]).toEqual([1, expect.stringContaining(message)]);
  });

  test.each<[string, readonly string[], string]>([
    ['nothing to read', [], 'want at least one file or folder'],
    ['form', ['-o', 'xml', '-'], '--output: got "xml", want table, json or html=FILE'],
    ['nodes of no kind', ['--add-nodes=1', '-'], 'want --like NODE as well'],
    ['unknown flag', ['--nope', '-'], 'unknown flag: --nope'],
  ])('wrong command line: %s', async (_name, args, message) => {
    const { code, err } = await run(args);
    expect([code, err]).toEqual([2, expect.stringContaining(message)]);
  });
});

test('S9: the report stands alone, shows the nodes and escapes what it is given', async () => {
  const report = join(folder, 'r.html');
  const strange = pod('p', 1).replace('name: p', 'name: "<script>"');
  const { code, out } = await run(
    ['-o', `html=${report}`, '-'],
    join3(node('n1', 2), node('n2', 3), strange),
  );
  expect([code, out]).toEqual([0, '']);
  const page = readFileSync(report, 'utf8');
  expect(page).toContain('aria-label="Fill of 2 nodes"');
  expect(page).toContain('&lt;script&gt;');
  expect(page).not.toContain('<script');
  expect(page).not.toMatch(/(src|href)=|url\(|https?:\/\//);
});

test('S9: pods that have ended hold nothing; pods on nodes that were not given are told of and count nowhere', async () => {
  const ended = `${pod('ended', 2, ', nodeName: n1')}status: {phase: Succeeded}\n`;
  const objects = join3(node('n1', 2), ended, pod('ghost', 2, ', nodeName: gone'), pod('fits', 2));
  const result = await simulated(objects);
  expect(nodesOf(result)).toEqual({ 'default/fits': 'n1' });
  expect(result.summary).toMatchObject({ running: 1, placed: 1, pending: 0 });
  expect(result.notices).toEqual(['1 pods run on nodes that were not given, and count nowhere: gone']);
});

test('S9: a pod on its way out holds its room and is not evicted; daemons stay', async () => {
  const leaving = pod('leaving', 1, ', nodeName: n1', ', deletionTimestamp: "2026-01-01T00:00:00Z"');
  const daemon = pod('agent', 0.5, ', nodeName: n1', owned('DaemonSet', 'agent'));
  const objects = join3(node('n1', 2), leaving, daemon, pod('big', 1.5), pod('small', 0.5));
  const kept = await simulated(objects);
  expect(nodesOf(kept)).toEqual({ 'default/small': 'n1' });
  const [drain] = (await simulated(objects, '--drain', 'n1')).drains;
  expect(drain).toMatchObject({ evicted: [], lost: [], ignored: ['default/agent'], blocked: [] });
});

test('S9: what objects say does not steer the terminal', async () => {
  const { out } = await run(['-'], join3(node('n1', 2), pod('"a\\e[31m\\nb"', 1)));
  expect(out).toContain('default/a\\x1b[31m\\x0ab  n1');
});

test('S9: a report that cannot be written is told with its path; a node named twice is drained once', async () => {
  const objects = join3(node('n1', 2), node('n2', 2), pod('p', 1, ', nodeName: n1', owned('ReplicaSet')));
  const path = join(folder, 'missing', 'report.html');
  const { code, err } = await run(['--html', path, '-'], objects);
  expect([code, err]).toEqual([1, expect.stringContaining(`--html: ${path} cannot be written: ENOENT`)]);
  expect((await simulated(objects, '--drain', 'n1', '--drain', 'n1')).drains).toHaveLength(1);
});

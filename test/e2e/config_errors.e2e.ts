/** A config file that cannot be meant ends the daemon at once, with a message that names the field. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cluster, REPO, STATE, STOCK, type Flavour } from './support/cluster.ts';
import { runProgram } from './support/program.ts';

type Daemon = 'kubelet' | 'proxy' | 'scheduler';

const KINDS: Readonly<Record<Daemon, { apiVersion: string; kind: string; ours: string; stock: string }>> = {
  kubelet: {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    ours: 'ts-kubelet',
    stock: 'kubelet',
  },
  proxy: {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    ours: 'ts-kube-proxy',
    stock: 'kube-proxy',
  },
  scheduler: {
    apiVersion: 'kubescheduler.config.k8s.io/v1',
    kind: 'KubeSchedulerConfiguration',
    ours: 'ts-scheduler',
    stock: 'kube-scheduler',
  },
};

function program(daemon: Daemon, flavour: Flavour): string {
  const { ours, stock } = KINDS[daemon];
  return flavour === 'ours' ? join(REPO, 'dist', ours) : join(STOCK, stock);
}

const kubeconfig = join(STATE, 'kubeconfigs', 'kube-scheduler.kubeconfig');

/** Fields that are wrong, and what the message has to name. */
const CASES: [Daemon, string, object, string][] = [
  ['kubelet', 'an unknown field', { podPidLimit: 5 }, 'podPidLimit'],
  ['kubelet', 'a number for a text', { clusterDomain: 5 }, 'clusterDomain'],
  ['kubelet', 'a duration without a unit', { syncFrequency: '10' }, 'syncFrequency|missing unit in duration'],
  ['kubelet', 'an unknown field in a list', { registerWithTaints: [{ key: 'a', efect: 'x' }] }, 'efect'],
  ['kubelet', 'a value out of range', { healthzPort: 123_456 }, '[hH]ealthzPort'],
  ['kubelet', 'a gate without its need', { featureGates: { GangScheduling: true } }, 'GenericWorkload'],
  ['proxy', 'a gate without its need', { featureGates: { GangScheduling: true } }, 'GenericWorkload'],
  ['proxy', 'a text for a number', { iptables: { masqueradeBit: 'x' } }, 'masqueradeBit'],
  ['proxy', 'an unknown mode', { mode: 'magic', clientConnection: { kubeconfig } }, '[mM]ode'],
  ['proxy', 'no CIDR', { clusterCIDR: '10.0.0.0/99', clientConnection: { kubeconfig } }, '[cC]lusterCIDR'],
  ['scheduler', 'an unknown field', { profils: [] }, 'profils'],
  ['scheduler', 'a text for a number', { parallelism: 'many' }, 'parallelism'],
  [
    'scheduler',
    'an unknown plugin',
    {
      clientConnection: { kubeconfig },
      leaderElection: { leaderElect: false },
      profiles: [{ plugins: { filter: { enabled: [{ name: 'NoSuchPlugin' }] } } }],
    },
    'NoSuchPlugin',
  ],
  [
    'scheduler',
    'the same scheduler name twice',
    {
      clientConnection: { kubeconfig },
      leaderElection: { leaderElect: false },
      profiles: [{ schedulerName: 'a' }, { schedulerName: 'a' }],
    },
    'a|schedulerName',
  ],
];

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'e2e-config-'));
});
afterEach(() => rm(dir, { recursive: true }));

async function runWith(daemon: Daemon, text: string): Promise<{ exitCode: number; output: string }> {
  const file = join(dir, 'config.yaml');
  await writeFile(file, text);
  const argv: [string, ...string[]] = [program(daemon, cluster().flavours[daemon]), `--config=${file}`];
  if (daemon === 'kubelet') argv.push(`--root-dir=${dir}`, `--cert-dir=${dir}`);
  if (daemon === 'scheduler') argv.push('--secure-port=0');
  const { exitCode, stdout, stderr } = await runProgram(argv, { timeoutMs: 20_000 });
  return { exitCode, output: stdout + stderr };
}

/** Ours says it in one sentence: the last line names the field, and there is no stack trace. */
function expectOneSentence(output: string, flavour: Flavour): void {
  if (flavour === 'stock') return;
  expect(output.trim().split('\n')).toHaveLength(1);
  expect(output).not.toMatch(/^\s+at /m);
}

test.each(CASES)('%s: %s', async (daemon, _, fields, named) => {
  const { apiVersion, kind } = KINDS[daemon];
  const { exitCode, output } = await runWith(daemon, JSON.stringify({ apiVersion, kind, ...fields }));
  expect(output).toMatch(new RegExp(named));
  expect(exitCode).not.toBe(0);
  expectOneSentence(output, cluster().flavours[daemon]);
});

test.each(['kubelet', 'proxy', 'scheduler'] as const)('%s: no YAML', async (daemon) => {
  const { exitCode, output } = await runWith(daemon, 'kind: {[\n');
  expect(exitCode).not.toBe(0);
  expect(output).not.toBe('');
  expectOneSentence(output, cluster().flavours[daemon]);
});

test.each(['kubelet', 'proxy', 'scheduler'] as const)('%s: another kind', async (daemon) => {
  const { exitCode, output } = await runWith(daemon, '{"apiVersion":"v1","kind":"Pod"}');
  expect(output).toMatch(/Pod/);
  expect(exitCode).not.toBe(0);
  expectOneSentence(output, cluster().flavours[daemon]);
});

test.each(['kubelet', 'proxy', 'scheduler'] as const)('%s: no such file', async (daemon) => {
  const argv: [string, ...string[]] = [
    program(daemon, cluster().flavours[daemon]),
    `--config=${join(dir, 'none.yaml')}`,
  ];
  const { exitCode, stdout, stderr } = await runProgram(argv, { timeoutMs: 20_000 });
  expect(exitCode).not.toBe(0);
  expect(stdout + stderr).toContain('none.yaml');
  expectOneSentence(stdout + stderr, cluster().flavours[daemon]);
});

test.each(['kubelet', 'proxy', 'scheduler'] as const)('%s: an unknown flag', async (daemon) => {
  const argv: [string, ...string[]] = [program(daemon, cluster().flavours[daemon]), '--no-such-flag=1'];
  const { exitCode, stdout, stderr } = await runProgram(argv, { timeoutMs: 20_000 });
  expect(exitCode).not.toBe(0);
  expect(stdout + stderr).toContain('unknown flag: --no-such-flag');
});

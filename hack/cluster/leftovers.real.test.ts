/**
 * Real clusters of stock programs, taken away in whatever state: nothing of them may be left on the machine. Needs
 * root and what hack/up has put into the cache; each case takes some ten seconds.
 */
import { execFile, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cgroupHierarchies, clustersWithGroups } from './cgroups.ts';
import { clusterPaths, rootsFrom } from './paths.ts';
import { isAlive, readRecords } from './processes.ts';
import { allProcesses, commandLine, mounts, readIfThere } from './procfs.ts';

const NAME = `leftover-${process.pid % 1000}`;
const REPO = path.resolve(__dirname, '../..');
const ROOTS = rootsFrom(process.env);
const PATHS = clusterPaths(ROOTS.state, NAME);
const STOCK = ['--kubelet=stock', '--proxy=stock', '--scheduler=stock'];
jest.setTimeout(180_000);

/** Whatever of the machine names the cluster, or could be changed by it. Other clusters come and go meanwhile. */
function traces(): Record<string, readonly string[]> {
  const mine = (text: string): boolean => text.includes(NAME);
  const dir = (name: string): string[] => (existsSync(name) ? readdirSync(name) : []);
  const hierarchies = cgroupHierarchies(mounts(), (file) => readIfThere(file) ?? '');
  return {
    processes: allProcesses()
      .filter((stat) => stat.pid !== process.pid)
      .map((stat) => commandLine(stat.pid).join(' '))
      .filter((line) => line.includes(`/${NAME}/`)),
    namespaces: dir('/run/netns').filter(mine),
    mounts: mounts()
      .map((mount) => mount.mountPoint)
      .filter(mine),
    groups: hierarchies === undefined ? [] : clustersWithGroups(hierarchies).filter(mine),
    state: dir(ROOTS.state).filter(mine),
    slots: (readIfThere(path.join(ROOTS.state, 'slots.json')) ?? '').split('\n').filter(mine),
  };
}

/** Interfaces, routes and sysctls of the host; compared only while nobody else brings clusters up or down. */
function hostNetwork(): string[] {
  const routes = readFileSync('/proc/net/route', 'utf8').split('\n');
  return [...readdirSync('/sys/class/net'), ...routes.map((line) => line.split('\t').slice(0, 3).join(' '))];
}

const CLEAN = { processes: [], namespaces: [], mounts: [], groups: [], state: [], slots: [] };

function hack(command: string, ...args: string[]): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve) => {
    execFile(path.join(REPO, 'hack', command), args, { timeout: 150_000 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : null;
      resolve({ code, output: stdout + stderr });
    });
  });
}

/** Fails with what the command printed, which a comparison of exit codes would not show. */
function expectSuccess({ code, output }: { code: number | null; output: string }): void {
  if (code !== 0) throw new Error(`exit code ${code}:\n${output}`);
}

/** Starts hack/up and ends it by `signal` as soon as `reached` holds. */
async function interruptedUp(signal: NodeJS.Signals, reached: () => boolean): Promise<void> {
  const up = spawn(path.join(REPO, 'hack/up'), ['--name', NAME, ...STOCK], { stdio: 'ignore' });
  const ended = new Promise((resolve) => up.once('exit', resolve));
  while (up.exitCode === null && !reached()) await sleep(5);
  up.kill(signal);
  await ended;
}

const started = (id: string) => (): boolean => existsSync(path.join(PATHS.run, `${id}.json`));

/** Interfaces of this test's cluster, by the slot that it was given. */
function ownInterface(): string | undefined {
  const text = readIfThere(PATHS.clusterFile);
  const slot = text === undefined ? undefined : /"slot": (\d+)/.exec(text)?.[1];
  return slot === undefined ? undefined : `tsk${slot}`;
}

afterEach(() => hack('down', '--name', NAME));

test('a whole cluster goes without a trace, and what was killed comes back alone', async () => {
  const up = await hack('up', '--name', NAME, ...STOCK);
  expectSuccess(up);
  const link = ownInterface();
  expect(hostNetwork()).toContain(link);

  const again = await hack('up', '--name', NAME);
  expect(again.output).toContain('nothing changed');
  expectSuccess(await hack('status', '--name', NAME));

  const records = (): Map<string, number> =>
    new Map(
      readRecords(PATHS)
        .filter(isAlive)
        .map((one) => [one.id, one.pid]),
    );
  const before = records();
  for (const id of ['kube-scheduler', 'kubelet-node-1']) process.kill(before.get(id) ?? 0, 'SIGKILL');
  while (records().size > before.size - 2) await sleep(20);
  const status = await hack('status', '--name', NAME);
  expect(status.code).toBe(1);
  expect(status.output).toMatch(/kubelet-node-1 +- +ended/);
  const repaired = await hack('up', '--name', NAME);
  expectSuccess(repaired);
  expect(repaired.output).toContain('started kube-scheduler again: it had ended');
  const after = records();
  const changed = [...after.keys()].filter((id) => after.get(id) !== before.get(id));
  expect(changed.toSorted()).toEqual(['kube-scheduler', 'kubelet-node-1']);

  for (const pid of after.values()) process.kill(pid, 'SIGKILL');
  expectSuccess(await hack('down', '--name', NAME));
  expect(traces()).toEqual(CLEAN);
  expect(hostNetwork()).not.toContain(link);
  expect(hostNetwork().filter((line) => link !== undefined && line.startsWith(`${link} `))).toEqual([]);
});

test.each([
  ['SIGINT', 'the first folder is made', () => existsSync(PATHS.dir)],
  ['SIGKILL', 'the certificates are being made', () => existsSync(PATHS.pki)],
  ['SIGKILL', 'a node is up', started('node-1')],
  ['SIGINT', 'containerd is up', started('containerd-node-2')],
  ['SIGKILL', 'the apiserver is up', started('kube-apiserver')],
  ['SIGKILL', 'a kubelet is up', started('kubelet-node-1')],
] as const)(
  'hack/up ended by %s when %s leaves nothing that hack/down does not find',
  async (signal, _, reached) => {
    await interruptedUp(signal, reached);
    const down = await hack('down', '--name', NAME);
    expectSuccess(down);
    expect(traces()).toEqual(CLEAN);
  },
);

test('hack/down with the records gone finds everything by looking', async () => {
  await interruptedUp('SIGKILL', started('kubelet-node-1'));
  await new Promise((resolve) => execFile('rm', ['-rf', PATHS.run, PATHS.clusterFile], resolve));
  expectSuccess(await hack('down', '--name', NAME));
  expect(traces()).toEqual(CLEAN);
});

test('hack/up goes on where a killed one stopped', async () => {
  await interruptedUp('SIGKILL', started('kube-apiserver'));
  const up = await hack('up', '--name', NAME);
  expectSuccess(up);
  expectSuccess(await hack('status', '--name', NAME));
});

test('taking away what is not there says so', async () => {
  const down = await hack('down', '--name', NAME);
  expectSuccess(down);
  expect(down.output).toContain('nothing is there');
  expect(traces()).toEqual(CLEAN);
});

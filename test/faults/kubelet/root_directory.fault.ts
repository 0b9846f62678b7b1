/** The kubelet's own directory fails it: full, or with a checkpoint that makes no sense. */
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorCode } from '../../../lib/base/errors.ts';
import { closeApi, nodeFile, processOf } from '../../e2e/support/cluster.ts';
import { eventually } from '../../e2e/support/eventually.ts';
import { describePod, TestNamespace } from '../../e2e/support/namespace.ts';
import { runProgram } from '../../e2e/support/program.ts';
import { Bystanders, comesAndGoes, stayingPod } from '../support/bystanders.ts';
import { KUBELET, KubeletLog, NODE, nodeIs, restartKubelet, standing } from '../support/node_under_fault.ts';

/** On the node. */
const SMALL = '/run/tsk-faults-root';

afterAll(closeApi);

async function inNodeMounts(...argv: readonly string[]): Promise<void> {
  const { exitCode, stderr } = await runProgram([
    'nsenter',
    `--target=${processOf(NODE).pid}`,
    '--mount',
    // Its own /proc, which umount reads.
    '--pid',
    '--',
    ...argv,
  ]);
  if (exitCode !== 0) throw new Error(`${argv.join(' ')}: ${stderr}`);
}

test('the disk of the root directory is full: what runs runs on, what is new waits and says why, and goes on by itself', async () => {
  const root = nodeFile(NODE, SMALL);
  const usual = standing.record(KUBELET).argv;
  await inNodeMounts('mkdir', '-p', SMALL);
  await inNodeMounts('mount', '-t', 'tmpfs', '-o', 'size=8m', 'tsk-faults', SMALL);
  await inNodeMounts('mount', '--make-rshared', SMALL);
  try {
    await restartKubelet(`--root-dir=${SMALL}`);
    await nodeIs('True');
    const ns = await TestNamespace.create('disk-full');
    const bystanders = await Bystanders.start(ns, 3);
    const { pid } = standing.record(KUBELET);
    fill(join(root, 'ballast'));
    const config = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'config' },
      data: { key: 'v'.repeat(9000) },
    };
    await ns.apply(
      config,
      stayingPod('waits', {}, { volumes: [{ name: 'config', configMap: { name: 'config' } }] }),
    );
    await eventually('the new pod says what is wrong', async () => {
      const messages = await ns.kubectl(
        'get',
        'events',
        '--field-selector=involvedObject.name=waits',
        '-o=jsonpath={.items[*].message}',
      );
      expect(messages).toMatch(/no space left on device|ENOSPC/);
    });
    await bystanders.haveNotNoticed();
    // Deleting needs no room.
    await ns.kubectl('delete', 'pod', 'bystander-2', '--wait=false');
    await ns.gone('bystander-2');
    rmSync(join(root, 'ballast'));
    await ns.ready('waits', 90_000).catch(async (error: unknown) => {
      throw new Error(describePod(await ns.pod('waits')), { cause: error });
    });
    expect(standing.record(KUBELET).pid).toBe(pid);
    expect(standing.alive(KUBELET)).toBe(true);
    await ns[Symbol.asyncDispose]();
  } finally {
    await standing.kill(KUBELET);
    const [program = '', ...args] = usual;
    await standing.start(KUBELET, [program, ...args]);
    await nodeIs('True');
    await inNodeMounts('umount', '--recursive', '--lazy', SMALL);
  }
}, 300_000);

/** Writes until nothing more fits. */
function fill(file: string): void {
  for (const size of [1 << 20, 1 << 12, 1]) {
    try {
      for (;;) writeFileSync(file, Buffer.alloc(size), { flag: 'a' });
    } catch (error) {
      if (errorCode(error) !== 'ENOSPC') throw error;
    }
  }
}

test('corrupt checkpoints are set aside and told of; nothing restarts', async () => {
  await using ns = await TestNamespace.create('checkpoint');
  const bystanders = await Bystanders.start(ns, 3);
  const root = nodeFile(NODE, '/var/lib/kubelet');
  const resources = { requests: { cpu: '10m' }, limits: { cpu: '20m' } };
  await ns.apply(
    stayingPod(
      'resized',
      {},
      {
        containers: [
          { name: 'main', image: 'ts-kubernetes.local/busybox:dev', command: ['sleep', '3600'], resources },
        ],
      },
    ),
  );
  await ns.ready('resized');
  await standing.kill(KUBELET);
  const checkpoints = readdirSync(root).filter((name) => /^ts_kubelet_.*_state$/.test(name));
  expect(checkpoints).not.toEqual([]);
  for (const name of checkpoints) writeFileSync(join(root, name), '{"version": 1, "allocated": {"x": [[');
  const log = new KubeletLog();
  await restartKubelet();
  await nodeIs('True');
  await eventually('they are set aside', async () => {
    for (const name of checkpoints) expect(existsSync(join(root, `${name}.corrupt`))).toBe(true);
  });
  for (const name of checkpoints) {
    expect(log.text()).toContain(name);
    rmSync(join(root, `${name}.corrupt`));
  }
  await comesAndGoes(ns);
  await bystanders.haveNotNoticed();
}, 180_000);

/** containerd restarted, killed, and hung: the node says so and recovers, and no container notices. */
import { setTimeout as sleep } from 'node:timers/promises';
import { closeApi } from '../../e2e/support/cluster.ts';
import { TestNamespace } from '../../e2e/support/namespace.ts';
import { Bystanders, comesAndGoes, stayingPod } from '../support/bystanders.ts';
import { CONTAINERD, KUBELET, nodeIs, nothingLeft, scaled, standing } from '../support/node_under_fault.ts';

const HUNG_MS = scaled(180_000, 60_000);

afterAll(closeApi);

test('containerd is restarted, and killed and started', async () => {
  const ns = await TestNamespace.create('runtime-restart');
  const bystanders = await Bystanders.start(ns);
  const kubelet = standing.record(KUBELET).pid;
  for (const end of ['stop', 'kill'] as const) {
    await standing[end](CONTAINERD);
    // What is asked for meanwhile comes when it can.
    await ns.apply(stayingPod(`asked-for-${end}`));
    await sleep(2000);
    await standing.start(CONTAINERD);
    await ns.ready(`asked-for-${end}`);
    await nodeIs('True');
    await comesAndGoes(ns);
    await bystanders.haveNotNoticed();
  }
  expect(standing.record(KUBELET).pid).toBe(kubelet);
  expect(standing.alive(KUBELET)).toBe(true);
  await ns[Symbol.asyncDispose]();
  await nothingLeft();
}, 240_000);

test(
  `containerd hangs for ${HUNG_MS / 1000} s: the node is not ready and says why; then all goes on`,
  async () => {
    await using ns = await TestNamespace.create('runtime-hung');
    const bystanders = await Bystanders.start(ns);
    await ns.apply(stayingPod('to-be-deleted'));
    await ns.ready('to-be-deleted');
    const { pid } = standing.record(CONTAINERD);
    process.kill(pid, 'SIGSTOP');
    const since = performance.now();
    try {
      await ns.apply(stayingPod('asked-for'));
      await ns.kubectl('delete', 'pod', 'to-be-deleted', '--wait=false');
      expect(await nodeIs('False', 60_000)).toContain('container runtime is down');
      await sleep(HUNG_MS - (performance.now() - since));
      await nodeIs('False');
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await nodeIs('True', 30_000);
    await ns.ready('asked-for', 30_000);
    await ns.gone('to-be-deleted', 30_000);
    await comesAndGoes(ns);
    await bystanders.haveNotNoticed();
  },
  HUNG_MS + 240_000,
);

/** Against a real containerd of this test's own. Needs root. */
import { setTimeout as sleep } from 'node:timers/promises';
import { BUSYBOX, type ContainerdFixture, startContainerd } from '../../test/fixtures/containerd.ts';
import { CriError } from './errors.ts';
import { connectRuntime, type RuntimeClient } from './runtime_client.ts';

jest.setTimeout(90_000);

let containerd: ContainerdFixture;
let client: RuntimeClient;

beforeAll(async () => {
  containerd = await startContainerd();
  client = connectRuntime({ endpoint: containerd.endpoint });
});

afterAll(async () => {
  client?.close();
  await containerd?.stop();
});

const codeOf = async (call: Promise<unknown>): Promise<string> => {
  try {
    await call;
    return 'OK';
  } catch (error) {
    if (error instanceof CriError) return error.code;
    throw error;
  }
};

const sandboxConfig = () =>
  ({
    metadata: { name: 'p', namespace: 'default', uid: 'uid-1', attempt: 0 },
    hostname: 'p',
    linux: {
      cgroupParent: containerd.cgroupParent,
      securityContext: { namespaceOptions: { network: 0, pid: 1 } },
    },
  }) as const;

test('a pod from sandbox to exec to removal', async () => {
  const { podSandboxId } = await client.runPodSandbox({ config: sandboxConfig() });
  const { status } = await client.podSandboxStatus({ podSandboxId });
  expect(status?.metadata).toEqual({ name: 'p', namespace: 'default', uid: 'uid-1', attempt: 0 });
  expect(status?.createdAt).toBeGreaterThan(1_700_000_000_000_000_000n);
  const { containerId } = await client.createContainer({
    podSandboxId,
    config: { metadata: { name: 'c', attempt: 3 }, image: { image: BUSYBOX }, command: ['sleep', '1000'] },
    sandboxConfig: sandboxConfig(),
  });
  await client.startContainer({ containerId });
  const result = await client.execSync({
    containerId,
    cmd: ['sh', '-c', 'echo out; echo err >&2; exit 7'],
    timeout: 10n,
  });
  expect([
    result.exitCode,
    Buffer.from(result.stdout).toString(),
    Buffer.from(result.stderr).toString(),
  ]).toEqual([7, 'out\n', 'err\n']);
  await client.stopContainer({ containerId, timeout: 0n });
  const stopped = await client.containerStatus({ containerId });
  expect(stopped.status?.exitCode).toBe(137);
  await client.stopPodSandbox({ podSandboxId });
  await client.removePodSandbox({ podSandboxId });
  expect(await codeOf(client.podSandboxStatus({ podSandboxId }))).toBe('NOT_FOUND');
});

test('errors carry the gRPC code', async () => {
  expect(await codeOf(client.removeContainer({ containerId: 'none' }))).toBe('OK'); // idempotent by contract
  expect(await codeOf(client.containerStatus({ containerId: 'none' }))).toBe('NOT_FOUND');
  expect(await codeOf(client.imageStatus())).not.toBe('OK');
});

test('a call the runtime lacks is asked once', async () => {
  const before = client.supports('runtimeConfig');
  const first = await codeOf(client.runtimeConfig());
  expect([before, first]).toEqual([true, 'UNIMPLEMENTED']);
  expect(client.supports('runtimeConfig')).toBe(false);
  const drained = async (): Promise<void> => {
    for await (const _ of client.getContainerEvents()) throw new Error('containerd 1.6 has no events');
  };
  expect(await codeOf(drained())).toBe('UNIMPLEMENTED');
  expect(client.supports('getContainerEvents')).toBe(false);
  // From memory: it answers even when nothing is there to ask.
  await containerd.kill();
  expect(await codeOf(client.runtimeConfig())).toBe('UNIMPLEMENTED');
  await containerd.start();
});

test('deadlines and cancellation', async () => {
  const pid = containerd.pid ?? 0;
  process.kill(pid, 'SIGSTOP');
  try {
    expect(await codeOf(client.version({}, { timeoutMs: 200 }))).toBe('DEADLINE_EXCEEDED');
    const controller = new AbortController();
    const call = codeOf(client.version({}, { signal: controller.signal }));
    controller.abort();
    expect(await call).toBe('CANCELLED');
    expect(await codeOf(client.version({}, { signal: controller.signal }))).toBe('CANCELLED');
  } finally {
    process.kill(pid, 'SIGCONT');
  }
});

test('the runtime killed: calls fail at once, and work within a second of its return', async () => {
  await client.version();
  await containerd.kill();
  const failed = Date.now();
  expect(await codeOf(client.version())).toBe('UNAVAILABLE');
  expect(Date.now() - failed).toBeLessThan(1000);
  await sleep(1500); // let the back-off grow to its maximum
  await containerd.start();
  const returned = Date.now();
  while ((await codeOf(client.version())) !== 'OK') await sleep(20);
  expect(Date.now() - returned).toBeLessThan(1200);
  expect(client.connected).toBe(true);
});

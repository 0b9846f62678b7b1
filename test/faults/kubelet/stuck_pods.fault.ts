/** Pods that get nowhere: all others come and go as on any day, and the stuck ones can be got rid of. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { closeApi, cluster, nodeFile } from '../../e2e/support/cluster.ts';
import { eventually } from '../../e2e/support/eventually.ts';
import { TestNamespace } from '../../e2e/support/namespace.ts';
import { scriptPod } from '../../e2e/support/workloads.ts';
import { Bystanders, comesAndGoes, stayingPod } from '../support/bystanders.ts';
import { NODE, nothingLeft } from '../support/node_under_fault.ts';

const ROUNDS = 3;

let ns: TestNamespace;
let bystanders: Bystanders;
beforeAll(async () => {
  ns = await TestNamespace.create('stuck');
  bystanders = await Bystanders.start(ns);
});
afterAll(async () => {
  await ns[Symbol.asyncDispose]();
  await nothingLeft();
  await closeApi();
}, 120_000);

async function othersAreWell(): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) await comesAndGoes(ns);
  await bystanders.haveNotNoticed();
}

test('a pull that never ends', async () => {
  const registry = await silentServer();
  const host = `${hostAddress()}:${registry.port}`;
  const hosts = nodeFile(NODE, `/var/lib/containerd/certs.d/${host}`);
  mkdirSync(hosts, { recursive: true });
  writeFileSync(join(hosts, 'hosts.toml'), `server = "http://${host}"\n`);
  try {
    await ns.apply(
      ...[1, 2, 3].map((n) =>
        stayingPod(`pulls-${n}`, {}, { containers: [{ name: 'main', image: `${host}/never:${n}` }] }),
      ),
    );
    await eventually('the registry is asked', async () => expect(registry.asked()).toBeGreaterThan(0));
    await othersAreWell();
    await ns.kubectl('delete', 'pod', 'pulls-1', 'pulls-2', 'pulls-3', '--wait=false');
    for (const n of [1, 2, 3]) await ns.gone(`pulls-${n}`);
  } finally {
    registry.close();
    rmSync(hosts, { recursive: true });
  }
});

test('a preStop that never ends', async () => {
  const lifecycle = { preStop: { exec: { command: ['sleep', '100000'] } } };
  await ns.apply(
    scriptPod('never-stops', 'sleep 100000', {
      spec: { nodeName: NODE, terminationGracePeriodSeconds: 3600 },
      container: { lifecycle },
    }),
  );
  await ns.ready('never-stops');
  await ns.kubectl('delete', 'pod', 'never-stops', '--wait=false');
  await othersAreWell();
  await ns.kubectl('delete', 'pod', 'never-stops', '--grace-period=1', '--wait=false');
  await ns.gone('never-stops', 20_000);
});

test.each([
  ['that is missing', { configMap: { name: 'nowhere' } }],
  ['of a server that does not answer', { nfs: { server: '192.0.2.1', path: '/' } }],
  ['of a claim that is never bound', { persistentVolumeClaim: { claimName: 'nowhere' } }],
])('a volume %s', async (_, source) => {
  const name = `mounts-${Object.keys(source)[0]?.toLowerCase() ?? ''}`;
  const volumes = [{ name: 'v', ...source }];
  await ns.apply(stayingPod(name, {}, { volumes, containers: [mounting('v')] }));
  await othersAreWell();
  expect((await ns.pod(name)).status?.phase).toBe('Pending');
  await ns.kubectl('delete', 'pod', name, '--wait=false');
  await ns.gone(name);
});

function mounting(volume: string): object {
  return {
    name: 'main',
    image: 'ts-kubernetes.local/busybox:dev',
    command: ['sleep', '3600'],
    volumeMounts: [{ name: volume, mountPath: '/v' }],
  };
}

/** The address of this machine that nodes reach. */
function hostAddress(): string {
  const prefix = `${cluster().nodes[0]?.address.split('.').slice(0, 3).join('.') ?? ''}.`;
  const found = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .find(({ address }) => address.startsWith(prefix));
  if (found === undefined) throw new Error(`faults: no address in ${prefix}0/24`);
  return found.address;
}

/** Takes connections and never says a word. */
async function silentServer(): Promise<{ port: number; asked(): number; close(): void }> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve));
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    asked: () => sockets.size,
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

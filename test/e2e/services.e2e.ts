/** Services from everywhere: host, node and pod on both nodes; TCP and UDP; by address and by name. */
import type { Service } from '../../lib/api/types.ts';
import { SERVICES } from '../../lib/client/resource.ts';
import { api, closeApi, twoNodes } from './support/cluster.ts';
import { eventually } from './support/eventually.ts';
import { TestNamespace } from './support/namespace.ts';
import { lookUp, send, type Origin, type Protocol } from './support/traffic.ts';
import { netexecPod, netexecService, scriptPod } from './support/workloads.ts';

const [first, second] = twoNodes();
const PORTS: Readonly<Record<Protocol, number>> = { http: 80, udp: 81 };

let ns: TestNamespace;
let service: Service;
let clusterIP: string;

/** Two servers, one on each node, and one client pod on each node. */
beforeAll(async () => {
  ns = await TestNamespace.create('services');
  await ns.apply(
    netexecPod('server-1', first.name, { app: 'server' }),
    netexecPod('server-2', second.name, { app: 'server' }),
    netexecPod('client-1', first.name),
    netexecPod('client-2', second.name),
    netexecService('server', 'server', { type: 'NodePort' }),
  );
  for (const name of ['server-1', 'server-2', 'client-1', 'client-2']) await ns.ready(name);
  service = await api().get(SERVICES, { namespace: ns.name, name: 'server' });
  clusterIP = service.spec.clusterIP ?? '';
});

afterAll(async () => {
  await ns[Symbol.asyncDispose]();
  await closeApi();
});

const ORIGINS: [string, () => Origin][] = [
  ['the host', () => ({ kind: 'host' })],
  [`node ${first.name}`, () => ({ kind: 'node', node: first.name })],
  [`node ${second.name}`, () => ({ kind: 'node', node: second.name })],
  [`a pod on ${first.name}`, () => ({ kind: 'pod', namespace: ns.name, pod: 'client-1' })],
  [`a pod on ${second.name}`, () => ({ kind: 'pod', namespace: ns.name, pod: 'client-2' })],
];
const PROTOCOLS: Protocol[] = ['http', 'udp'];
const EVERYWHERE = ORIGINS.flatMap(([name, origin]) =>
  PROTOCOLS.map((protocol): [string, Protocol, () => Origin] => [name, protocol, origin]),
);

function nodePort(protocol: Protocol): number {
  return service.spec.ports?.find((port) => port.name === protocol)?.nodePort ?? 0;
}

/** All servers answer in the end, and nothing else happens on the way. */
async function bothAnswer(origin: Origin, protocol: Protocol, host: string, port: number): Promise<void> {
  const seen = new Set<string>();
  await eventually(`${host}:${port} answers from both servers`, async () => {
    const { answers, errors } = await send(origin, protocol, host, port, 10);
    for (const answer of answers) seen.add(answer);
    if (errors.length > 0) throw new Error(errors.join(', '));
    if (seen.size < 2) throw new Error(`only ${[...seen].join(', ')}`);
  });
  expect(seen).toEqual(new Set(['server-1', 'server-2']));
}

test.each(EVERYWHERE)('ClusterIP from %s by %s', async (_, protocol, origin) => {
  await bothAnswer(origin(), protocol, clusterIP, PORTS[protocol]);
});

test.each(EVERYWHERE)('NodePort of both nodes from %s by %s', async (_, protocol, origin) => {
  for (const node of [first, second]) {
    await bothAnswer(origin(), protocol, node.address, nodePort(protocol));
  }
});

test.each(ORIGINS)('DNS from %s', async (_, origin) => {
  const dns = await api().get(SERVICES, { namespace: 'kube-system', name: 'kube-dns' });
  const server = dns.spec.clusterIP ?? '';
  const name = `server.${ns.name}.svc.cluster.local`;
  await eventually('the name has its address', async () => {
    expect(await lookUp(origin(), server, name)).toContain(clusterIP);
  });
});

test('a pod finds a Service by its short name, by http', async () => {
  for (const pod of ['client-1', 'client-2']) {
    await bothAnswer({ kind: 'pod', namespace: ns.name, pod }, 'http', 'server', 80);
  }
});

test('a pod reaches itself through its own Service', async () => {
  await ns.apply(netexecPod('alone', first.name, { app: 'alone' }), netexecService('alone', 'alone'));
  await ns.ready('alone');
  const alone = await api().get(SERVICES, { namespace: ns.name, name: 'alone' });
  await eventually('it answers itself', async () => {
    const origin: Origin = { kind: 'pod', namespace: ns.name, pod: 'alone' };
    const { answers, errors } = await send(origin, 'http', alone.spec.clusterIP ?? '', 80, 3);
    expect({ answers, errors }).toEqual({ answers: ['alone', 'alone', 'alone'], errors: [] });
  });
});

test('session affinity keeps a client with one server', async () => {
  await ns.apply(
    netexecService('sticky', 'server', {
      sessionAffinity: 'ClientIP',
      sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } },
    }),
  );
  const sticky = await api().get(SERVICES, { namespace: ns.name, name: 'sticky' });
  for (const [node, origin] of [
    [first.name, { kind: 'node', node: first.name }],
    [second.name, { kind: 'pod', namespace: ns.name, pod: 'client-2' }],
  ] as const) {
    await eventually(`affinity from ${node}`, async () => {
      const { answers, errors } = await send(origin, 'http', sticky.spec.clusterIP ?? '', 80, 12);
      expect(errors).toEqual([]);
      expect(answers).toHaveLength(12);
    });
    const { answers } = await send(origin, 'http', sticky.spec.clusterIP ?? '', 80, 20);
    expect(new Set(answers).size).toBe(1);
  }
});

test('a Service without endpoints refuses at once, on its ClusterIP and NodePort', async () => {
  await ns.apply(netexecService('empty', 'nobody', { type: 'NodePort' }));
  const empty = await api().get(SERVICES, { namespace: ns.name, name: 'empty' });
  const port = empty.spec.ports?.find((one) => one.name === 'http')?.nodePort ?? 0;
  for (const [host, number] of [
    [empty.spec.clusterIP ?? '', 80],
    [first.address, port],
    [second.address, port],
  ] as const) {
    await eventually(`${host}:${number} refuses`, async () => {
      const origin: Origin = { kind: 'node', node: first.name };
      const { errors } = await send(origin, 'http', host, number);
      expect(errors).toEqual(['ECONNREFUSED']);
    });
  }
});

test('a server that is not ready gets no traffic, and gets it when it is', async () => {
  await ns.apply(
    scriptPod('late', 'mkdir /www; echo -n late > /www/hostname; exec httpd -f -p 8080 -h /www', {
      labels: { app: 'late' },
      container: {
        ports: [{ name: 'http', containerPort: 8080 }],
        readinessProbe: { exec: { command: ['test', '-e', '/ready'] }, periodSeconds: 1 },
      },
    }),
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'late' },
      spec: { selector: { app: 'late' }, ports: [{ port: 80, targetPort: 'http' }] },
    },
  );
  const late = await api().get(SERVICES, { namespace: ns.name, name: 'late' });
  const origin: Origin = { kind: 'node', node: second.name };
  await eventually('the container runs', async () => {
    expect((await ns.pod('late')).status?.containerStatuses?.[0]?.started).toBe(true);
  });
  await eventually('refused while not ready', async () => {
    expect((await send(origin, 'http', late.spec.clusterIP ?? '', 80)).errors).toEqual(['ECONNREFUSED']);
  });
  await ns.kubectl('exec', 'late', '--', 'touch', '/ready');
  await eventually('it answers', async () => {
    expect((await send(origin, 'http', late.spec.clusterIP ?? '', 80)).answers).toEqual(['late']);
  });
  await ns.kubectl('exec', 'late', '--', 'rm', '/ready');
  await eventually('refused again', async () => {
    expect((await send(origin, 'http', late.spec.clusterIP ?? '', 80)).errors).toEqual(['ECONNREFUSED']);
  });
});

test('a deleted Service is gone from every node', async () => {
  await ns.apply(netexecService('brief', 'server', { type: 'NodePort' }));
  const brief = await api().get(SERVICES, { namespace: ns.name, name: 'brief' });
  const port = brief.spec.ports?.find((one) => one.name === 'http')?.nodePort ?? 0;
  const origin: Origin = { kind: 'host' };
  for (const { address } of [first, second]) await bothAnswer(origin, 'http', address, port);
  await ns.kubectl('delete', 'service', 'brief');
  for (const { address } of [first, second]) {
    await eventually('nobody answers', async () => {
      expect((await send(origin, 'http', address, port)).answers).toEqual([]);
    });
  }
  // The other Service, with the same servers, is untouched.
  await bothAnswer(origin, 'http', first.address, nodePort('http'));
});

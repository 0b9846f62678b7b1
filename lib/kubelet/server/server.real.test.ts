/** Logs, exec, attach and port-forward through the kubelet's server against a real containerd. Needs root. */
import { mkdirSync } from 'node:fs';
import { get } from 'node:https';
import type { ClientOptions } from 'ws';
import { WebSocket } from 'ws';
import type { ContainerdFixture } from '../../../test/fixtures/containerd.ts';
import { BUSYBOX, startContainerd } from '../../../test/fixtures/containerd.ts';
import { CertificateAuthority } from '../../../test/fixtures/pki.ts';
import type { Pod } from '../../api/types.ts';
import { systemClock } from '../../base/clock.ts';
import { firstOf } from '../../component/authn/authenticator.ts';
import { clientCertificateAuthenticator } from '../../component/authn/client_certificate.ts';
import { privilegedGroups } from '../../component/authz/authorizer.ts';
import { createLogger } from '../../component/logging.ts';
import { Metrics } from '../../component/metrics.ts';
import { SettableSource } from '../../component/serving/certificates.ts';
import type { RunningServer } from '../../component/serving/server.ts';
import { nodeTlsSettings } from '../../component/serving/tls_options.ts';
import { parseBundle } from '../../component/x509/verify.ts';
import { connectRuntime } from '../../cri/runtime_client.ts';
import type { RuntimeClient } from '../../cri/runtime_client.ts';
import type { ContainerRuntimeState, PodRuntimeStatus } from '../contracts.ts';
import { MemoryTimeline } from '../explain/timeline.ts';
import { criStreaming } from './cri_streaming.ts';
import { startKubeletServer } from './server.ts';
import { criStats } from './stats/cri_stats.ts';
import { runtimeContainer, runtimePod, runtimeSandbox } from '../testing/runtime_pod.ts';

jest.setTimeout(90_000);

const ca = new CertificateAuthority();
const serving = ca.issue({ commonName: 'node', hosts: ['127.0.0.1'] });
const admin = ca.issue({ commonName: 'admin', organizations: ['system:masters'] });
const logPath = (): string => `${containerd.dir}/pod-logs/app.log`;

const pod: Pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web', namespace: 'default', uid: 'uid-1' },
  spec: { containers: [{ name: 'app' }] },
};

let containerd: ContainerdFixture;
let client: RuntimeClient;
let server: RunningServer;
let sandboxId = '';
let containerId = '';
let state: ContainerRuntimeState = 'running';
const stop = new AbortController();

beforeAll(async () => {
  containerd = await startContainerd();
  client = connectRuntime({ endpoint: containerd.endpoint });
  mkdirSync(`${containerd.dir}/pod-logs`);
  const sandboxConfig = {
    metadata: { name: 'web', namespace: 'default', uid: 'uid-1', attempt: 0 },
    hostname: 'web',
    logDirectory: `${containerd.dir}/pod-logs`,
    linux: {
      cgroupParent: containerd.cgroupParent,
      securityContext: { namespaceOptions: { network: 0, pid: 1 } },
    },
  } as const;
  ({ podSandboxId: sandboxId } = await client.runPodSandbox({ config: sandboxConfig }));
  ({ containerId } = await client.createContainer({
    podSandboxId: sandboxId,
    sandboxConfig,
    config: {
      metadata: { name: 'app', attempt: 0 },
      image: { image: BUSYBOX },
      // Says what it reads: attach has something to show, logs grow on demand.
      command: [
        'sh',
        '-c',
        'echo started; mkdir /www; echo page > /www/index.html; httpd -p 127.0.0.1:8080 -h /www; cat; echo bye',
      ],
      logPath: 'app.log',
      stdin: true,
      stdinOnce: false,
      labels: {
        'io.kubernetes.pod.uid': 'uid-1',
        'io.kubernetes.pod.name': 'web',
        'io.kubernetes.pod.namespace': 'default',
      },
    },
  }));
  await client.startContainer({ containerId });
  server = await start();
});

afterAll(async () => {
  stop.abort();
  await server?.close(0);
  client?.close();
  await containerd?.stop();
});

const runtimeStatus = (): PodRuntimeStatus =>
  runtimePod([runtimeContainer('app', { id: containerId, sandboxId, state, logPath: logPath() })], {
    uid: 'uid-1',
    namespace: 'default',
    name: 'web',
    sandboxes: [runtimeSandbox({ id: sandboxId, ips: [] })],
  });

function start(): Promise<RunningServer> {
  const clientCA = new SettableSource(parseBundle(ca.cert));
  const runtime = {
    podStatus: () => runtimeStatus(),
    pods: () => [runtimeStatus()],
    onChange: () => () => undefined,
  };
  return startKubeletServer({
    view: {
      nodeName: 'node-1',
      pods: {
        pod: () => pod,
        podByName: (_, name) => (name === 'web' ? pod : undefined),
        pods: () => [pod],
        status: () => ({
          containerStatuses: [
            {
              name: 'app',
              image: '',
              imageID: '',
              ready: true,
              restartCount: 0,
              state: { running: {} },
              containerID: `containerd://${containerId}`,
            },
          ],
        }),
      },
      runtime,
      exec: { execSync: () => Promise.reject(new Error('not here')) },
      streaming: criStreaming(client),
      stats: criStats({ client, runtime, nodeName: 'node-1', rootDir: '/', clock: systemClock }),
      timeline: new MemoryTimeline(systemClock),
      node: () => undefined,
      syncLoopProblem: () => undefined,
      configuration: () => ({}),
    },
    address: '127.0.0.1',
    port: 0,
    certificate: new SettableSource(serving),
    tls: nodeTlsSettings({}).tls,
    authentication: {
      authenticator: firstOf([clientCertificateAuthenticator(clientCA, systemClock)], { anonymous: false }),
      clientAuthorities: [clientCA],
    },
    authorizer: privilegedGroups('system:masters'),
    metrics: new Metrics(),
    flags: new Map(),
    debuggingHandlers: true,
    systemLogHandler: false,
    systemLogQuery: false,
    debugFlagsHandler: false,
    streamingIdleTimeoutMs: 60_000,
    log: createLogger({ format: 'text', verbosity: 0, stream: process.stderr, clock: systemClock }),
    clock: systemClock,
    signal: stop.signal,
  });
}

/** A session by WebSocket: channel byte, then data. Collects what comes by channel. */
class Session {
  readonly socket: WebSocket;
  readonly received = new Map<number, string>();
  readonly opened: Promise<void>;
  readonly closed: Promise<void>;
  #waiting: { channel: number; text: string; resolve: () => void }[] = [];

  constructor(path: string) {
    const options: ClientOptions = { ca: ca.cert, cert: admin.cert, key: admin.key };
    this.socket = new WebSocket(`wss://127.0.0.1:${server.port}${path}`, ['v4.channel.k8s.io'], options);
    this.socket.on('message', (data: Buffer) => {
      const channel = data[0] ?? -1;
      this.received.set(channel, (this.received.get(channel) ?? '') + data.subarray(1).toString('latin1'));
      for (const w of this.#waiting) if (this.#has(w.channel, w.text)) w.resolve();
    });
    this.opened = new Promise((resolve, reject) => {
      this.socket.on('open', resolve);
      this.socket.on('error', reject);
    });
    this.closed = new Promise((resolve) => this.socket.on('close', () => resolve()));
  }

  send(channel: number, text: string): void {
    this.socket.send(Buffer.concat([Buffer.from([channel]), Buffer.from(text)]));
  }

  #has(channel: number, text: string): boolean {
    return (this.received.get(channel) ?? '').includes(text);
  }

  async has(channel: number, text: string): Promise<void> {
    if (!this.#has(channel, text))
      await new Promise<void>((resolve) => this.#waiting.push({ channel, text, resolve }));
  }
}

const aNumber: unknown = expect.any(Number);
const [STDIN, STDOUT, STDERR, STATUS] = [0, 1, 2, 3];

test('K27: exec runs a command with its input, outputs and exit code', async () => {
  const command = ['sh', '-c', 'read line; echo "got $line"; echo oops >&2; exit 3'].map(
    (c) => `command=${encodeURIComponent(c)}`,
  );
  const session = new Session(`/exec/default/web/app?${command.join('&')}&input=1&output=1&error=1`);
  await session.opened;
  session.send(STDIN, 'hello\n');
  await session.closed;
  expect(session.received.get(STDOUT)).toBe('got hello\n');
  expect(session.received.get(STDERR)).toBe('oops\n');
  expect(JSON.parse(session.received.get(STATUS) ?? '{}')).toMatchObject({
    status: 'Failure',
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: '3' }] },
  });
});

test('K27: exec carries a lot of output', async () => {
  const command = ['sh', '-c', 'head -c 3000000 /dev/zero'].map((c) => `command=${encodeURIComponent(c)}`);
  const session = new Session(`/exec/default/web/app?${command.join('&')}&output=1`);
  await session.closed;
  expect(session.received.get(STDOUT)?.length).toBe(3_000_000);
});

test('K27: exec with a terminal', async () => {
  const session = new Session('/exec/default/web/app?command=tty&input=1&output=1&error=1&tty=1');
  await session.closed;
  expect(session.received.get(STDOUT)).toMatch(/^\/dev\/pts\/\d+\r\n$/);
});

test('K27: exec of a program that does not exist says so', async () => {
  const session = new Session('/exec/default/web/app?command=/nope&output=1');
  await session.closed;
  expect(session.received.get(STATUS)).toContain('/nope');
});

test('K27: port-forward reaches the pod', async () => {
  const session = new Session('/portForward/default/web?port=8080');
  await session.opened;
  session.send(0, 'GET / HTTP/1.0\r\n\r\n');
  await session.has(0, 'page\n');
  session.socket.close();
  await session.closed;
  // Each channel begins with its port.
  expect(session.received.get(0)).toContain(`${String.fromCharCode(8080 % 256, 8080 >> 8)}HTTP/1.1 200 OK`);
});

test('K27: a container that is gone is refused before the upgrade', async () => {
  const id = containerId;
  containerId = 'gone';
  try {
    await expect(new Session('/exec/default/web/app?command=true&output=1').opened).rejects.toThrow(
      /40[04]|500/,
    );
  } finally {
    containerId = id;
  }
});

test('K27: usage of the pod comes from the runtime', async () => {
  const summary: unknown = JSON.parse(await fetchText('/stats/summary'));
  expect(summary).toMatchObject({
    node: { nodeName: 'node-1', runtime: { imageFs: { usedBytes: aNumber } } },
    pods: [
      {
        podRef: { name: 'web', namespace: 'default', uid: 'uid-1' },
        containers: [
          {
            name: 'app',
            cpu: { usageCoreNanoSeconds: aNumber },
            memory: { workingSetBytes: aNumber },
          },
        ],
      },
    ],
  });
});

test('K27: attach and logs -f show what the container says, and logs end with it', async () => {
  const logs = fetchText('/containerLogs/default/web/app?follow=true');
  const session = new Session('/attach/default/web/app?input=1&output=1&error=1');
  await session.opened;
  session.send(STDIN, 'typed\n');
  await session.has(STDOUT, 'typed\n');
  session.socket.close();
  await session.closed;
  await client.stopContainer({ containerId, timeout: 0n });
  state = 'exited';
  expect(await logs).toBe('started\ntyped\n');
});

function fetchText(path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port: server.port, path, ca: ca.cert, ...admin }, (res) => {
      let body = '';
      res.setEncoding('utf8');
      res.on('data', (chunk: string) => (body += chunk));
      res.on('end', () => resolve(body));
      res.on('error', reject);
    }).on('error', reject);
  });
}

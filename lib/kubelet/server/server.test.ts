import type { IncomingMessage } from 'node:http';
import { createServer as createHttpServer } from 'node:http';
import type { Server } from 'node:http';
import { request } from 'node:https';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { connect } from 'node:tls';
import type { TLSSocket } from 'node:tls';
import { CertificateAuthority } from '../../../test/fixtures/pki.ts';
import type { Pod, PodStatus } from '../../api/types.ts';
import { systemClock } from '../../base/clock.ts';
import { clientCertificateAuthenticator } from '../../component/authn/client_certificate.ts';
import { firstOf } from '../../component/authn/authenticator.ts';
import { anyOf, privilegedGroups } from '../../component/authz/authorizer.ts';
import type { Authorizer } from '../../component/authz/authorizer.ts';
import { createLogger } from '../../component/logging.ts';
import { Metrics } from '../../component/metrics.ts';
import { SettableSource } from '../../component/serving/certificates.ts';
import type { RunningServer } from '../../component/serving/server.ts';
import { nodeTlsSettings } from '../../component/serving/tls_options.ts';
import { parseBundle } from '../../component/x509/verify.ts';
import { CriError } from '../../cri/errors.ts';
import type { ContainerRuntimeStatus } from '../contracts.ts';
import { startHealthzServer, startKubeletServer, startReadOnlyServer } from './server.ts';
import type { KubeletView } from './view.ts';

const ca = new CertificateAuthority();
const serving = ca.issue({ commonName: 'node', hosts: ['127.0.0.1'] });
const admin = ca.issue({ commonName: 'admin', organizations: ['system:masters'] });
const alice = ca.issue({ commonName: 'alice' });
const scraper = ca.issue({ commonName: 'scraper' });

const scraperOnly: Authorizer = {
  authorize: async ({ user, resource }) =>
    user.name === 'scraper' && ['metrics', 'pods'].includes(resource?.subresource ?? '')
      ? { allowed: true, reason: '' }
      : undefined,
};

const pod: Pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web', namespace: 'default', uid: 'uid-1' },
  spec: { containers: [{ name: 'app' }, { name: 'idle' }] },
};

const podStatus: PodStatus = {
  phase: 'Running',
  containerStatuses: [
    {
      name: 'app',
      image: '',
      imageID: '',
      ready: true,
      restartCount: 0,
      state: { running: {} },
      containerID: 'containerd://c1',
    },
    {
      name: 'idle',
      image: '',
      imageID: '',
      ready: false,
      restartCount: 0,
      state: { waiting: { reason: 'ContainerCreating' } },
    },
  ],
};

let dir: string;
let server: RunningServer;
let problem: string | undefined;
let streamUrl: string | Error;
const calls: unknown[] = [];
let stop: AbortController;
const logged: string[] = [];

function view(): KubeletView {
  const container: ContainerRuntimeStatus = {
    id: 'c1',
    name: 'app',
    sandboxId: 's1',
    state: 'running',
    restartCount: 0,
    hash: '',
    createdAtMs: 0,
    startedAtMs: 0,
    finishedAtMs: 0,
    exitCode: 0,
    reason: '',
    message: '',
    image: 'busybox',
    imageId: '',
    logPath: join(dir, '0.log'),
    labels: {},
    annotations: {},
  };
  const runtimePod = {
    uid: 'uid-1',
    namespace: 'default',
    name: 'web',
    sandboxes: [
      {
        id: 's1',
        state: 'ready' as const,
        attempt: 0,
        createdAtMs: 0,
        ips: [],
        hostNetwork: false,
        labels: {},
        annotations: {},
      },
    ],
    containers: [container],
  };
  const session = async (call: string, options: unknown): Promise<string> => {
    calls.push([call, options]);
    if (typeof streamUrl !== 'string') throw streamUrl;
    return streamUrl;
  };
  return {
    nodeName: 'node-1',
    pods: {
      pod: (uid) => (uid === 'uid-1' ? pod : undefined),
      podByName: (namespace, name) => (namespace === 'default' && name === 'web' ? pod : undefined),
      pods: () => [pod],
      status: () => podStatus,
    },
    runtime: {
      podStatus: (uid) => (uid === 'uid-1' ? runtimePod : undefined),
      pods: () => [runtimePod],
      onChange: () => () => undefined,
    },
    exec: {
      execSync: async (id, argv) => {
        calls.push(['execSync', id, argv]);
        return {
          exitCode: argv[0] === 'false' ? 1 : 0,
          stdout: Buffer.from('out'),
          stderr: Buffer.from('err'),
        };
      },
    },
    streaming: {
      exec: (options) => session('exec', options),
      attach: (options) => session('attach', options),
      portForward: (options) => session('portForward', options),
    },
    stats: {
      summary: async ({ onlyCPUAndMemory }) => ({
        node: {
          nodeName: 'node-1',
          startTime: '2026-01-01T00:00:00Z',
          cpu: { time: '2026-01-01T00:00:10Z', usageCoreNanoSeconds: onlyCPUAndMemory ? 1e9 : 2e9 },
        },
        pods: [],
      }),
    },
    timeline: {
      record: () => undefined,
      waiting: () => undefined,
      explain: (namespace, name) =>
        name === 'web'
          ? { pod: { namespace, name, uid: 'uid-1' }, waitingFor: 'image', entries: [] }
          : undefined,
    },
    node: () => undefined,
    syncLoopProblem: () => problem,
    hostLogDir: join(dir, 'log'),
    configuration: () => ({ kind: 'KubeletConfiguration' }),
  };
}

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'tsk-kubelet-server-'));
  writeFileSync(join(dir, '0.log'), '2026-01-01T00:00:00.000000000Z stdout F hello\n');
  mkdirSync(join(dir, 'log'));
  problem = undefined;
  calls.length = 0;
  logged.length = 0;
  stop = new AbortController();
  server = await start();
});
afterEach(async () => {
  stop.abort();
  await server.close(0);
  rmSync(dir, { recursive: true });
});

function start(debuggingHandlers = true): Promise<RunningServer> {
  const clientCA = new SettableSource(parseBundle(ca.cert));
  return startKubeletServer({
    view: view(),
    address: '127.0.0.1',
    port: 0,
    certificate: new SettableSource(serving),
    tls: nodeTlsSettings({}).tls,
    authentication: {
      authenticator: firstOf([clientCertificateAuthenticator(clientCA, systemClock)], { anonymous: false }),
      clientAuthorities: [clientCA],
    },
    authorizer: anyOf([privilegedGroups('system:masters'), scraperOnly]),
    metrics: new Metrics(),
    flags: new Map([['v', '0']]),
    debuggingHandlers,
    systemLogHandler: true,
    streamingIdleTimeoutMs: 0,
    log: createLogger({
      format: 'text',
      verbosity: 0,
      stream: { write: (t) => logged.push(t) },
      clock: systemClock,
    }),
    clock: systemClock,
    signal: stop.signal,
  });
}

interface Answer {
  status: number;
  body: string;
}

function ask(path: string, options: { method?: string; client?: typeof admin | null } = {}): Promise<Answer> {
  const { method = 'GET', client = admin } = options;
  return new Promise((resolve, reject) => {
    const req = request(
      { host: '127.0.0.1', port: server.port, path, method, ca: ca.cert, agent: false, ...client },
      (res: IncomingMessage) => {
        let body = '';
        res.setEncoding('utf8');
        res.on('data', (chunk: string) => (body += chunk));
        res.on('end', () => resolve({ status: res.statusCode ?? 0, body }));
      },
    );
    req.on('error', reject);
    req.end();
  });
}

test.each([
  ['nobody', '/pods', null, 401, 'Unauthorized'],
  ['nobody', '/healthz', null, 401, 'Unauthorized'],
  [
    'alice',
    '/pods',
    alice,
    403,
    'Forbidden (user=alice, verb=get, resource=nodes, subresource(s)=[pods proxy])\n',
  ],
  [
    'alice',
    '/metrics',
    alice,
    403,
    'Forbidden (user=alice, verb=get, resource=nodes, subresource(s)=[metrics])\n',
  ],
  [
    'the scraper',
    '/exec/default/web/app',
    scraper,
    403,
    'Forbidden (user=scraper, verb=get, resource=nodes, subresource(s)=[proxy])\n',
  ],
])('%s may not get %s', async (_, path, client, status, body) => {
  expect(await ask(path, { client })).toEqual({ status, body });
});

test.each([
  ['/healthz', 'ok'],
  ['/healthz/ping', 'ok'],
  ['/healthz/syncloop', 'ok'],
  ['/healthz?verbose', '[+]ping ok\n[+]syncloop ok\nhealthz check passed\n'],
  ['/containerLogs/default/web/app', 'hello\n'],
  ['/containerLogs/default/web/app?timestamps=true', '2026-01-01T00:00:00.000000000Z hello\n'],
  ['/configz', '{"kubeletconfig":{"kind":"KubeletConfiguration"}}'],
  [
    '/metrics/resource',
    '# HELP node_cpu_usage_seconds_total [STABLE] Cumulative cpu time consumed by the node in core-seconds\n# TYPE node_cpu_usage_seconds_total counter\nnode_cpu_usage_seconds_total 1 1767225610000\n# HELP resource_scrape_error [STABLE] 1 if there was an error while getting container metrics, 0 otherwise\n# TYPE resource_scrape_error gauge\nresource_scrape_error 0\n',
  ],
  [
    '/runningpods/',
    '{"kind":"PodList","apiVersion":"v1","metadata":{},"items":[{"metadata":{"name":"web","namespace":"default","uid":"uid-1"},"spec":{"containers":[{"name":"app","image":"busybox","resources":{}}]},"status":{}}]}',
  ],
  [
    '/debug/explain/pod/default/web',
    '{"pod":{"namespace":"default","name":"web","uid":"uid-1"},"waitingFor":"image","entries":[]}',
  ],
])('GET %s', async (path, body) => {
  expect(await ask(path)).toEqual({ status: 200, body });
});

test('pods come with the status that the kubelet knows', async () => {
  const answer = await ask('/pods', { client: scraper });
  const list: unknown = JSON.parse(answer.body);
  expect(list).toEqual({
    kind: 'PodList',
    apiVersion: 'v1',
    metadata: {},
    items: [{ metadata: pod.metadata, spec: pod.spec, status: podStatus }],
  });
});

test('a stuck sync loop makes health checks fail', async () => {
  problem = 'sync loop has not turned for 5m0s';
  expect(await ask('/healthz')).toEqual({
    status: 500,
    body: '[+]ping ok\n[-]syncloop failed: reason withheld\nhealthz check failed\n',
  });
  expect((await ask('/healthz/syncloop')).body).toContain(problem);
});

test.each([
  ['GET', '/nope', 404, '404 page not found\n'],
  ['POST', '/pods', 405, '405: Method Not Allowed'],
  ['GET', '/containerLogs/default/nopod/app', 404, 'pod "nopod" does not exist'],
  ['GET', '/containerLogs/default/web/nope', 404, 'container "nope" not found in pod "web"'],
  [
    'GET',
    '/containerLogs/default/web/idle',
    400,
    'container "idle" in pod "web" is waiting to start: ContainerCreating',
  ],
  ['GET', '/containerLogs/default/web', 404, '404: Page Not Found'],
  ['GET', '/containerLogs/default/web/other-uid/app', 404, 'pod "web" does not exist'],
  ['GET', '/containerLogs/default/web/app?tailLines=x', 400, '{"message": "Unable to decode query."}'],
  ['GET', '/containerLogs/default/web/UPPER', 404, '404: Page Not Found'],
  ['POST', '/exec/default/web/app?command=ls&output=1', 500, 'Upgrade request required\n'],
  ['POST', '/exec/default/web/app?command=ls', 400, 'you must specify at least 1 of stdin, stdout, stderr'],
  ['POST', '/exec/default/nopod/app?command=ls&output=1', 404, 'pod does not exist'],
  ['POST', '/exec/default/web/idle?command=ls&output=1', 500, 'container not found ("idle")'],
  ['POST', '/attach/default/web/idle?output=1', 500, 'container idle not found in pod web_default'],
  ['POST', '/portForward/default/web', 500, 'Upgrade request required\n'],
  ['POST', '/portForward/default/web?port=0', 400, 'invalid port "0": want a number from 1 to 65535'],
  ['DELETE', '/exec/default/web/app', 405, '405: Method Not Allowed'],
  ['POST', '/run/default/web/idle?cmd=ls', 500, 'container not found ("idle")'],
  [
    'POST',
    '/checkpoint/default/web/app',
    500,
    'checkpointing of default/web/app failed (the container runtime cannot checkpoint containers)',
  ],
  ['POST', '/checkpoint/default/none/app', 404, 'pod does not exist'],
  ['POST', '/run/default/web/app?cmd=false', 500, "command 'false' exited with 1: err"],
  ['GET', '/debug/explain/pod/default/other', 404, 'nothing is known of pod "default/other" on this node\n'],
])('%s %s is answered with %i', async (method, path, status, body) => {
  expect(await ask(path, { method })).toEqual({ status, body });
});

test('run gives the output of a command', async () => {
  expect(await ask('/run/default/web/app?cmd=ls%20-l', { method: 'POST' })).toEqual({
    status: 200,
    body: 'outerr',
  });
  expect(calls).toEqual([['execSync', 'c1', ['ls', '-l']]]);
});

test('a log file that is gone is said to be', async () => {
  rmSync(join(dir, '0.log'));
  expect(await ask('/containerLogs/default/web/app')).toEqual({
    status: 500,
    body: 'unable to retrieve container logs for c1: the log file does not exist (any more)',
  });
});

describe('host logs', () => {
  beforeEach(() => {
    writeFileSync(join(dir, 'log', 'syslog'), 'boot\n');
    mkdirSync(join(dir, 'log', 'pods'));
    symlinkSync('/etc/hostname', join(dir, 'log', 'escape'));
    symlinkSync('syslog', join(dir, 'log', 'inside'));
  });

  test.each([
    ['/logs/syslog', 200, 'boot\n'],
    ['/logs/inside', 200, 'boot\n'],
    ['/logs/escape', 404, '404 page not found\n'],
    ['/logs/none', 404, '404 page not found\n'],
  ])('%s', async (path, status, body) => {
    expect(await ask(path)).toEqual({ status, body });
  });

  test('folders are listed', async () => {
    expect((await ask('/logs/')).body).toContain('<a href="pods/">pods/</a>\n<a href="syslog">syslog</a>');
  });
});

test('without debugging handlers there is no exec and no logs', async () => {
  await server.close(0);
  server = await start(false);
  expect((await ask('/containerLogs/default/web/app')).status).toBe(404);
  expect((await ask('/exec/default/web/app?output=1', { method: 'POST' })).status).toBe(404);
  expect((await ask('/pods')).status).toBe(200);
});

describe('streaming', () => {
  let runtime: Server;
  let session: { req: IncomingMessage; socket: Duplex; head: Buffer } | undefined;
  let sessionStarted: Promise<void>;

  beforeEach(async () => {
    session = undefined;
    runtime = createHttpServer();
    sessionStarted = new Promise((resolve) => {
      runtime.on('upgrade', (req: IncomingMessage, socket: Duplex, head: Buffer) => {
        session = { req, socket, head };
        resolve();
      });
    });
    await new Promise<void>((resolve) => runtime.listen(0, '127.0.0.1', resolve));
    const address = runtime.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    streamUrl = `http://127.0.0.1:${port}/exec/token?x=1`;
  });
  afterEach(async () => {
    session?.socket.destroy();
    runtime.closeAllConnections();
    await new Promise((resolve) => runtime.close(resolve));
  });

  function open(
    path: string,
    early = '',
  ): {
    socket: TLSSocket;
    received: () => string;
    ended: Promise<void>;
    has: (text: string) => Promise<void>;
  } {
    let received = '';
    let waiting: { text: string; resolve: () => void }[] = [];
    const options = { host: '127.0.0.1', port: server.port, ca: ca.cert, allowHalfOpen: true, ...admin };
    const socket = connect(options, () =>
      socket.write(
        `POST ${path} HTTP/1.1\r\nHost: kubelet\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n` +
          `X-Stream-Protocol-Version: v5.channel.k8s.io\r\nX-Stream-Protocol-Version: v4.channel.k8s.io\r\n` +
          `Authorization: Bearer secret\r\nContent-Length: 0\r\n\r\n${early}`,
      ),
    );
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString('latin1');
      waiting = waiting.filter(({ text, resolve }) => {
        const found = received.includes(text);
        if (found) resolve();
        return !found;
      });
    });
    const ended = new Promise<void>((resolve, reject) => {
      socket.on('end', resolve);
      socket.on('error', reject);
    });
    const has = (text: string): Promise<void> =>
      received.includes(text) ? Promise.resolve() : new Promise((resolve) => waiting.push({ text, resolve }));
    return { socket, received: () => received, ended, has };
  }

  const ACCEPTED = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n';

  test('joins the client to the runtime, early bytes and half-close included', async () => {
    const client = open(
      '/exec/default/web/app?command=sh&command=-c&command=a%20b&input=1&output=1&error=1',
      'early',
    );
    await sessionStarted;
    if (session === undefined) throw new Error('no session');
    const { req, socket, head } = session;
    expect([req.method, req.url, req.headers.upgrade]).toEqual(['POST', '/exec/token?x=1', 'SPDY/3.1']);
    expect(req.headersDistinct['x-stream-protocol-version']).toEqual([
      'v5.channel.k8s.io',
      'v4.channel.k8s.io',
    ]);
    expect(req.headers.authorization).toBeUndefined();
    expect(calls).toEqual([
      [
        'exec',
        { containerId: 'c1', argv: ['sh', '-c', 'a b'], stdin: true, stdout: true, stderr: true, tty: false },
      ],
    ]);
    let fromClient = head.toString();
    const clientEnded = new Promise<void>((resolve) => socket.on('end', resolve));
    socket.on('data', (chunk: Buffer) => (fromClient += chunk.toString()));
    socket.write(`${ACCEPTED}server speaks`);
    await client.has('server speaks');
    client.socket.end(' and late');
    await clientEnded;
    expect(fromClient).toBe('early and late');
    // The other direction is still open.
    socket.end(' until the end');
    await client.ended;
    expect(client.received()).toBe(`${ACCEPTED}server speaks until the end`);
  });

  test('carries megabytes both ways', async () => {
    const client = open('/attach/default/web/app?input=1&output=1');
    await sessionStarted;
    if (session === undefined) throw new Error('no session');
    session.socket.write(ACCEPTED);
    session.socket.pipe(session.socket); // an echo
    await client.has('\r\n\r\n');
    client.socket.end(Buffer.alloc(8 * 1024 * 1024, 'x'));
    await client.ended;
    expect(client.received().length).toBe(ACCEPTED.length + 8 * 1024 * 1024);
  });

  test('of a container with a terminal asks for no second output', async () => {
    const client = open('/exec/default/web/app?command=sh&input=1&output=1&error=1&tty=1');
    await sessionStarted;
    expect(calls).toMatchObject([['exec', { stderr: false, tty: true }]]);
    client.socket.destroy();
  });

  test('port-forward names sandbox and ports', async () => {
    const client = open('/portForward/default/web?port=80&port=8080');
    await sessionStarted;
    expect(calls).toEqual([['portForward', { sandboxId: 's1', ports: [80, 8080] }]]);
    client.socket.destroy();
  });

  test('the end of the runtime side ends the client', async () => {
    const client = open('/exec/default/web/app?command=sh&output=1');
    await sessionStarted;
    session?.socket.write(ACCEPTED);
    await client.has('\r\n\r\n');
    session?.socket.destroy();
    await client.ended;
    client.socket.destroy();
  });

  test('the end of the client ends the runtime side', async () => {
    const client = open('/exec/default/web/app?command=sh&output=1');
    await sessionStarted;
    const gone = new Promise((resolve) => session?.socket.on('close', resolve));
    session?.socket.on('end', () => session?.socket.end());
    session?.socket.resume();
    client.socket.destroy();
    await gone;
  });

  test('sessions are cut when the kubelet stops', async () => {
    const client = open('/exec/default/web/app?command=sh&output=1');
    await sessionStarted;
    stop.abort();
    await client.ended;
    client.socket.destroy();
  });

  test.each([
    [
      'a container that the runtime does not know',
      new CriError('Exec', 'NOT_FOUND', 'container gone'),
      404,
      'rpc error: code = NotFound desc = container gone',
    ],
    [
      'a runtime that fails',
      new CriError('Exec', 'UNAVAILABLE', 'no socket'),
      500,
      'rpc error: code = Unavailable desc = no socket',
    ],
    [
      'a streaming server that is away',
      'http://127.0.0.1:1/exec/x',
      500,
      "cannot reach the runtime's streaming server at 127.0.0.1:1",
    ],
    [
      'an address that is none',
      'ftp://x/',
      500,
      'the runtime gave no http(s) URL for the session: "ftp://x/"',
    ],
  ])('%s is answered as a plain request would be', async (_, url, status, message) => {
    streamUrl = url;
    const client = open('/exec/default/web/app?command=sh&output=1');
    await client.ended;
    expect(client.received()).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(client.received()).toContain(message);
    client.socket.destroy();
  });
});

test('the read-only port gives figures and nothing else', async () => {
  const log = createLogger({
    format: 'text',
    verbosity: 0,
    stream: { write: () => undefined },
    clock: systemClock,
  });
  const readOnly = await startReadOnlyServer({
    view: view(),
    address: '127.0.0.1',
    port: 0,
    metrics: new Metrics(),
    flags: new Map(),
    debuggingHandlers: true,
    systemLogHandler: true,
    log,
    clock: systemClock,
    signal: stop.signal,
  });
  const status = async (path: string, method = 'GET'): Promise<number> =>
    (await fetch(`http://127.0.0.1:${readOnly.port}${path}`, { method })).status;
  const open = ['/healthz', '/pods', '/metrics', '/metrics/resource', '/stats/summary'];
  const closed = ['/configz', '/containerLogs/default/web/app', '/exec/default/web/app', '/logs/', '/flagz'];
  expect(await Promise.all(open.map((path) => status(path)))).toEqual(open.map(() => 200));
  expect(await Promise.all(closed.map((path) => status(path)))).toEqual(closed.map(() => 404));
  expect(await status('/debug/flags/v', 'PUT')).toBe(404);
  await readOnly.close(0);
});

test('the health server on loopback needs no credentials', async () => {
  const log = createLogger({
    format: 'text',
    verbosity: 0,
    stream: { write: () => undefined },
    clock: systemClock,
  });
  const health = await startHealthzServer({ address: '127.0.0.1', port: 0, log });
  const get = async (path: string): Promise<[number, string]> => {
    const answer = await fetch(`http://127.0.0.1:${health.port}${path}`);
    return [answer.status, await answer.text()];
  };
  expect(await get('/healthz')).toEqual([200, 'ok']);
  expect(await get('/healthz?verbose')).toEqual([200, '[+]ping ok\nhealthz check passed\n']);
  expect(await get('/metrics')).toEqual([404, '404 page not found\n']);
  await health.close(0);
});

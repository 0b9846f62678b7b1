/** The kubelet's server over a made-up kubelet, for tests. */
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Pod, PodStatus } from '../../../api/types.ts';
import { systemClock } from '../../../base/clock.ts';
import { firstOf } from '../../../component/authn/authenticator.ts';
import { clientCertificateAuthenticator } from '../../../component/authn/client_certificate.ts';
import type { Authorizer } from '../../../component/authz/authorizer.ts';
import { anyOf, privilegedGroups } from '../../../component/authz/authorizer.ts';
import { createLogger, type RootLogger } from '../../../component/logging.ts';
import { Metrics } from '../../../component/metrics.ts';
import { SettableSource } from '../../../component/serving/certificates.ts';
import type { RunningServer } from '../../../component/serving/server.ts';
import { nodeTlsSettings } from '../../../component/serving/tls_options.ts';
import type { KeyPair } from '../../../component/x509/self_signed.ts';
import { parseBundle } from '../../../component/x509/verify.ts';
import type { KubeletRouteOptions } from '../kubelet_routes.ts';
import { startKubeletServer } from '../server.ts';
import type { KubeletView } from '../view.ts';
import { runtimeContainer, runtimePod, runtimeSandbox } from '../../testing/runtime_pod.ts';

/** Issues the certificates of server and clients. */
export interface TestAuthority {
  readonly cert: string;
  issue(request: {
    commonName: string;
    organizations?: readonly string[];
    hosts?: readonly string[];
  }): KeyPair;
}

let ca: TestAuthority;
let serving: KeyPair;
let admin: KeyPair;

const scraperOnly: Authorizer = {
  authorize: async ({ user, resource }) =>
    user.name === 'scraper' && ['metrics', 'pods'].includes(resource?.subresource ?? '')
      ? { allowed: true, reason: '' }
      : undefined,
};

export const pod: Pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web', namespace: 'default', uid: 'uid-1' },
  spec: { containers: [{ name: 'app' }, { name: 'idle' }] },
};

export const podStatus: PodStatus = {
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
let stop: AbortController;

/** What tests set and look at; as new before each test. */
export const kubelet = {
  /** What the sync loop complains of. */
  problem: undefined as string | undefined,
  /** What the runtime answers to exec, attach and port-forward. */
  streamUrl: '' as string | Error,
  /** Calls to the runtime. */
  calls: [] as unknown[],
  /** Holds `0.log` of container `app`, and `log/` as the host's logs. */
  get dir(): string {
    return dir;
  },
  /** Credentials of a member of system:masters. */
  get admin(): KeyPair {
    return admin;
  },
  get port(): number {
    return server.port;
  },
  get signal(): AbortSignal {
    return stop.signal;
  },
  /** The kubelet is told to stop. */
  stop(): void {
    stop.abort();
  },
  /** Starts the server again with other settings. */
  async restart(options: { debuggingHandlers: boolean }): Promise<void> {
    await server.close(0);
    server = await start(options.debuggingHandlers);
  },
};

/** A pod `web` with a running container `app` and a waiting one `idle`. */
export function view(): KubeletView {
  const runtimeStatus = runtimePod(
    [runtimeContainer('app', { id: 'c1', sandboxId: 's1', image: 'busybox', logPath: join(dir, '0.log') })],
    { uid: 'uid-1', namespace: 'default', name: 'web', sandboxes: [runtimeSandbox({ id: 's1', ips: [] })] },
  );
  const session = async (call: string, options: unknown): Promise<string> => {
    kubelet.calls.push([call, options]);
    if (typeof kubelet.streamUrl !== 'string') throw kubelet.streamUrl;
    return kubelet.streamUrl;
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
      podStatus: (uid) => (uid === 'uid-1' ? runtimeStatus : undefined),
      pods: () => [runtimeStatus],
      onChange: () => () => undefined,
    },
    exec: {
      execSync: async (id, argv) => {
        kubelet.calls.push(['execSync', id, argv]);
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
      latest: () => [],
      record: () => undefined,
      waiting: () => undefined,
      explain: (namespace, name) =>
        name === 'web'
          ? { pod: { namespace, name, uid: 'uid-1' }, waitingFor: 'image', entries: [] }
          : undefined,
    },
    node: () => undefined,
    syncLoopProblem: () => kubelet.problem,
    hostLogDir: join(dir, 'log'),
    configuration: () => ({ kind: 'KubeletConfiguration' }),
  };
}

/** Runs the kubelet's server around each test of the file. */
export function useKubeletServer(authority: TestAuthority): void {
  ca = authority;
  serving = ca.issue({ commonName: 'node', hosts: ['127.0.0.1'] });
  admin = ca.issue({ commonName: 'admin', organizations: ['system:masters'] });
  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'tsk-kubelet-server-'));
    writeFileSync(join(dir, '0.log'), '2026-01-01T00:00:00.000000000Z stdout F hello\n');
    mkdirSync(join(dir, 'log'));
    kubelet.problem = undefined;
    kubelet.calls.length = 0;
    stop = new AbortController();
    server = await start();
  });
  afterEach(async () => {
    stop.abort();
    await server.close(0);
    rmSync(dir, { recursive: true });
  });
}

/** What the routes of a server need, of whatever kind it is. */
export function routeOptions(debuggingHandlers = true): KubeletRouteOptions {
  return {
    view: view(),
    metrics: new Metrics(),
    flags: new Map([['v', '0']]),
    debuggingHandlers,
    systemLogHandler: true,
    systemLogQuery: true,
    debugFlagsHandler: true,
    log: quietLog(),
    clock: systemClock,
    signal: stop.signal,
  };
}

export function quietLog(): RootLogger {
  const stream = { write: () => undefined };
  return createLogger({ format: 'text', verbosity: 0, stream, clock: systemClock });
}

function start(debuggingHandlers = true): Promise<RunningServer> {
  const clientCA = new SettableSource(parseBundle(ca.cert));
  return startKubeletServer({
    ...routeOptions(debuggingHandlers),
    address: '127.0.0.1',
    port: 0,
    certificate: new SettableSource(serving),
    tls: nodeTlsSettings({}).tls,
    authentication: {
      authenticator: firstOf([clientCertificateAuthenticator(clientCA, systemClock)], { anonymous: false }),
      clientAuthorities: [clientCA],
    },
    authorizer: anyOf([privilegedGroups('system:masters'), scraperOnly]),
    streamingIdleTimeoutMs: 0,
  });
}

export interface Answer {
  status: number;
  body: string;
}

export function ask(
  path: string,
  options: { method?: string; client?: KeyPair | null; headers?: Readonly<Record<string, string>> } = {},
): Promise<Answer> {
  const { method = 'GET', client = admin, headers = {} } = options;
  return new Promise((resolve, reject) => {
    const req = request(
      { host: '127.0.0.1', port: server.port, path, method, headers, ca: ca.cert, agent: false, ...client },
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

/** A proxy as the program that it is, on the node of a test bed, fed by a watch server that stands there too. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { PROXY_CONFIG_KIND } from '../config/proxy_config.ts';
import { BED_NODE } from './bed_node.ts';
import type { Mode } from './situations.ts';
import type { TestBed } from './test_bed.ts';

const API_PORT = 8001;
const CLUSTER = 'test';

/** An Event as a proxy posted it. */
export interface PostedEvent {
  readonly reason: string;
  readonly note: string;
  readonly regarding: { readonly kind: string; readonly namespace: string; readonly name: string };
}

/** A proxy's process. */
export interface ProxyProcess {
  readonly pid: number;
  /** When the process has ended; its exit code, or the signal. */
  readonly ended: Promise<unknown>;
  readonly isRunning: boolean;
  /** What it wrote. */
  log(): string;
  /** Writes its config file anew, as {@link WatchedNode.startProxy} would. */
  configure(mode: Mode, fields?: Readonly<Record<string, unknown>>): void;
  kill(signal?: NodeJS.Signals): Promise<void>;
}

export class WatchedNode {
  readonly #bed: TestBed;
  readonly #dir = mkdtempSync(join(tmpdir(), 'tsk-proxy-'));
  readonly #server: ReturnType<TestBed['spawnInNode']>;
  readonly #proxies: ProxyProcess[] = [];
  readonly #events: PostedEvent[] = [];
  #count = 0;

  private constructor(bed: TestBed) {
    this.#bed = bed;
    this.#server = bed.spawnInNode([process.execPath, 'lib/proxy/testing/watch_server.ts', String(API_PORT)]);
  }

  static async start(bed: TestBed): Promise<WatchedNode> {
    const node = new WatchedNode(bed);
    await once(node.#server.stdout, 'data');
    createInterface({ input: node.#server.stdout }).on('line', (line) => {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only Events are posted
      node.#events.push(JSON.parse(line) as PostedEvent);
    });
    await node.put('nodes', BED_NODE);
    return node;
  }

  /** Puts an object into the API, or takes it out. Resolves when the server can take the next. */
  async put(
    resource: 'nodes' | 'services' | 'endpointslices',
    object: object,
    type: 'ADDED' | 'MODIFIED' | 'DELETED' = 'ADDED',
  ): Promise<void> {
    const line = `${JSON.stringify({ resource, type, object })}\n`;
    if (!this.#server.stdin.write(line)) await once(this.#server.stdin, 'drain');
  }

  /** Events that proxies have posted. */
  events(): readonly PostedEvent[] {
    return this.#events;
  }

  /** @param fields of the configuration, besides mode and access to the API */
  startProxy(
    program: readonly string[],
    mode: Mode,
    fields: Readonly<Record<string, unknown>> = {},
  ): ProxyProcess {
    const name = String(++this.#count);
    const file = (what: string): string => join(this.#dir, `${what}-${name}`);
    const [kubeconfig, config, log] = [file('kubeconfig'), file('config'), file('log')];
    writeFileSync(kubeconfig, JSON.stringify(kubeconfigContent()));
    const configure: ProxyProcess['configure'] = (mode, fields = {}) =>
      writeFileSync(config, JSON.stringify(proxyConfig(mode, kubeconfig, fields)));
    configure(mode, fields);
    const child = this.#bed.spawnInNode([
      'sh',
      '-c',
      'l=$1; shift; exec "$@" >"$l" 2>&1',
      'sh',
      log,
      ...program,
      '--config',
      config,
    ]);
    const proxy = proxyProcess(child, () => readFileSync(log, 'utf8'), configure);
    this.#proxies.push(proxy);
    return proxy;
  }

  /** What the proxies wrote, one after the other. */
  logs(): string {
    return this.#proxies.map((proxy) => proxy.log()).join('\n');
  }

  /** Ends the proxies and the server. Rules stay. */
  async stop(): Promise<void> {
    await Promise.all(this.#proxies.map((proxy) => proxy.kill('SIGKILL')));
    this.#server.kill('SIGKILL');
    rmSync(this.#dir, { recursive: true, force: true });
  }
}

function proxyProcess(
  child: ChildProcess,
  log: () => string,
  configure: ProxyProcess['configure'],
): ProxyProcess {
  const ended = once(child, 'exit');
  return {
    pid: child.pid ?? 0,
    ended,
    get isRunning() {
      return child.exitCode === null && child.signalCode === null;
    },
    log,
    configure,
    kill: async (signal = 'SIGTERM') => {
      child.kill(signal);
      await ended;
    },
  };
}

function kubeconfigContent(): object {
  const cluster = { name: CLUSTER, cluster: { server: `http://127.0.0.1:${API_PORT}` } };
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [cluster],
    contexts: [{ name: CLUSTER, context: { cluster: CLUSTER, user: '' } }],
    'current-context': CLUSTER,
  };
}

function proxyConfig(mode: Mode, kubeconfig: string, fields: Readonly<Record<string, unknown>>): object {
  const json = 'application/json';
  const { apiVersion, kind } = PROXY_CONFIG_KIND;
  return {
    apiVersion,
    kind,
    mode,
    hostnameOverride: 'n1',
    // The table of connections belongs to the machine, not to a network namespace of it.
    conntrack: { maxPerCore: 0 },
    ...fields,
    clientConnection: { kubeconfig, contentType: json, acceptContentTypes: json },
  };
}

/**
 * Hosts in network namespaces for tests with real packets: a client outside, a node with the proxy's rules, two pods on
 * it and one pod on another node. Everything is made by the test and removed by it; needs root.
 *
 *     client 198.51.100.2 -- 198.51.100.1 node 10.66.0.1 -- pod1 10.66.0.2, pod2 10.66.0.3
 *            198.51.100.3                 node 10.66.1.1 -- far  10.66.1.2  (a pod of another node)
 *
 * and the same in IPv6: see {@link HOSTS6}.
 */
import type { ChildProcess, ChildProcessByStdio } from 'node:child_process';
import { execFileSync, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { RunProgram } from '../program.ts';
import { runProgram } from '../program.ts';
import type { FloodResult, LoadResult, PeerAnswer, PeerCommand } from './peer_agent.ts';

export const CLIENT = '198.51.100.2';
/** A second address of the client. */
export const CLIENT_B = '198.51.100.3';
export const NODE = '198.51.100.1';
export const POD1 = '10.66.0.2';
export const POD2 = '10.66.0.3';
export const FAR = '10.66.1.2';
/** The node's addresses in the networks of its pods. */
export const NODE_AT_PODS = '10.66.0.1';
export const NODE_AT_FAR = '10.66.1.1';

/** The IPv6 addresses of the hosts. */
export const HOSTS6 = {
  client: 'fd00:51::2',
  clientB: 'fd00:51::3',
  node: 'fd00:51::1',
  pod1: 'fd00:66::2',
  pod2: 'fd00:66::3',
  far: 'fd00:67::2',
  nodeAtPods: 'fd00:66::1',
  nodeAtFar: 'fd00:67::1',
} as const;

const SIX: Readonly<Record<string, string>> = {
  [CLIENT]: HOSTS6.client,
  [CLIENT_B]: HOSTS6.clientB,
  [NODE]: HOSTS6.node,
  [POD1]: HOSTS6.pod1,
  [POD2]: HOSTS6.pod2,
  [FAR]: HOSTS6.far,
  [NODE_AT_PODS]: HOSTS6.nodeAtPods,
  [NODE_AT_FAR]: HOSTS6.nodeAtFar,
};

export type Host = 'client' | 'node' | 'pod1' | 'pod2' | 'far';

/** What a peer said: its own name and the address it saw, or why nothing came. */
export type Answer =
  { readonly by: string; readonly source: string } | { readonly by: undefined; readonly error: string };

/** A TCP connection held open by a host. */
export interface HeldConnection {
  /** Sends a line and waits for it to come back. @throws Error when the connection broke */
  echo(text: string): Promise<void>;
  close(): void;
}

type AgentProcess = ChildProcessByStdio<Writable, Readable, null>;

/** The agent of a host, and who waits for its answers. */
class Agent {
  readonly #process: AgentProcess;
  readonly #waiting = new Map<number, (answer: PeerAnswer) => void>();
  #last = 0;

  constructor(process: AgentProcess) {
    this.#process = process;
    createInterface({ input: process.stdout }).on('line', (line) => {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a program of ours
      const { id, answer } = JSON.parse(line) as { id: number; answer: PeerAnswer };
      this.#waiting.get(id)?.(answer);
      this.#waiting.delete(id);
    });
    process.on('exit', () => {
      for (const resolve of this.#waiting.values()) resolve({ error: 'the agent ended' });
    });
  }

  call(command: PeerCommand): { readonly id: number; readonly answer: Promise<PeerAnswer> } {
    const id = ++this.#last;
    const answer = new Promise<PeerAnswer>((resolve) => this.#waiting.set(id, resolve));
    this.#process.stdin.write(`${JSON.stringify({ id, command })}\n`);
    return { id, answer };
  }
}

export class TestBed {
  readonly #prefix: string;
  readonly #children = new Set<ChildProcess>();
  readonly #agents = new Map<Host, Agent>();

  private constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** @param prefix of the namespaces' names, at most 6 letters; two beds at a time need two */
  static async create(prefix: string): Promise<TestBed> {
    const bed = new TestBed(prefix);
    bed.#removeNamespaces();
    for (const host of HOSTS) ip('netns', 'add', bed.#ns(host));
    for (const host of HOSTS) {
      // Addresses are there at once, not after a second of looking for others that have them.
      bed.exec(host, [
        'busybox',
        'sysctl',
        '-qw',
        'net.ipv6.conf.all.accept_dad=0',
        'net.ipv6.conf.default.accept_dad=0',
      ]);
      bed.#ip(host, 'link', 'set', 'lo', 'up');
    }
    bed.#link('client', CLIENT, 'cl0', NODE);
    bed.#address('client', CLIENT_B, 'eth0', false);
    // Where a packet goes that no rule takes: the client does not forward, so it is lost.
    bed.#ip('node', 'route', 'add', 'default', 'via', CLIENT);
    bed.#ip('node', '-6', 'route', 'add', 'default', 'via', HOSTS6.client);
    bed.#ip('node', 'link', 'add', 'cni0', 'type', 'bridge');
    bed.#address('node', NODE_AT_PODS, 'cni0');
    bed.#ip('node', 'link', 'set', 'cni0', 'up');
    bed.#pod('pod1', POD1);
    bed.#pod('pod2', POD2);
    bed.#link('far', FAR, 'far0', NODE_AT_FAR);
    const forwarding = ['net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1'];
    bed.exec('node', ['busybox', 'sysctl', '-qw', ...forwarding, 'net.ipv4.conf.all.route_localnet=1']);
    for (const host of ['pod1', 'pod2', 'far'] as const) await bed.serve(host, 8080);
    return bed;
  }

  /** Runs programs of the packet filter in the node's namespace. */
  readonly runInNode: RunProgram = (argv, options) =>
    runProgram(['ip', 'netns', 'exec', this.#ns('node'), ...argv], options);

  /** The node's namespace, for programs of the test's own. */
  get nodeNamespace(): string {
    return this.#ns('node');
  }

  /** Runs a program on a host and returns what it printed. @throws Error when it fails */
  exec(host: Host, argv: readonly string[], input = ''): string {
    return execFileSync('ip', ['netns', 'exec', this.#ns(host), ...argv], {
      input,
      encoding: 'utf8',
      maxBuffer: MAX_OUTPUT_BYTES,
      timeout: 20_000,
      stdio: ['pipe', 'pipe', 'ignore'],
    });
  }

  /** Starts a program on the node; it ends with the bed. */
  spawnInNode(argv: readonly string[]): AgentProcess {
    const child = spawn('ip', ['netns', 'exec', this.#ns('node'), ...argv], {
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    this.#children.add(child);
    return child;
  }

  /** Serves TCP and UDP on a port of a host; answers are its name and the address it saw. */
  async serve(host: Host, port: number, name: string = host): Promise<void> {
    const answer = await this.#agent(host).call({ do: 'serve', name, port }).answer;
    if ('error' in answer) throw new Error(`${host} cannot serve port ${port}: ${answer.error}`);
  }

  /** Asks once over TCP or UDP. @param fromPort source port; 0: any */
  async ask(
    host: Host,
    protocol: 'tcp' | 'udp',
    to: string,
    port: number,
    timeoutMs = 1500,
    fromPort = 0,
    from?: string,
  ): Promise<Answer> {
    const answer = await this.#agent(host).call({
      do: protocol,
      to,
      port,
      timeoutMs,
      ...(from === undefined ? {} : { from }),
      ...(fromPort === 0 ? {} : { fromPort }),
    }).answer;
    if ('error' in answer) return { by: undefined, error: answer.error };
    const [by = '', source = ''] = answer.text.split(' ');
    return { by, source };
  }

  /** Opens a TCP connection and keeps it. */
  async hold(host: Host, to: string, port: number): Promise<HeldConnection> {
    const agent = this.#agent(host);
    const { id, answer } = agent.call({ do: 'hold', to, port });
    const first = await answer;
    if ('error' in first) throw new Error(`cannot connect to ${to}:${port}: ${first.error}`);
    return {
      echo: async (text) => {
        const got = await agent.call({ do: 'echo', held: id, text }).answer;
        if ('error' in got) throw new Error(`connection broke: ${got.error}`);
        if (got.text !== text) throw new Error(`sent ${text}, got ${got.text}`);
      },
      close: () => void agent.call({ do: 'drop', held: id }),
    };
  }

  /** Makes as many connections as fit for some seconds, on some lines at once. */
  async flood(host: Host, to: string, port: number, seconds: number, parallel: number): Promise<FloodResult> {
    const { answer } = this.#agent(host).call({ do: 'flood', to, port, seconds, parallel });
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by a program of ours
    return JSON.parse(textOf(await answer)) as FloodResult;
  }

  /** Sends one UDP packet from each source port of the range. */
  async spray(host: Host, to: string, port: number, fromPort: number, untilPort: number): Promise<void> {
    textOf(await this.#agent(host).call({ do: 'spray', to, port, fromPort, untilPort }).answer);
  }

  /** Sends requests at a steady pace. @returns what ends it and says how they fared */
  async load(host: Host, to: string, port: number, everyMs: number): Promise<() => Promise<LoadResult>> {
    const agent = this.#agent(host);
    const { id, answer } = agent.call({ do: 'load', to, port, everyMs });
    await answer;
    return async () => {
      const said = textOf(await agent.call({ do: 'unload', load: id }).answer);
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by a program of ours
      return JSON.parse(said) as LoadResult;
    };
  }

  /** Ends all peers and removes the namespaces. */
  close(): void {
    for (const child of this.#children) child.kill('SIGKILL');
    this.#removeNamespaces();
  }

  #agent(host: Host): Agent {
    const found = this.#agents.get(host);
    if (found !== undefined) return found;
    const program = PEER_AGENT;
    const child = spawn('ip', ['netns', 'exec', this.#ns(host), process.execPath, program], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, NODE_OPTIONS: '--disable-warning=ExperimentalWarning' },
    });
    this.#children.add(child);
    const agent = new Agent(child);
    this.#agents.set(host, agent);
    return agent;
  }

  #pod(host: 'pod1' | 'pod2', address: string): void {
    const peer = ['type', 'veth', 'peer', 'name', 'eth0', 'netns', this.#ns(host)];
    this.#ip('node', 'link', 'add', `${host}v`, ...peer);
    this.#ip('node', 'link', 'set', `${host}v`, 'master', 'cni0', 'up');
    // A pod that reaches itself through the node: the bridge must send packets back where they came from.
    this.#ip('node', 'link', 'set', `${host}v`, 'type', 'bridge_slave', 'hairpin', 'on');
    this.#addressed(host, address, NODE_AT_PODS);
  }

  #link(host: 'client' | 'far', address: string, name: string, nodeAddress: string): void {
    this.#ip('node', 'link', 'add', name, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', this.#ns(host));
    this.#address('node', nodeAddress, name);
    this.#ip('node', 'link', 'set', name, 'up');
    this.#addressed(host, address, nodeAddress);
  }

  #addressed(host: Host, address: string, gateway: string): void {
    this.#address(host, address, 'eth0');
    this.#ip(host, 'link', 'set', 'eth0', 'up');
    this.#ip(host, 'route', 'add', 'default', 'via', gateway);
    this.#ip(host, '-6', 'route', 'add', 'default', 'via', SIX[gateway] ?? '');
  }

  // One that is not preferred is the source of packets only when asked for.
  #address(host: Host, address: string, device: string, preferred = true): void {
    const lifetime = preferred ? [] : ['preferred_lft', '0'];
    this.#ip(host, 'addr', 'add', `${address}/24`, 'dev', device);
    this.#ip(host, 'addr', 'add', `${SIX[address]}/64`, 'dev', device, 'nodad', ...lifetime);
  }

  #ip(host: Host, ...args: string[]): void {
    ip('-n', this.#ns(host), ...args);
  }

  #ns(host: Host): string {
    return `${this.#prefix}-${host}`;
  }

  #removeNamespaces(): void {
    const there = execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' });
    for (const host of HOSTS) {
      const name = this.#ns(host);
      if (new RegExp(`^${name}( |$)`, 'm').test(there)) ip('netns', 'del', name);
    }
  }
}

function textOf(answer: PeerAnswer): string {
  if ('error' in answer) throw new Error(answer.error);
  return answer.text;
}

// From the root of the repository, where tests and benchmarks run.
const PEER_AGENT = 'lib/proxy/testing/peer_agent.ts';
// Listings of 65,000 connections.
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;
const HOSTS: readonly Host[] = ['client', 'node', 'pod1', 'pod2', 'far'];

function ip(...args: string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'], timeout: 20_000 });
}

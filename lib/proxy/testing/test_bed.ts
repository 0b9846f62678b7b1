/**
 * Hosts in network namespaces for tests with real packets: a client outside, a node with the proxy's rules, two pods on
 * it and one pod on another node. Everything is made by the test and removed by it; needs root.
 *
 *     client 198.51.100.2 -- 198.51.100.1 node 10.66.0.1 -- pod1 10.66.0.2, pod2 10.66.0.3
 *                                         node 10.66.1.1 -- far  10.66.1.2  (a pod of another node)
 */
import type { ChildProcess } from 'node:child_process';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { RunProgram } from '../program.ts';
import { runProgram } from '../program.ts';

export const CLIENT = '198.51.100.2';
export const NODE = '198.51.100.1';
export const POD1 = '10.66.0.2';
export const POD2 = '10.66.0.3';
export const FAR = '10.66.1.2';

export type Host = 'client' | 'node' | 'pod1' | 'pod2' | 'far';

/** What a peer said: its own name and the address it saw, or why nothing came. */
export type Answer =
  { readonly by: string; readonly source: string } | { readonly by: undefined; readonly error: string };

// Runs in the namespace. Serves TCP and UDP on a port, answering "name source", or asks once.
const PEER = `
const net = require('node:net'), dgram = require('node:dgram');
const [mode, ...args] = process.argv.slice(1);
const plain = (a) => String(a).replace(/^::ffff:/, '');
if (mode === 'serve') {
  const [name, port] = args;
  net.createServer((s) => {
    s.on('error', () => {});
    s.write(name + ' ' + plain(s.remoteAddress) + '\\n');
    s.on('data', (d) => s.write(d));
  }).listen(+port, '0.0.0.0', () => {
    const u = dgram.createSocket('udp4');
    u.on('message', (_m, r) => u.send(name + ' ' + r.address + '\\n', r.port, r.address));
    u.bind(+port, () => console.log('ready'));
  });
} else if (mode === 'tcp') {
  const [host, port, timeout] = args;
  const s = net.connect(+port, host);
  const end = (t) => { console.log(t); process.exit(0); };
  setTimeout(() => end('! timeout'), +timeout);
  s.on('error', (e) => end('! ' + e.code));
  s.once('data', (d) => end(String(d).trim()));
} else if (mode === 'udp') {
  const [host, port, timeout, from] = args;
  const u = dgram.createSocket('udp4');
  const end = (t) => { console.log(t); process.exit(0); };
  setTimeout(() => end('! timeout'), +timeout);
  u.on('error', (e) => end('! ' + e.code));
  u.on('message', (m) => end(String(m).trim()));
  u.bind(+from || 0, () => u.connect(+port, host, () => u.send('hello')));
} else if (mode === 'hold') {
  const [host, port] = args;
  const s = net.connect(+port, host);
  s.on('error', (e) => { console.log('! ' + e.code); process.exit(1); });
  s.on('close', () => { console.log('! closed'); process.exit(1); });
  s.on('data', (d) => console.log(String(d).trim()));
  process.stdin.on('data', (d) => s.write(d));
}
`;

/** A TCP connection held open by a host. */
export interface HeldConnection {
  /** Sends a line and waits for it to come back. @throws Error when the connection broke */
  echo(text: string): Promise<void>;
  close(): void;
}

export class TestBed {
  readonly #prefix: string;
  readonly #children = new Set<ChildProcess>();

  private constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** @param prefix of the namespaces' names, at most 6 letters; two beds at a time need two */
  static async create(prefix: string): Promise<TestBed> {
    const bed = new TestBed(prefix);
    bed.#removeNamespaces();
    for (const host of HOSTS) ip('netns', 'add', bed.#ns(host));
    for (const host of HOSTS) bed.#ip(host, 'link', 'set', 'lo', 'up');
    bed.#link('client', CLIENT, 'cl0', NODE);
    // Where a packet goes that no rule takes: the client does not forward, so it is lost.
    bed.#ip('node', 'route', 'add', 'default', 'via', CLIENT);
    bed.#ip('node', 'link', 'add', 'cni0', 'type', 'bridge');
    bed.#ip('node', 'addr', 'add', '10.66.0.1/24', 'dev', 'cni0');
    bed.#ip('node', 'link', 'set', 'cni0', 'up');
    bed.#pod('pod1', POD1);
    bed.#pod('pod2', POD2);
    bed.#link('far', FAR, 'far0', '10.66.1.1');
    bed.exec('node', ['sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv4.conf.all.route_localnet=1']);
    // A pod that reaches itself through the node: the bridge must send packets back where they came from.
    bed.exec('node', ['ip', 'link', 'set', 'pod1v', 'type', 'bridge_slave', 'hairpin', 'on']);
    bed.exec('node', ['ip', 'link', 'set', 'pod2v', 'type', 'bridge_slave', 'hairpin', 'on']);
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
      timeout: 20_000,
    });
  }

  /** Serves TCP and UDP on a port of a host; answers are its name and the address it saw. */
  async serve(host: Host, port: number, name: string = host): Promise<ChildProcess> {
    const child = this.#peer(host, 'serve', name, String(port));
    if (child.stdout === null) throw new Error('no stdout');
    await once(child.stdout, 'data');
    return child;
  }

  /** Asks once over TCP or UDP. @param from source port of UDP; 0: any */
  async ask(
    host: Host,
    protocol: 'tcp' | 'udp',
    to: string,
    port: number,
    timeoutMs = 1500,
    from = 0,
  ): Promise<Answer> {
    const child = this.#peer(host, protocol, to, String(port), String(timeoutMs), String(from));
    let out = '';
    child.stdout?.on('data', (chunk: Buffer) => (out += chunk.toString()));
    await once(child, 'close');
    this.#children.delete(child);
    const [by = '', source = ''] = out.trim().split(' ');
    return by === '!' || by === '' ? { by: undefined, error: source } : { by, source };
  }

  /** Opens a TCP connection and keeps it. */
  async hold(host: Host, to: string, port: number): Promise<HeldConnection> {
    const child = this.#peer(host, 'hold', to, String(port));
    if (child.stdout === null || child.stdin === null) throw new Error('no pipes');
    const { stdin } = child;
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const next = async (): Promise<string> => {
      const { value, done } = await lines.next();
      if (done === true || value.startsWith('!')) throw new Error(`connection broke: ${value ?? 'ended'}`);
      return value;
    };
    await next();
    return {
      echo: async (text) => {
        stdin.write(`${text}\n`);
        const got = await next();
        if (got !== text) throw new Error(`sent ${text}, got ${got}`);
      },
      close: () => child.kill('SIGKILL'),
    };
  }

  /** Ends all peers and removes the namespaces. */
  close(): void {
    for (const child of this.#children) child.kill('SIGKILL');
    this.#removeNamespaces();
  }

  #peer(host: Host, ...args: string[]): ChildProcess {
    const child = spawn('ip', ['netns', 'exec', this.#ns(host), process.execPath, '-e', PEER, ...args], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#children.add(child);
    return child;
  }

  #pod(host: 'pod1' | 'pod2', address: string): void {
    this.#ip(
      'node',
      'link',
      'add',
      `${host}v`,
      'type',
      'veth',
      'peer',
      'name',
      'eth0',
      'netns',
      this.#ns(host),
    );
    this.#ip('node', 'link', 'set', `${host}v`, 'master', 'cni0', 'up');
    this.#addressed(host, address, '10.66.0.1');
  }

  #link(host: 'client' | 'far', address: string, name: string, nodeAddress: string): void {
    this.#ip('node', 'link', 'add', name, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', this.#ns(host));
    this.#ip('node', 'addr', 'add', `${nodeAddress}/24`, 'dev', name);
    this.#ip('node', 'link', 'set', name, 'up');
    this.#addressed(host, address, nodeAddress);
  }

  #addressed(host: Host, address: string, gateway: string): void {
    this.#ip(host, 'addr', 'add', `${address}/24`, 'dev', 'eth0');
    this.#ip(host, 'link', 'set', 'eth0', 'up');
    this.#ip(host, 'route', 'add', 'default', 'via', gateway);
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

const HOSTS: readonly Host[] = ['client', 'node', 'pod1', 'pod2', 'far'];

function ip(...args: string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'], timeout: 20_000 });
}

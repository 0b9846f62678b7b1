/**
 * A program that stands on a host of the test bed (in its network namespace) and serves, asks and holds connections as it is
 * told: a JSON command a line on stdin, a JSON answer a line on stdout. One process for hundreds of probes.
 */
import { createSocket } from 'node:dgram';
import type { Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';

export type PeerCommand =
  | { readonly do: 'serve'; readonly name: string; readonly port: number }
  | {
      readonly do: 'tcp' | 'udp';
      readonly to: string;
      readonly port: number;
      readonly timeoutMs: number;
      /** Source address; left out: whatever the host chooses. */
      readonly from?: string;
      readonly fromPort?: number;
    }
  | { readonly do: 'hold'; readonly to: string; readonly port: number }
  | { readonly do: 'echo'; readonly held: number; readonly text: string }
  | { readonly do: 'drop'; readonly held: number }
  /** As many connections as fit, one after the other on each of `parallel` lines; the answer is a {@link FloodResult}. */
  | {
      readonly do: 'flood';
      readonly to: string;
      readonly port: number;
      readonly seconds: number;
      readonly parallel: number;
    }
  /** One UDP packet from each source port of the range; answers are not waited for. */
  | {
      readonly do: 'spray';
      readonly to: string;
      readonly port: number;
      readonly fromPort: number;
      readonly untilPort: number;
    }
  /** One request over a connection of its own every `everyMs`, until `unload`, whose answer is a {@link LoadResult}. */
  | { readonly do: 'load'; readonly to: string; readonly port: number; readonly everyMs: number }
  | { readonly do: 'unload'; readonly load: number };

export interface FloodResult {
  readonly perSecond: number;
  /** Milliseconds until a connection was there. */
  readonly medianMs: number;
  readonly p99Ms: number;
  readonly failed: number;
}

export interface LoadResult {
  readonly requests: number;
  /** Who answered, and how often; errors under their names. */
  readonly answers: Readonly<Record<string, number>>;
  /** Time, source port and name of each. */
  readonly errors: ReadonlyArray<{ readonly at: string; readonly fromPort: number; readonly error: string }>;
}

/** What a peer said (its name and the address that it saw), or the error that came instead, `timeout` for none. */
export type PeerAnswer = { readonly text: string } | { readonly error: string };

const held = new Map<number, Socket>();

function plain(address: string | undefined): string {
  return (address ?? '').replace(/^::ffff:/, '');
}

function serve(name: string, port: number): Promise<PeerAnswer> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      socket.on('error', () => socket.destroy());
      socket.write(`${name} ${plain(socket.remoteAddress)}\n`);
      socket.on('data', (chunk) => socket.write(chunk));
    });
    server.on('error', reject);
    server.listen(port, '::', () => {
      const udp = createSocket('udp6');
      udp.on('error', () => undefined);
      udp.on('message', (_message, from) => {
        udp.send(`${name} ${plain(from.address)}\n`, from.port, from.address);
      });
      udp.bind(port, '::', () => resolve({ text: 'ready' }));
    });
  });
}

function ask(command: Extract<PeerCommand, { do: 'tcp' | 'udp' }>): Promise<PeerAnswer> {
  const { to, port, timeoutMs, from, fromPort } = command;
  return new Promise((resolve) => {
    const finish = (answer: PeerAnswer, close: () => void): void => {
      clearTimeout(timer);
      resolve(answer);
      close();
    };
    let close = (): void => undefined;
    const timer = setTimeout(() => finish({ error: 'timeout' }, close), timeoutMs);
    if (command.do === 'tcp') {
      const socket = connect({
        port,
        host: to,
        ...(from === undefined ? {} : { localAddress: from }),
        ...(fromPort === undefined ? {} : { localPort: fromPort }),
      });
      close = () => void socket.destroy();
      socket.on('error', (err: NodeJS.ErrnoException) => finish({ error: err.code ?? err.message }, close));
      socket.once('data', (chunk) => finish({ text: chunk.toString().trim() }, close));
    } else {
      const socket = createSocket(to.includes(':') ? 'udp6' : 'udp4');
      let open = true;
      close = () => {
        if (open) socket.close();
        open = false;
      };
      socket.on('error', (err: NodeJS.ErrnoException) => finish({ error: err.code ?? err.message }, close));
      socket.on('message', (message) => finish({ text: message.toString().trim() }, close));
      socket.bind(fromPort ?? 0, from, () => socket.connect(port, to, () => socket.send('hello')));
    }
  });
}

function hold(id: number, to: string, port: number): Promise<PeerAnswer> {
  return new Promise((resolve) => {
    const socket = connect(port, to);
    socket.once('error', (err: NodeJS.ErrnoException) => resolve({ error: err.code ?? err.message }));
    socket.once('data', (chunk) => {
      held.set(id, socket);
      resolve({ text: chunk.toString().trim() });
    });
  });
}

function echo(id: number, text: string): Promise<PeerAnswer> {
  const socket = held.get(id);
  if (socket === undefined) return Promise.resolve({ error: 'not held' });
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve({ error: 'timeout' }), 5000);
    const done = (answer: PeerAnswer): void => {
      clearTimeout(timer);
      socket.removeAllListeners('error').removeAllListeners('close').removeAllListeners('data');
      socket.on('error', () => undefined);
      resolve(answer);
    };
    socket.on('error', (err: NodeJS.ErrnoException) => done({ error: err.code ?? err.message }));
    socket.on('close', () => done({ error: 'closed' }));
    socket.on('data', (chunk) => done({ text: chunk.toString().trim() }));
    if (socket.destroyed) done({ error: 'closed' });
    else socket.write(text);
  });
}

async function flood(command: Extract<PeerCommand, { do: 'flood' }>): Promise<PeerAnswer> {
  const { to, port, seconds, parallel } = command;
  const latencies: number[] = [];
  let failed = 0;
  const started = performance.now();
  const until = started + seconds * 1000;
  const line = async (): Promise<void> => {
    while (performance.now() < until) {
      const ms = await connectTime(to, port);
      if (ms === undefined) failed++;
      else latencies.push(ms);
    }
  };
  await Promise.all(Array.from({ length: parallel }, line));
  const perSecond = (latencies.length / (performance.now() - started)) * 1000;
  latencies.sort((a, b) => a - b);
  const at = (share: number): number => latencies[Math.floor(latencies.length * share)] ?? NaN;
  const result: FloodResult = { perSecond, medianMs: at(0.5), p99Ms: at(0.99), failed };
  return { text: JSON.stringify(result) };
}

function connectTime(host: string, port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const at = performance.now();
    const socket = connect({ host, port, noDelay: true });
    socket.setTimeout(5000, () => socket.destroy(new Error('timeout')));
    socket.on('connect', () => {
      resolve(performance.now() - at);
      // Reset: thousands of ports in TIME_WAIT would be none left.
      socket.resetAndDestroy();
    });
    socket.on('error', () => resolve(undefined));
  });
}

async function spray(command: Extract<PeerCommand, { do: 'spray' }>): Promise<PeerAnswer> {
  const { to, port, fromPort, untilPort } = command;
  let next = fromPort;
  let failed = 0;
  const line = async (): Promise<void> => {
    while (next < untilPort) if (!(await sendFrom(next++, to, port))) failed++;
  };
  await Promise.all(Array.from({ length: 100 }, line));
  return failed === 0 ? { text: 'sent' } : { error: `${failed} packets could not be sent` };
}

function sendFrom(source: number, to: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    const done = (sent: boolean): void => {
      socket.close();
      resolve(sent);
    };
    socket.on('error', () => done(false));
    socket.bind(source, () => socket.send('hello', port, to, (err) => done(err === null)));
  });
}

const loads = new Map<number, () => Promise<LoadResult>>();

/**
 * Below the range that the kernel chooses from. A connection tried before there were rules is tracked as one that is not
 * translated, for two minutes; whoever gets its port again meets what it met, whatever the rules are by then. Here no port
 * comes twice in so short a time.
 */
const LOAD_PORTS = { first: 10_000, last: 32_000 } as const;
let loadPort: number = LOAD_PORTS.first;

function nextLoadPort(): number {
  loadPort = loadPort === LOAD_PORTS.last ? LOAD_PORTS.first : loadPort + 1;
  return loadPort;
}

function load(id: number, { to, port, everyMs }: Extract<PeerCommand, { do: 'load' }>): PeerAnswer {
  const answers: Record<string, number> = {};
  const errors: Array<LoadResult['errors'][number]> = [];
  const underWay = new Set<Promise<void>>();
  let requests = 0;
  const once = async (): Promise<void> => {
    requests++;
    const at = new Date().toISOString();
    const fromPort = nextLoadPort();
    const answer = await ask({ do: 'tcp', to, port, timeoutMs: 5000, fromPort });
    const who = 'error' in answer ? answer.error : (answer.text.split(' ')[0] ?? '');
    answers[who] = (answers[who] ?? 0) + 1;
    if ('error' in answer) errors.push({ at, fromPort, error: answer.error });
  };
  const timer = setInterval(() => {
    const one = once().finally(() => underWay.delete(one));
    underWay.add(one);
  }, everyMs);
  loads.set(id, async () => {
    clearInterval(timer);
    await Promise.all(underWay);
    return { requests, answers, errors };
  });
  return { text: 'started' };
}

async function unload(id: number): Promise<PeerAnswer> {
  const end = loads.get(id);
  loads.delete(id);
  return end === undefined ? { error: 'no such load' } : { text: JSON.stringify(await end()) };
}

function carryOut(id: number, command: PeerCommand): Promise<PeerAnswer> {
  switch (command.do) {
    case 'serve':
      return serve(command.name, command.port);
    case 'hold':
      return hold(id, command.to, command.port);
    case 'echo':
      return echo(command.held, command.text);
    case 'drop':
      held.get(command.held)?.destroy();
      held.delete(command.held);
      return Promise.resolve({ text: '' });
    case 'flood':
      return flood(command);
    case 'spray':
      return spray(command);
    case 'load':
      return Promise.resolve(load(id, command));
    case 'unload':
      return unload(command.load);
    case 'tcp':
    case 'udp':
      return ask(command);
  }
}

createInterface({ input: process.stdin }).on('line', (line) => {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by the test that started this program
  const { id, command } = JSON.parse(line) as { id: number; command: PeerCommand };
  void carryOut(id, command)
    .catch((err: unknown) => ({ error: String(err) }))
    .then((answer) => process.stdout.write(`${JSON.stringify({ id, answer })}\n`));
});
process.stdin.on('end', () => process.exit(0));

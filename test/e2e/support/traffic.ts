/** Requests from the host, from a node and from inside of a pod, and what came back. */
import { join } from 'node:path';
import { at, inNodeNetwork, kubectl, PINNED_NODE, REPO } from './cluster.ts';
import { RunningProgram, runProgram } from './program.ts';

/** Where requests start: the machine itself, a node's network, or a netexec pod. */
export type Origin =
  | { readonly kind: 'host' }
  | { readonly kind: 'node'; readonly node: string }
  | { readonly kind: 'pod'; readonly namespace: string; readonly pod: string };

export type Protocol = 'http' | 'udp';

export interface Answers {
  /** One per request that was answered: the name of the pod. */
  readonly answers: readonly string[];
  /** One per request that was not: an errno name like `ECONNREFUSED`, or what the pod's client says. */
  readonly errors: readonly string[];
}

function clientArgv(origin: Origin, args: readonly string[]): [string, ...string[]] {
  const argv: [string, ...string[]] = [
    PINNED_NODE,
    '--no-warnings',
    join(REPO, 'test', 'e2e', 'support', 'traffic_client.ts'),
    ...args,
  ];
  return origin.kind === 'node' ? inNodeNetwork(origin.node, argv) : argv;
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

/** Sends `count` requests, one connection each. */
export async function send(
  origin: Origin,
  protocol: Protocol,
  host: string,
  port: number,
  count = 1,
): Promise<Answers> {
  if (origin.kind === 'pod') return sendFromPod(origin, protocol, host, port, count);
  const { stdout, stderr, exitCode } = await runProgram(
    clientArgv(origin, [protocol, host, String(port), String(count)]),
    { timeoutMs: 10_000 + count * 4000 },
  );
  if (exitCode !== 0) throw new Error(`traffic client exited with ${exitCode}: ${stderr}`);
  const result: unknown = JSON.parse(stdout);
  return { answers: strings(at(result, 'answers')), errors: strings(at(result, 'errors')) };
}

/** netexec's /dial sends the requests from within its pod. */
async function sendFromPod(
  { namespace, pod }: Extract<Origin, { kind: 'pod' }>,
  protocol: Protocol,
  host: string,
  port: number,
  count: number,
): Promise<Answers> {
  const url =
    `http://127.0.0.1:8080/dial?request=hostname&protocol=${protocol}` +
    `&host=${host}&port=${port}&tries=${count}`;
  const stdout = await kubectl(['-n', namespace, 'exec', pod, '--', 'wget', '-q', '-O', '-', url]);
  const result: unknown = JSON.parse(stdout);
  return { answers: strings(at(result, 'responses')), errors: strings(at(result, 'errors')) };
}

/** Addresses of `name` as `server` tells them to `origin`. */
export async function lookUp(origin: Origin, server: string, name: string): Promise<string[]> {
  if (origin.kind === 'pod') {
    const stdout = await kubectl(['-n', origin.namespace, 'exec', origin.pod, '--', 'nslookup', name]);
    return [...stdout.matchAll(/^Address:\s+(\d+\.\d+\.\d+\.\d+)\s*$/gm)].map(([, address]) => address ?? '');
  }
  const { stdout, stderr, exitCode } = await runProgram(clientArgv(origin, ['dns', server, name]));
  if (exitCode !== 0) throw new Error(`traffic client exited with ${exitCode}: ${stderr}`);
  return strings(at(JSON.parse(stdout), 'answers'));
}

/** What a steady stream of requests saw. */
export interface SteadyResult extends Answers {
  readonly sent: number;
}

/** Requests every 20 ms, each on a new connection, from the first that is answered until {@link SteadyTraffic.stop}. */
export class SteadyTraffic implements AsyncDisposable {
  readonly #program: RunningProgram;

  constructor(origin: Exclude<Origin, { kind: 'pod' }>, host: string, port: number) {
    this.#program = new RunningProgram(clientArgv(origin, ['steady', host, String(port)]));
  }

  async stop(): Promise<SteadyResult> {
    this.#program.kill('SIGTERM');
    await this.#program.exited;
    const result: unknown = JSON.parse(this.#program.stdout);
    return {
      sent: Number(at(result, 'sent')),
      answers: strings(at(result, 'answers')),
      errors: strings(at(result, 'errors')),
    };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#program[Symbol.asyncDispose]();
  }
}

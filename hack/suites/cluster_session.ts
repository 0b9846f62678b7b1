/** The cluster of a run: brought up by hack/up, loaded with the suite's images, taken away by hack/down. */
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { importImages } from '../cluster/node_machine.ts';
import { addressPlan } from '../cluster/address_plan.ts';
import {
  SWAPPABLE,
  type Containerd,
  type Flavour,
  type ProxyMode,
  type Swappable,
} from '../cluster/options.ts';
import { clusterPaths, type ClusterPaths } from '../cluster/paths.ts';
import { isAlive, readRecords } from '../cluster/processes.ts';
import { run } from '../cluster/program.ts';
import { readSettings } from '../cluster/settings.ts';
import { settled } from '../cluster/retry.ts';

export interface SessionOptions {
  readonly repo: string;
  readonly stateRoot: string;
  readonly name: string;
  readonly nodes: number;
  readonly flavours: Readonly<Record<Swappable, Flavour>>;
  readonly proxyMode: ProxyMode;
  readonly containerd?: Containerd;
  readonly signal: AbortSignal;
}

export class ClusterSession {
  readonly paths: ClusterPaths;
  readonly #options: SessionOptions;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.paths = clusterPaths(options.stateRoot, options.name);
  }

  /** Rejects when hack/up fails; its words are on the terminal. */
  async up(): Promise<void> {
    const { name, nodes, flavours, proxyMode, containerd, signal } = this.#options;
    const flags = [
      ...SWAPPABLE.map((part) => `--${part}=${flavours[part]}`),
      `--proxy-mode=${proxyMode}`,
      ...(containerd === undefined ? [] : [`--containerd=${containerd}`]),
    ];
    await this.#script(
      'up',
      [`--name=${name}`, `--nodes=${nodes}`, '--in-cluster=false', '--registry', ...flags],
      signal,
    );
  }

  /** Also after an interruption. */
  async down(): Promise<void> {
    await this.#script('down', [`--name=${this.#options.name}`], undefined);
  }

  /** Imports image tars into every node, each once. Returns how many imports that took. */
  async importImages(tars: readonly string[]): Promise<number> {
    const settings = readSettings(this.paths);
    if (settings === undefined)
      throw new Error(`${this.paths.clusterFile} is missing: hack/up did not write it`);
    let imported = 0;
    await settled(
      addressPlan(settings.slot, settings.nodes).nodes.map(async (node) => {
        imported += await importImages({ paths: this.paths, signal: this.#options.signal }, node, tars);
      }),
    );
    return imported;
  }

  /** Gives images of `node` further names: new name to the one that is there. */
  async nameImages(node: string, names: ReadonlyMap<string, string>): Promise<void> {
    const socket = this.paths.node(node).containerdSocket;
    for (const [name, ref] of names) {
      await run(
        ['ctr', '--address', socket, '--namespace', 'k8s.io', 'images', 'tag', '--force', ref, name],
        {
          timeoutMs: 60_000,
          signal: this.#options.signal,
        },
      );
    }
  }

  /** Pid of the first process of `node`, as the host sees it. */
  nodePid(node: string): number {
    const found = readRecords(this.paths).find((entry) => entry.id === node && isAlive(entry));
    if (found === undefined) throw new Error(`${node} is not up`);
    return found.pid;
  }

  /** Copies the logs of all components to `folder`. */
  saveLogs(folder: string): void {
    if (!existsSync(this.paths.logs)) return;
    mkdirSync(folder, { recursive: true });
    cpSync(this.paths.logs, folder, { recursive: true });
  }

  #script(script: 'up' | 'down', flags: readonly string[], signal: AbortSignal | undefined): Promise<void> {
    const file = path.join(this.#options.repo, 'hack/cluster', `${script}.ts`);
    return new Promise((resolve, reject) => {
      // A group of its own: Ctrl-C reaches this process first, which then decides what is to be ended and what begun.
      const child = spawn(process.execPath, [file, ...flags], {
        stdio: ['ignore', 'inherit', 'inherit'],
        detached: true,
      });
      const abort = (): void => void child.kill('SIGINT');
      signal?.addEventListener('abort', abort, { once: true });
      const done = (): void => signal?.removeEventListener('abort', abort);
      child.once('error', (error) => {
        done();
        reject(error);
      });
      child.once('exit', (code) => {
        done();
        if (code === 0) resolve();
        else reject(new Error(`hack/${script} failed, see above`));
      });
    });
  }
}

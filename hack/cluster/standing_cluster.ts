/** A cluster that hack/up left standing, for programs that end, kill, swap and start its processes one by one. */
import path from 'node:path';
import { cgroupHierarchies, entryFiles, systemGroup } from './cgroups.ts';
import type { ComponentSpec } from './component.ts';
import { clusterPaths, type ClusterPaths } from './paths.ts';
import { isAlive, readRecords, start, stop, type ProcessRecord } from './processes.ts';
import { mounts, readIfThere } from './procfs.ts';
import { readSettings, type ClusterSettings } from './settings.ts';

export interface StandingClusterOptions {
  /** The checkout. */
  readonly repo: string;
  /** The state root, see {@link clusterPaths}. */
  readonly stateRoot: string;
  readonly name: string;
}

export class StandingCluster {
  readonly name: string;
  readonly paths: ClusterPaths;
  readonly settings: ClusterSettings;
  readonly #repo: string;

  /** @throws Error when no such cluster stands */
  constructor({ repo, stateRoot, name }: StandingClusterOptions) {
    this.name = name;
    this.#repo = repo;
    this.paths = clusterPaths(stateRoot, name);
    const settings = readSettings(this.paths);
    if (settings === undefined) throw new Error(`no cluster ${name}: run hack/up --name ${name} first`);
    this.settings = settings;
  }

  /** What was started last as `id` (`kubelet-node-1`), alive or not. */
  record(id: string): ProcessRecord {
    const found = readRecords(this.paths).find((entry) => entry.id === id);
    if (found === undefined) throw new Error(`cluster ${this.name} has no ${id}`);
    return found;
  }

  alive(id: string): boolean {
    return isAlive(this.record(id));
  }

  /** SIGTERM, SIGKILL after five seconds; resolves when it is gone. */
  stop(id: string): Promise<void> {
    return stop(this.record(id));
  }

  /** SIGKILL; resolves when it is gone. */
  kill(id: string): Promise<void> {
    return stop(this.record(id), 0);
  }

  /** Starts `id` as it was started last, or with another command line. It must not run. */
  start(id: string, argv?: readonly [string, ...string[]]): Promise<ProcessRecord> {
    const last = this.record(id);
    const [program = '', ...args] = last.argv;
    const spec: ComponentSpec = {
      id,
      argv: argv ?? [program, ...args],
      // No digest of the files: the next hack/up starts it again with its own.
      inputs: [],
      health: { kind: 'file', path: '' },
      ...(last.node === undefined ? {} : { node: last.node }),
    };
    const cgroups = cgroupHierarchies(mounts(), (file) => readIfThere(file) ?? '');
    if (cgroups === undefined) throw new Error('no control groups on this machine');
    return start(spec, {
      paths: this.paths,
      enterScript: path.join(this.#repo, 'hack/cluster/enter.bash'),
      cgroupEntries: entryFiles(cgroups, systemGroup(this.name)),
      nodePid: (node) => this.record(node).pid,
    });
  }
}

/** Static pods from a directory (or one file): read at start, at every change and every `fileCheckFrequency`. */
import { type FSWatcher, watch } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { Pod } from '../../api/types.ts';
import type { Clock } from '../../base/clock.ts';
import { errorCode, errorMessage } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { podUid } from '../runtime/runtime_names.ts';
import type { PodManager } from './pod_manager.ts';
import { staticPod } from './static_pod.ts';

export interface StaticFilesOptions {
  /** `staticPodPath`: a directory, or one file. */
  readonly path: string;
  readonly intervalMs: number;
  readonly nodeName: string;
  /** The gate PreventStaticPodAPIReferences is off. Default false. */
  readonly mayReferToApi?: boolean;
  readonly pods: PodManager;
  readonly clock: Clock;
  readonly log: Log;
}

export class StaticFiles {
  readonly #options: StaticFilesOptions;
  /** File to the pod it defined last, and the text it came from. */
  readonly #known = new Map<string, { readonly text: string; readonly pod: Pod }>();
  readonly #complaints = new Map<string, string>();
  #wake: (() => void) | undefined;

  constructor(options: StaticFilesOptions) {
    this.#options = options;
  }

  async run(signal: AbortSignal): Promise<void> {
    let watcher: FSWatcher | undefined;
    const { clock, intervalMs, path } = this.#options;
    while (!signal.aborted) {
      watcher ??= this.#watch(path);
      await this.scan();
      const changed = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      await Promise.race([clock.sleep(intervalMs, signal).catch(() => undefined), changed]);
      // Editors write in several steps.
      if (!signal.aborted) await clock.sleep(50, signal).catch(() => undefined);
    }
    watcher?.close();
  }

  /** Reads all files once and tells the pod manager what changed. A file that is no pod keeps what it was. */
  async scan(): Promise<void> {
    const { pods } = this.#options;
    const files = await this.#files();
    if (files === undefined) return;
    for (const file of files) await this.#read(file);
    for (const [file, { pod }] of this.#known) {
      if (files.includes(file)) continue;
      this.#known.delete(file);
      pods.delete(pod);
    }
  }

  async #read(file: string): Promise<void> {
    const { pods, nodeName, clock } = this.#options;
    let text: string;
    try {
      text = await readFile(file, 'utf8');
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') this.#complain(file, error);
      return;
    }
    const known = this.#known.get(file);
    if (known?.text === text) return;
    try {
      const seen = new Date(clock.now()).toISOString();
      const pod = staticPod(parse(text), file, 'file', nodeName, seen, this.#options.mayReferToApi);
      const other = [...this.#known].find(([path, k]) => path !== file && podUid(k.pod) === podUid(pod));
      if (other !== undefined) throw new Error(`the same pod as ${other[0]}`);
      this.#complaints.delete(file);
      this.#known.set(file, { text, pod });
      if (known !== undefined && podUid(known.pod) !== podUid(pod)) pods.delete(known.pod);
      if (known === undefined || podUid(known.pod) !== podUid(pod)) pods.set(pod);
    } catch (error) {
      this.#complain(file, error);
    }
  }

  async #files(): Promise<readonly string[] | undefined> {
    const { path } = this.#options;
    try {
      if ((await stat(path)).isFile()) return [path];
      const entries = await readdir(path, { withFileTypes: true });
      return entries
        .filter((entry) => !entry.isDirectory() && !entry.name.startsWith('.'))
        .map(({ name }) => join(path, name))
        .sort();
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return [];
      // Unreadable is not empty: pods go on.
      this.#complain(path, error);
      return undefined;
    }
  }

  #complain(path: string, error: unknown): void {
    const message = errorMessage(error);
    if (this.#complaints.get(path) === message) return;
    this.#complaints.set(path, message);
    this.#options.log.error(error, 'Cannot take a static pod from its file', { path });
  }

  #watch(path: string): FSWatcher | undefined {
    try {
      const watcher = watch(path, { persistent: false }, () => this.#wake?.());
      watcher.on('error', () => watcher.close()); // the interval goes on
      return watcher;
    } catch {
      return undefined;
    }
  }
}

/** Notices that a configuration file has another content than it had. */
import { watch } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import type { Clock } from '../../base/clock.ts';

/** Writers take a moment, and a volume of a ConfigMap is changed in several steps. */
const SETTLE_MS = 500;

export interface FileChangeOptions {
  readonly path: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Told of each new content. Files that cannot be read are left alone: they come back, or the proxy goes on as it was. */
  readonly onChange: (content: string) => void;
  readonly onError: (err: unknown) => void;
}

/**
 * Watches until the signal aborts. The folder is watched rather than the file, so that a file put in its place (editors) and
 * a link turned elsewhere (volumes of ConfigMaps) are noticed as well.
 *
 * @param content that is in use
 */
export function watchFileContent(content: string, options: FileChangeOptions): void {
  const { path, clock, signal, onChange, onError } = options;
  const name = basename(path);
  let known = content;
  let timer: { cancel(): void } | undefined;
  const look = async (): Promise<void> => {
    const now = await readFile(path, 'utf8').catch(() => known);
    if (signal.aborted || now === known) return;
    known = now;
    onChange(now);
  };
  const watcher = watch(dirname(path), { signal }, (_event, changed) => {
    if (changed !== null && changed !== name && !changed.startsWith('..data')) return;
    timer?.cancel();
    timer = clock.setTimer(SETTLE_MS, () => void look());
  });
  watcher.on('error', onError);
  signal.addEventListener('abort', () => timer?.cancel(), { once: true });
}

/** Termination messages: from the file that the container wrote, else (where the policy says so) the end of its log. */
import { closeSync, fstatSync, openSync, readSync, constants } from 'node:fs';
import type { Log } from '../../base/log.ts';
import { errorCode } from '../../base/errors.ts';
import type { ContainerRuntimeStatus } from '../contracts.ts';
import { MESSAGE_PATH_ANNOTATION, MESSAGE_POLICY_ANNOTATION } from '../runtime/runtime_names.ts';

const MAX_MESSAGE_BYTES = 4096;
const MAX_LOG_BYTES = 2048;
const MAX_LOG_LINES = 80;
const KEPT = 2000;

export class TerminationMessages {
  readonly #log: Log;
  /** By container id: what exited does not change. */
  readonly #messages = new Map<string, string>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** Message of an exited container; what the runtime itself says (it could not start, ...) comes first. */
  of(container: ContainerRuntimeStatus): string {
    const known = this.#messages.get(container.id);
    if (known !== undefined) return known;
    const message = this.#read(container);
    this.#messages.set(container.id, message);
    const [oldest] = this.#messages.keys();
    if (this.#messages.size > KEPT && oldest !== undefined) this.#messages.delete(oldest);
    return message;
  }

  #read(container: ContainerRuntimeStatus): string {
    const path = container.annotations[MESSAGE_PATH_ANNOTATION];
    const file = container.mounts?.find(({ containerPath }) => containerPath === path)?.hostPath;
    let message = file === undefined ? '' : this.#tail(file, MAX_MESSAGE_BYTES, 'head');
    const fallback = container.annotations[MESSAGE_POLICY_ANNOTATION] === 'FallbackToLogsOnError';
    if (message === '' && fallback && container.exitCode !== 0 && container.logPath !== '') {
      message = logLines(this.#tail(container.logPath, MAX_LOG_BYTES * 4, 'tail'));
    }
    if (container.message === '') return message;
    return message === '' ? container.message : `${container.message}: ${message}`;
  }

  #tail(path: string, bytes: number, end: 'head' | 'tail'): string {
    let descriptor: number | undefined;
    try {
      // The container could have put a link or a pipe there.
      descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
      const info = fstatSync(descriptor);
      if (!info.isFile()) return '';
      const buffer = Buffer.alloc(Math.min(bytes, info.size));
      const from = end === 'head' ? 0 : Math.max(0, info.size - bytes);
      const length = readSync(descriptor, buffer, 0, buffer.length, from);
      return buffer.subarray(0, length).toString();
    } catch (error) {
      if (errorCode(error) !== 'ENOENT')
        this.#log.warn('Cannot read a termination message', { path, err: error });
      return '';
    } finally {
      if (descriptor !== undefined) closeSync(descriptor);
    }
  }
}

/** The text of the last lines of a log in CRI's format (`time stream tag text`). */
function logLines(text: string): string {
  const lines = text
    .split('\n')
    .map((line) => /^\S+ (?:stdout|stderr) ([FP])\S* (.*)$/s.exec(line))
    .filter((match) => match !== null)
    .map((match) => (match[1] === 'P' ? (match[2] ?? '') : `${match[2] ?? ''}\n`));
  const all = lines.slice(-MAX_LOG_LINES).join('');
  return Buffer.from(all).subarray(-MAX_LOG_BYTES).toString();
}

/** A pod's timeline for people. Pure. */
import type { PodRef, TimelineEntry } from '../contracts.ts';

export interface Explanation {
  readonly pod: PodRef;
  readonly waitingFor?: string;
  /** How it has ended; absent: it has not. */
  readonly ended?: string;
  readonly entries: readonly TimelineEntry[];
}

/** What came from the kubelet is not an explanation. */
export class ExplanationError extends Error {
  override readonly name = 'ExplanationError';
}

/** @throws ExplanationError when `value` is not what `/debug/explain/pod/...` answers */
export function readExplanation(value: unknown): Explanation {
  const pod = field(value, 'pod');
  const entries = field(value, 'entries');
  if (!Array.isArray(entries)) throw new ExplanationError('the answer has no list "entries"');
  const waitingFor = text(value, 'waitingFor');
  const ended = text(value, 'ended');
  return {
    pod: {
      uid: text(pod, 'uid') ?? '',
      namespace: text(pod, 'namespace') ?? '',
      name: text(pod, 'name') ?? '',
    },
    ...(waitingFor === undefined ? {} : { waitingFor }),
    ...(ended === undefined ? {} : { ended }),
    entries: entries.map((entry: unknown): TimelineEntry => ({
      at: text(entry, 'at') ?? '',
      what: text(entry, 'what') ?? '',
      ...optional('why', text(entry, 'why')),
      ...optional('container', text(entry, 'container')),
      ...optional('error', text(entry, 'error')),
      ...optional('lastAt', text(entry, 'lastAt')),
      ...optional('durationMs', number(entry, 'durationMs')),
      ...optional('times', number(entry, 'times')),
    })),
  };
}

/** One line per entry, the time first, and at the end what the pod waits for. */
export function explanationText({ pod, entries, waitingFor, ended }: Explanation, nodeName: string): string {
  const lines = [`Pod ${pod.namespace}/${pod.name} (${pod.uid}) on node ${nodeName}`, ''];
  for (const entry of entries) {
    const { at, what, why, container, durationMs, error, times, lastAt } = entry;
    let line = `${at.slice(0, 23)}Z  ${what}`;
    if (container !== undefined) line += ` ${container}`;
    if (durationMs !== undefined) line += ` (${durationMs} ms)`;
    if (times !== undefined && lastAt !== undefined)
      line += ` (${times} times, last ${lastAt.slice(0, 19)}Z)`;
    if (why !== undefined) line += `: ${why}`;
    if (error !== undefined) line += `: ${error}`;
    lines.push(printable(line));
  }
  if (entries.length === 0) lines.push('Nothing is recorded yet.');
  if (ended !== undefined) lines.push('', printable(`It has ended: ${ended}`));
  lines.push(
    ...(ended === undefined ? [''] : []),
    printable(waitingFor === undefined ? 'It waits for nothing.' : `It waits for: ${waitingFor}`),
  );
  return `${lines.join('\n')}\n`;
}

/** Messages may hold what a container wrote; it does not get at the terminal. */
function printable(line: string): string {
  // oxlint-disable-next-line no-control-regex -- these are what is taken out
  return line.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, ' ').trimEnd();
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

function text(value: unknown, name: string): string | undefined {
  const found = field(value, name);
  return typeof found === 'string' ? found : undefined;
}

function number(value: unknown, name: string): number | undefined {
  const found = field(value, name);
  return typeof found === 'number' ? found : undefined;
}

function optional<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a computed key loses its literal type
  return (value === undefined ? {} : { [key]: value }) as { [P in K]?: V };
}

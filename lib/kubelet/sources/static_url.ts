/** Static pods from a URL (`staticPodURL`): one pod or a list of pods, fetched every `httpCheckFrequency`. */
import { parse } from 'yaml';
import type { Pod } from '../../api/types.ts';
import type { Clock } from '../../base/clock.ts';
import { errorMessage } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { podUid } from '../runtime/runtime_names.ts';
import type { PodManager } from './pod_manager.ts';
import { ManifestError, staticPod } from './static_pod.ts';

export interface StaticUrlOptions {
  readonly url: string;
  /** `staticPodURLHeader` */
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly intervalMs: number;
  readonly nodeName: string;
  /** The gate PreventStaticPodAPIReferences is off. Default false. */
  readonly mayReferToApi?: boolean;
  readonly pods: Pick<PodManager, 'set' | 'delete'>;
  readonly clock: Clock;
  readonly log: Log;
  /** The body of the answer; for tests. Default: HTTP. */
  readonly fetchText?: (url: string, headers: Headers, signal: AbortSignal) => Promise<string>;
}

const TIMEOUT_MS = 10_000;
const READ_POLL_MS = 1000;
const MAX_BYTES = 10 * 1024 * 1024;
/** After so many failures in a row only every tenth is said. */
const QUIET_AFTER = 3;

export class StaticUrl {
  readonly #options: StaticUrlOptions;
  #text: string | undefined;
  #known = new Map<string, Pod>();
  #failures = 0;

  constructor(options: StaticUrlOptions) {
    this.#options = options;
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.fetch(signal);
      await this.#options.clock.sleep(this.#options.intervalMs, signal).catch(() => undefined);
    }
  }

  /** Resolves when the URL has answered once: which pods it names is not known before. */
  async read(signal: AbortSignal): Promise<void> {
    while (this.#text === undefined) await this.#options.clock.sleep(READ_POLL_MS, signal);
  }

  /** Fetches once and tells the pod manager what changed. What cannot be had or read leaves the pods as they were. */
  async fetch(signal: AbortSignal): Promise<void> {
    const { clock, log, nodeName, pods, url, fetchText = fetchOverHttp } = this.#options;
    try {
      const headers = new Headers();
      for (const [name, values] of Object.entries(this.#options.headers))
        for (const value of values) headers.append(name, value);
      const text = await fetchText(url, headers, signal);
      if (text === '') throw new ManifestError('the answer is empty');
      if (text !== this.#text) {
        const seen = new Date(clock.now()).toISOString();
        const wanted = new Map<string, Pod>();
        for (const document of podsIn(parse(text))) {
          const pod = staticPod(document, url, 'http', nodeName, seen, this.#options.mayReferToApi);
          wanted.set(podUid(pod), pod);
        }
        this.#text = text;
        const before = this.#known;
        this.#known = wanted;
        for (const [uid, pod] of before) if (!wanted.has(uid)) pods.delete(pod);
        for (const [uid, pod] of wanted) if (!before.has(uid)) pods.set(pod);
      }
      this.#failures = 0;
    } catch (error) {
      if (signal.aborted) return;
      this.#failures += 1;
      if (this.#failures <= QUIET_AFTER || this.#failures % 10 === 0)
        log.warn('Cannot take static pods from their URL', {
          url,
          failures: this.#failures,
          err: errorMessage(error),
        });
    }
  }
}

/** The pods of a document: a Pod, or a PodList (also a List). @throws ManifestError for anything else */
function podsIn(document: unknown): readonly unknown[] {
  if (typeof document !== 'object' || document === null) throw new ManifestError('the answer is no object');
  if (!('kind' in document) || (document.kind !== 'PodList' && document.kind !== 'List')) return [document];
  if (!('items' in document) || !Array.isArray(document.items)) throw new ManifestError('items: want a list');
  // Items of a typed list need not repeat what they are.
  return document.items.map((item: unknown) =>
    typeof item === 'object' && item !== null ? { apiVersion: 'v1', kind: 'Pod', ...item } : item,
  );
}

async function fetchOverHttp(url: string, headers: Headers, signal: AbortSignal): Promise<string> {
  const response = await fetch(url, {
    headers,
    signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
  });
  if (!response.ok) {
    await response.body?.cancel();
    throw new Error(`${url}: ${response.status} ${response.statusText}`);
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  const body: AsyncIterable<Uint8Array> | undefined = response.body ?? undefined;
  for await (const chunk of body ?? []) {
    size += chunk.length;
    if (size > MAX_BYTES) throw new Error(`${url}: the answer is larger than ${MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** Keys and certificates of podCertificate volume sources (KEP-4317): asked for, waited for and renewed in time. */
import type { KeyObject } from 'node:crypto';
import type { Pod } from '../../api/types.ts';
import { Backoff } from '../../base/backoff.ts';
import type { Clock } from '../../base/clock.ts';
import { errorMessage, isAbort, toError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { ApiClient } from '../../client/client.ts';
import { isNotFound } from '../../client/errors.ts';
import { POD_CERTIFICATE_REQUESTS } from '../../client/resource.ts';
import type { KubeletEvents } from '../contracts.ts';
import { generatePodKey } from './pod_certificate_key.ts';
import {
  CertificateAnswerError,
  type IssuedCertificate,
  outcomeOf,
  type PodCertificateSource,
  requestPodCertificate,
  type RequestMaker,
} from './pod_certificate_request.ts';

export interface PodCredentials {
  /** PKCS #8, PEM. */
  readonly key: string;
  /** PEM: the pod's certificate, then those between it and its root. */
  readonly chain: string;
  /** When to ask again, milliseconds of the monotonic clock. */
  readonly refreshAtMs: number;
}

/** One source of a pod: the volume and which of its sources it is. */
export interface SourceOfPod {
  readonly volumeName: string;
  readonly index: number;
  readonly source: PodCertificateSource;
}

/** How a source stands, as stock's metric `kubelet_podcertificate_states` has it. */
export type CertificateState =
  'denied' | 'expired' | 'failed' | 'fresh' | 'not_yet_issued' | 'overdue_for_refresh';

export interface PodCertificates {
  /**
   * Key and certificate of a source. The first are waited for some seconds; it rejects while there are none. They are
   * renewed when the signer said, and serve until they expire where that fails.
   */
  credentials(pod: Pod, of: SourceOfPod, signal: AbortSignal): Promise<PodCredentials>;
  /** The pod is gone: its keys are forgotten. */
  forget(uid: string): void;
  /** Of all sources on the node. */
  states(): readonly { readonly signerName: string; readonly state: CertificateState }[];
}

export interface PodCertificatesOptions extends RequestMaker {
  readonly client: Pick<ApiClient, 'create' | 'get'>;
  readonly events: Pick<KubeletEvents, 'pod'>;
  readonly clock: Clock;
  readonly log: Log;
  /** The gate `PodCertificateRequest`. */
  readonly enabled: boolean;
  readonly random?: () => number;
  /** A private key of a `keyType`; for tests. */
  readonly generateKey?: (keyType: string) => Promise<KeyObject>;
}

/** How long a pod that starts waits for the signer in one go. */
const WAIT_MS = 10_000;
const POLL = { initialMs: 100, maxMs: 2000, factor: 2, jitter: 0 };
/** Nobody waits for a renewal. */
const RENEWAL_POLL_MS = 5000;
/** Between requests for one source of which nothing came. */
const RETRY = { initialMs: 2000, maxMs: 300_000, factor: 2, jitter: 0.1 };
/** Renewals are spread over this time after `beginRefreshAt`, which is 10 min before the end at the latest. */
const JITTER_MS = 300_000;
const OVERDUE_MS = 600_000;

interface Current {
  readonly key: string;
  readonly chain: string;
  /** All by the monotonic clock. */
  readonly refreshAtMs: number;
  readonly overdueAtMs: number;
  readonly expiresAtMs: number;
}

/** What is known of one source. Only here, and in the volume, is its key. */
interface Held {
  readonly signerName: string;
  current?: Current;
  pending?: { readonly requestName: string; readonly key: KeyObject };
  /** There will never be a certificate. */
  refused?: { readonly state: 'denied' | 'failed'; readonly message: string };
  /** Why there is none, and until when no other is asked for. */
  problem?: { readonly error: Error; readonly untilMs: number };
  readonly retry: Backoff;
  overdueTold: boolean;
}

export function createPodCertificates(options: PodCertificatesOptions): PodCertificates {
  return new Certificates(options);
}

class Certificates implements PodCertificates {
  readonly #options: PodCertificatesOptions;
  readonly #random: () => number;
  /** By UID of the pod, then by source. */
  readonly #pods = new Map<string, Map<string, Held>>();

  constructor(options: PodCertificatesOptions) {
    this.#options = options;
    this.#random = options.random ?? Math.random;
  }

  async credentials(pod: Pod, of: SourceOfPod, signal: AbortSignal): Promise<PodCredentials> {
    if (!this.#options.enabled)
      throw new Error('projected volume source podCertificate: PodCertificateRequest is not enabled');
    const held = this.#heldFor(pod, of);
    if (held.refused !== undefined) throw new Error(held.refused.message);
    if (held.current === undefined) return this.#first(pod, of, held, signal);
    return this.#renewed(pod, of, held, held.current, signal);
  }

  forget(uid: string): void {
    this.#pods.delete(uid);
  }

  states(): readonly { readonly signerName: string; readonly state: CertificateState }[] {
    const all = [...this.#pods.values()].flatMap((sources) => [...sources.values()]);
    return all.map((held) => ({ signerName: held.signerName, state: this.#stateOf(held) }));
  }

  #stateOf({ current, refused }: Held): CertificateState {
    const now = this.#options.clock.monotonic();
    if (refused !== undefined) return refused.state;
    if (current === undefined) return 'not_yet_issued';
    if (now >= current.expiresAtMs) return 'expired';
    return now >= current.overdueAtMs ? 'overdue_for_refresh' : 'fresh';
  }

  #heldFor(pod: Pod, { volumeName, index, source }: SourceOfPod): Held {
    const uid = pod.metadata.uid ?? '';
    const sources = this.#pods.get(uid) ?? new Map<string, Held>();
    this.#pods.set(uid, sources);
    const name = `${volumeName}/${index}`;
    const held = sources.get(name) ?? {
      signerName: source.signerName,
      retry: new Backoff(RETRY, this.#random),
      overdueTold: false,
    };
    sources.set(name, held);
    return held;
  }

  async #first(pod: Pod, of: SourceOfPod, held: Held, signal: AbortSignal): Promise<PodCredentials> {
    const { clock } = this.#options;
    const until = clock.monotonic() + WAIT_MS;
    const poll = new Backoff(POLL);
    for (;;) {
      const current = await this.#step(pod, of, held, signal);
      if (current !== undefined) return current;
      if (clock.monotonic() >= until) throw new Error('credential bundle is not issued yet');
      await clock.sleep(poll.next(), signal);
    }
  }

  /** What the pod has until something newer is there. */
  async #renewed(
    pod: Pod,
    of: SourceOfPod,
    held: Held,
    current: Current,
    signal: AbortSignal,
  ): Promise<PodCredentials> {
    const { clock, log } = this.#options;
    if (clock.monotonic() < current.refreshAtMs) return current;
    const before = held.problem;
    let failure: unknown;
    try {
      const renewed = await this.#step(pod, of, held, signal);
      if (renewed !== undefined) return renewed;
    } catch (error) {
      if (isAbort(error, signal)) throw error;
      failure = error;
    }
    const now = clock.monotonic();
    if (now >= current.expiresAtMs) {
      throw new Error('certificate has expired and is not renewed yet', {
        cause: failure ?? held.problem?.error,
      });
    }
    if (failure !== undefined && held.problem !== before)
      log.error(failure, 'Could not renew the certificate of a pod; the old one is still valid', {
        pod: `${pod.metadata.namespace ?? ''}/${pod.metadata.name}`,
        volumeName: of.volumeName,
      });
    if (now >= current.overdueAtMs) this.#tellOverdue(pod, of, held);
    return { ...current, refreshAtMs: Math.max(now + RENEWAL_POLL_MS, held.problem?.untilMs ?? 0) };
  }

  /** Asks for a certificate, or looks after the request that was made. `undefined`: not issued yet. */
  async #step(pod: Pod, of: SourceOfPod, held: Held, signal: AbortSignal): Promise<Current | undefined> {
    const { pending } = held;
    if (pending === undefined) {
      await this.#request(pod, of, held, signal);
      return undefined;
    }
    const { client } = this.#options;
    const { namespace } = pod.metadata;
    let outcome: ReturnType<typeof outcomeOf>;
    try {
      const request = await client.get(
        POD_CERTIFICATE_REQUESTS,
        { namespace, name: pending.requestName },
        { signal },
      );
      outcome = outcomeOf(request);
    } catch (error) {
      // A server that does not answer is asked again for the same; what is gone or makes no sense is not.
      if (isNotFound(error) || error instanceof CertificateAnswerError) this.#failed(held, error);
      throw error;
    }
    if (outcome === undefined) return undefined;
    if ('refused' in outcome) throw this.#refuse(pod, held, pending.requestName, outcome);
    held.current = this.#taken(pending.key, outcome.issued);
    delete held.pending;
    delete held.problem;
    held.retry.reset();
    held.overdueTold = false;
    return held.current;
  }

  async #request(pod: Pod, of: SourceOfPod, held: Held, signal: AbortSignal): Promise<void> {
    const { clock, generateKey = generatePodKey } = this.#options;
    if (held.problem !== undefined && clock.monotonic() < held.problem.untilMs) throw held.problem.error;
    try {
      const key = await generateKey(of.source.keyType);
      const requestName = await requestPodCertificate(this.#options, pod, of.source, key, signal);
      held.pending = { requestName, key };
    } catch (error) {
      if (!isAbort(error, signal)) this.#failed(held, error);
      throw error;
    }
  }

  /** Nothing comes of the request under way: another is made after a while. */
  #failed(held: Held, error: unknown): void {
    delete held.pending;
    held.problem = {
      error: toError(error),
      untilMs: this.#options.clock.monotonic() + held.retry.next(),
    };
  }

  #refuse(
    pod: Pod,
    held: Held,
    requestName: string,
    { refused, reason, message }: { refused: 'Denied' | 'Failed'; reason: string; message: string },
  ): Error {
    const what = refused === 'Denied' ? 'was denied' : 'failed';
    const why = `reason=${JSON.stringify(reason)}, message=${JSON.stringify(message)}`;
    this.#options.events.pod(pod, 'Warning', refused, `PodCertificateRequest ${requestName} ${what}, ${why}`);
    const error = new Error(
      `PodCertificateRequest was permanently ${refused.toLowerCase()}: ${why.replace(', message', ' message')}`,
    );
    this.#failed(held, error);
    // Whoever made the pod makes another. One that runs already is not given up for a signer out of order.
    if (held.current === undefined)
      held.refused = { state: refused === 'Denied' ? 'denied' : 'failed', message: error.message };
    return error;
  }

  #taken(key: KeyObject, { chain, notBefore, beginRefreshAt, notAfter }: IssuedCertificate): Current {
    const { clock } = this.#options;
    const now = clock.monotonic();
    // By this machine's clock, unless that cannot be right.
    const told = beginRefreshAt - clock.now();
    const longest = beginRefreshAt - notBefore;
    const begin = now + (told > 0 && told <= longest ? told : longest);
    return {
      key: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
      chain,
      refreshAtMs: begin + this.#random() * JITTER_MS,
      overdueAtMs: begin + OVERDUE_MS,
      expiresAtMs: begin + (notAfter - beginRefreshAt),
    };
  }

  #tellOverdue(pod: Pod, { volumeName, source }: SourceOfPod, held: Held): void {
    if (held.overdueTold) return;
    held.overdueTold = true;
    this.#options.events.pod(
      pod,
      'Warning',
      'CertificateOverdueForRefresh',
      `The certificate of signer ${source.signerName} in volume ${JSON.stringify(volumeName)} is overdue for its renewal` +
        (held.problem === undefined ? '' : `: ${errorMessage(held.problem.error)}`),
    );
  }
}

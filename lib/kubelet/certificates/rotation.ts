/** Renews a certificate of the kubelet before it ends, and asks for the first one where there is none. */
import { Backoff } from '../../base/backoff.ts';
import type { Clock } from '../../base/clock.ts';
import { isAbort } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { KeyPair } from '../../component/x509/self_signed.ts';
import { type CertificateStore, validity } from './certificate_store.ts';

export interface RotationOptions {
  readonly store: Pick<CertificateStore, 'current' | 'update' | 'path'>;
  /** Asks the cluster for one. */
  readonly request: (signal: AbortSignal) => Promise<KeyPair>;
  /** What the certificate must be for now; when it changes, it is renewed at once. Empty: for nothing yet, none is asked for. */
  readonly wanted?: () => string;
  /** The same of a certificate that was kept; default: what it must be for now. */
  readonly madeFor?: (pair: KeyPair) => string;
  /** Told of the certificate at the start, if there is one that has not ended, and of every new one. */
  readonly changed?: (pair: KeyPair) => void;
  readonly clock: Clock;
  readonly log: Log;
  /** 0 to 1. */
  readonly random?: () => number;
}

/** Told how the certificate stands. */
export interface RotationObserver {
  /** There is a certificate, which ends then. */
  has(untilMs: number): void;
  failed(): void;
}

const RETRY = { initialMs: 2000, maxMs: 60_000, factor: 2, jitter: 0.1 };
/** Longest sleep: clocks step, and what is wanted may change. */
const LOOK_MS = 60_000;

/** Between looks whether it is known yet what the certificate is for. */
const WANTED_LOOK_MS = 1000;

/** When to renew: after 70 to 90 % of the lifetime, spread so that nodes do not come together. Pure. */
export function rotationTime(
  { fromMs, untilMs }: { readonly fromMs: number; readonly untilMs: number },
  random: number,
): number {
  return fromMs + (untilMs - fromMs) * (0.7 + 0.2 * random);
}

export class CertificateRotation {
  readonly #options: RotationOptions;
  readonly #observers: RotationObserver[] = [];
  #renewAtMs: number | undefined;
  #untilMs: number | undefined;
  #madeFor: string | undefined;

  constructor(options: RotationOptions) {
    this.#options = options;
  }

  /** The observer is told of what is and of what comes. */
  observe(observer: RotationObserver): void {
    this.#observers.push(observer);
    if (this.#untilMs !== undefined) observer.has(this.#untilMs);
  }

  /** Until the signal aborts; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log, store } = this.#options;
    const retry = new Backoff(RETRY);
    await this.#begin();
    while (!signal.aborted) {
      let wait = LOOK_MS;
      const wanted = this.#options.wanted?.();
      const isDue =
        this.#renewAtMs === undefined || clock.now() >= this.#renewAtMs || wanted !== this.#madeFor;
      if (wanted === '') wait = WANTED_LOOK_MS;
      else if (isDue) {
        try {
          const pair = await this.#options.request(signal);
          await store.update(pair, clock.now());
          this.#take(pair, wanted);
          retry.reset();
          log.info('Rotated a certificate', { path: store.path, renewAt: iso(this.#renewAtMs) });
        } catch (error) {
          if (isAbort(error, signal)) return;
          wait = retry.next();
          for (const observer of this.#observers) observer.failed();
          log.error(error, 'Cannot renew a certificate; trying again', { path: store.path, inMs: wait });
        }
      }
      if (this.#renewAtMs !== undefined && this.#renewAtMs > clock.now())
        wait = Math.min(wait, this.#renewAtMs - clock.now());
      await clock.sleep(wait, signal).catch(() => undefined);
    }
  }

  async #begin(): Promise<void> {
    const { clock, log, madeFor, store, wanted } = this.#options;
    try {
      const pair = await store.current();
      if (pair !== undefined && validity(pair.cert).untilMs > clock.now())
        this.#take(pair, (madeFor ?? wanted)?.(pair));
    } catch (error) {
      log.error(error, 'Cannot use the stored certificate; asking for another', { path: store.path });
    }
  }

  #take(pair: KeyPair, madeFor: string | undefined): void {
    const valid = validity(pair.cert);
    this.#renewAtMs = rotationTime(valid, (this.#options.random ?? Math.random)());
    this.#untilMs = valid.untilMs;
    for (const observer of this.#observers) observer.has(valid.untilMs);
    this.#madeFor = madeFor;
    this.#options.changed?.(pair);
  }
}

function iso(ms: number | undefined): string {
  return ms === undefined ? '' : new Date(ms).toISOString();
}

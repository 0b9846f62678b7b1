/**
 * Leader election on a Lease (coordination.k8s.io/v1), with the field use of upstream's components, so that ours and
 * stock ones can compete for the same Lease.
 */
import { microTimestamp } from '../api/timestamp.ts';
import type { Lease } from '../api/types.ts';
import type { Clock } from '../base/clock.ts';
import type { ApiClient } from './client.ts';
import { isAlreadyExists, isConflict, isNotFound } from './errors.ts';
import { LEASES } from './resource.ts';

export interface LeaderElectionOptions {
  readonly client: ApiClient;
  /** Namespace and name of the Lease. */
  readonly namespace: string;
  readonly name: string;
  /** Names this contender; no two may share one. Upstream uses `HOSTNAME_UUID`. */
  readonly identity: string;
  /** How long others wait after the last renewal they saw before they take over. Whole seconds are written. */
  readonly leaseDurationMs: number;
  /** A leader that could not renew for so long stops leading. Less than the lease duration. */
  readonly renewDeadlineMs: number;
  /** Between attempts to acquire or renew. */
  readonly retryPeriodMs: number;
  /** Gives the Lease up when `signal` aborts, once the work has ended, so that the next leader need not wait. */
  readonly releaseOnCancel: boolean;
  readonly clock: Clock;
  /**
   * The work of a leader; its signal aborts when leadership is lost or given up. It must end then. A process that was
   * stopped and goes on later may come to its work before it comes to the signal: `holds` says whether the Lease is still
   * ours by the clock, for what must not be done without it.
   */
  onStartedLeading(signal: AbortSignal, holds: () => boolean): Promise<void>;
  /** Leadership is over: the signal of the work has been aborted. Also called when it was never won. */
  onStoppedLeading(): void;
  /** Another (or this) contender was seen to hold the Lease. */
  onNewLeader?(identity: string): void;
  /** Told of every failed attempt; attempts go on. */
  readonly onError?: (err: unknown) => void;
  /** 0..1, for jitter. Default Math.random. */
  readonly random?: () => number;
  readonly signal: AbortSignal;
}

// Contenders that start together must not stay in step.
const JITTER = 1.2;

/**
 * Competes for the Lease and leads once it is won. Resolves when leadership is lost or the signal aborts; the caller
 * usually ends the process then. Rejects when the work rejects, or with TypeError on contradicting durations.
 */
export async function runLeaderElection(options: LeaderElectionOptions): Promise<void> {
  checkOptions(options);
  const { clock, signal, retryPeriodMs, random = Math.random } = options;
  const contender = new Contender(options);
  try {
    while (!(await contender.attempt(signal))) {
      await clock.sleep(retryPeriodMs * (1 + JITTER * random()), signal);
    }
  } catch (err) {
    options.onStoppedLeading();
    if (signal.aborted) return;
    throw err;
  }

  const leading = new AbortController();
  let failure: { readonly err: unknown } | undefined;
  const failed = new AbortController();
  const lead = async (): Promise<void> => options.onStartedLeading(leading.signal, () => contender.holds);
  const work = lead().catch((err: unknown) => {
    if (leading.signal.aborted) return; // ended by being told to
    failure = { err };
    failed.abort(err);
  });
  await renew(contender, options, AbortSignal.any([signal, failed.signal]));
  leading.abort(new Error(signal.aborted ? 'shutting down' : 'leadership lost'));
  options.onStoppedLeading();
  if (options.releaseOnCancel && contender.leads) {
    // Nobody may take over while our work still goes on: past the lease's end they do so anyway.
    const ended = await Promise.race([
      work.then(() => true),
      clock.sleep(contender.validForMs()).then(() => false),
    ]);
    if (ended) await contender.release().catch((err: unknown) => options.onError?.(err));
  }
  if (failure !== undefined) throw failure.err;
}

/** Returns when the Lease could not be renewed in time, or the signal aborts. */
async function renew(
  contender: Contender,
  options: LeaderElectionOptions,
  signal: AbortSignal,
): Promise<void> {
  const { clock, retryPeriodMs, renewDeadlineMs } = options;
  let renewedAt = clock.monotonic();
  const leftMs = (): number => renewedAt + renewDeadlineMs - clock.monotonic();
  while (!signal.aborted && leftMs() > 0) {
    await clock.sleep(Math.min(retryPeriodMs, leftMs()), signal).catch(() => undefined); // the loop ends
    if (signal.aborted || leftMs() <= 0) return;
    const began = clock.monotonic();
    // Counted from before the request: by the time others see it, it is at most that old.
    if (await contender.attempt(signal, leftMs())) renewedAt = began;
    else if (contender.lost) return;
  }
}

class Contender {
  readonly #options: LeaderElectionOptions;
  #lease: Lease | undefined;
  // What the holder writes; as long as it stays the same, the holder is not renewing.
  #record = '';
  /** When the record was last seen to change, by our own clock: the holder's clock may be anywhere. */
  #changedAt = 0;
  #announced = '';
  #led = false;
  /** When the request was begun that gave or renewed us the Lease. */
  #heldSince = Number.NEGATIVE_INFINITY;

  constructor(options: LeaderElectionOptions) {
    this.#options = options;
  }

  get leads(): boolean {
    return this.#lease?.spec?.holderIdentity === this.#options.identity;
  }

  /** We have it, and nobody else can have taken it yet. */
  get holds(): boolean {
    const { clock, leaseDurationMs } = this.#options;
    return this.leads && clock.monotonic() - this.#heldSince < leaseDurationMs;
  }

  /** Another contender took the Lease from us. */
  get lost(): boolean {
    return this.#led && this.#lease !== undefined && !this.leads;
  }

  /** How long the Lease holds without another renewal, milliseconds. */
  validForMs(): number {
    const seconds = this.#lease?.spec?.leaseDurationSeconds ?? 0;
    return Math.max(0, this.#changedAt + seconds * 1000 - this.#options.clock.monotonic());
  }

  /** Whether we hold the Lease now, renewed by this call. Rejects only when the signal aborts. */
  async attempt(signal: AbortSignal, timeoutMs = this.#options.renewDeadlineMs): Promise<boolean> {
    const began = this.#options.clock.monotonic();
    try {
      const won = await this.#acquireOrRenew(signal, timeoutMs);
      this.#led ||= won;
      if (won) this.#heldSince = began;
      return won;
    } catch (err) {
      if (signal.aborted) throw err;
      // What we know is stale after a conflict; the next attempt reads again.
      if (isConflict(err) || isNotFound(err)) this.#lease = undefined;
      // Losing a race is part of the game.
      if (!isConflict(err) && !isAlreadyExists(err)) this.#options.onError?.(err);
      return false;
    } finally {
      this.#announce();
    }
  }

  /** Gives the Lease up, for others to take at once. */
  async release(): Promise<void> {
    const { client, clock, retryPeriodMs } = this.#options;
    const lease = this.#lease;
    if (lease === undefined || !this.leads) return;
    const now = microTimestamp(clock.now());
    const released = await client.update(
      LEASES,
      {
        ...lease,
        spec: {
          holderIdentity: '',
          leaseDurationSeconds: 1,
          acquireTime: now,
          renewTime: now,
          leaseTransitions: lease.spec?.leaseTransitions ?? 0,
        },
      },
      { timeoutMs: Math.max(retryPeriodMs, 1_000) },
    );
    this.#observe(released);
  }

  async #acquireOrRenew(signal: AbortSignal, timeoutMs: number): Promise<boolean> {
    const { client, namespace, name, identity } = this.#options;
    // A leader whose Lease is valid need not read it first: the resourceVersion tells if somebody wrote it.
    if (this.#lease === undefined || !this.leads || this.validForMs() === 0) {
      let lease: Lease;
      try {
        lease = await client.get(LEASES, { namespace, name }, { signal, timeoutMs });
      } catch (err) {
        if (!isNotFound(err)) throw err;
        const spec = this.#spec(undefined);
        this.#observe(
          await client.create(LEASES, { metadata: { namespace, name }, spec }, { signal, timeoutMs }),
        );
        return true;
      }
      this.#observe(lease);
    }
    const lease = this.#lease;
    const holder = lease?.spec?.holderIdentity ?? '';
    if (lease === undefined || (holder !== '' && holder !== identity && this.validForMs() > 0)) return false;
    this.#observe(await client.update(LEASES, { ...lease, spec: this.#spec(lease) }, { signal, timeoutMs }));
    return true;
  }

  #spec(lease: Lease | undefined): NonNullable<Lease['spec']> {
    const { clock, identity, leaseDurationMs } = this.#options;
    const now = microTimestamp(clock.now());
    const old = lease?.spec;
    const ours = old?.holderIdentity === identity;
    return {
      ...old,
      holderIdentity: identity,
      leaseDurationSeconds: Math.max(1, Math.floor(leaseDurationMs / 1000)),
      acquireTime: ours && old.acquireTime !== undefined ? old.acquireTime : now,
      renewTime: now,
      leaseTransitions: old === undefined ? 0 : (old.leaseTransitions ?? 0) + (ours ? 0 : 1),
    };
  }

  #observe(lease: Lease): void {
    const record = JSON.stringify(lease.spec ?? {});
    if (record !== this.#record) {
      this.#record = record;
      this.#changedAt = this.#options.clock.monotonic();
    }
    this.#lease = lease;
  }

  #announce(): void {
    const holder = this.#lease?.spec?.holderIdentity ?? '';
    if (holder === '' || holder === this.#announced) return;
    this.#announced = holder;
    this.#options.onNewLeader?.(holder);
  }
}

function checkOptions(options: LeaderElectionOptions): void {
  const { identity, leaseDurationMs, renewDeadlineMs, retryPeriodMs } = options;
  if (identity === '') throw new TypeError('leader election: identity must not be empty');
  if (leaseDurationMs < 1_000) {
    throw new TypeError(`leader election: leaseDuration: got ${leaseDurationMs} ms, want at least 1 s`);
  }
  if (renewDeadlineMs >= leaseDurationMs) {
    throw new TypeError(
      `leader election: renewDeadline: got ${renewDeadlineMs} ms, want less than leaseDuration (${leaseDurationMs} ms)`,
    );
  }
  if (retryPeriodMs <= 0 || retryPeriodMs * JITTER >= renewDeadlineMs) {
    throw new TypeError(
      `leader election: retryPeriod: got ${retryPeriodMs} ms, want more than 0 and less than renewDeadline (${renewDeadlineMs} ms) / ${JITTER}`,
    );
  }
}

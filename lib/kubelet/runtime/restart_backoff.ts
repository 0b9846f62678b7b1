/**
 * CrashLoopBackOff: the first restart is immediate, the next waits 10 s after the exit, then twice as long each time up to
 * a maximum; a container that ran for 10 minutes before it exited starts over.
 */
import type { FeatureGates } from '../../component/feature_gates.ts';

export interface RestartBackoffPolicy {
  readonly initialMs: number;
  readonly maxMs: number;
}

export const DEFAULT_RESTART_BACKOFF: RestartBackoffPolicy = { initialMs: 10_000, maxMs: 300_000 };

/** The same where the gate `ReduceDefaultCrashLoopBackOffDecay` is on (KEP-4603). */
const REDUCED_RESTART_BACKOFF: RestartBackoffPolicy = { initialMs: 1000, maxMs: 60_000 };

/** However short the longest delay is. */
const FORGET_AFTER_MS = 600_000;

/** @param configuredMaxMs `crashLoopBackOff.maxContainerRestartPeriod`, which goes before the gate */
export function restartBackoff(
  configuredMaxMs: number | undefined,
  gates: Pick<FeatureGates, 'enabled'>,
): RestartBackoffPolicy {
  const reduced = gates.enabled('ReduceDefaultCrashLoopBackOffDecay');
  const { initialMs, maxMs } = reduced ? REDUCED_RESTART_BACKOFF : DEFAULT_RESTART_BACKOFF;
  return { initialMs, maxMs: configuredMaxMs ?? maxMs };
}

/** What is remembered of a container's restarts: the delay in force and when the last restart was allowed. */
export interface RestartBackoffEntry {
  readonly delayMs: number;
  readonly updatedAtMs: number;
}

/** The last exit of a container, as far as back-off is concerned. */
export interface LastExit {
  readonly startedAtMs: number;
  readonly finishedAtMs: number;
  readonly restartCount: number;
}

export type RestartDecision =
  | { readonly start: true; readonly entry: RestartBackoffEntry }
  | { readonly start: false; readonly delayMs: number; readonly notBeforeMs: number };

/** Whether a container that exited may be started again now. Pure; the caller keeps the entry when it does start. */
export function restartDecision(
  entry: RestartBackoffEntry | undefined,
  exit: LastExit,
  nowMs: number,
  policy: RestartBackoffPolicy,
): RestartDecision {
  const known = entry ?? seedFromExit(exit, policy);
  const delayMs = Math.min(policy.initialMs, policy.maxMs);
  const first = { start: true, entry: { delayMs, updatedAtMs: nowMs } } as const;
  if (known === undefined || exit.finishedAtMs - known.updatedAtMs > FORGET_AFTER_MS) return first;
  const notBeforeMs = exit.finishedAtMs + known.delayMs;
  if (nowMs < notBeforeMs) return { start: false, delayMs: known.delayMs, notBeforeMs };
  return {
    start: true,
    entry: { delayMs: Math.min(known.delayMs * 2, policy.maxMs), updatedAtMs: nowMs },
  };
}

/**
 * After a restart of the kubelet nothing is remembered; the runtime still tells how often the container was restarted
 * and how long it ran last, from which the delay follows.
 */
function seedFromExit(exit: LastExit, policy: RestartBackoffPolicy): RestartBackoffEntry | undefined {
  if (exit.restartCount === 0) return undefined;
  const doublings = Math.min(exit.restartCount - 1, 30);
  return {
    delayMs: Math.min(policy.initialMs * 2 ** doublings, policy.maxMs),
    updatedAtMs: exit.startedAtMs,
  };
}

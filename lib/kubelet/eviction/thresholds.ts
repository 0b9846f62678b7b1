/** Eviction thresholds: from the configuration to what is compared with observations. Pure. */
import { parseDuration } from '../../base/duration.ts';
import { errorMessage } from '../../base/errors.ts';
import { parseQuantity, type QuantityFormat } from '../../api/quantity.ts';

/** What can run out (https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/#eviction-signals). */
export const SIGNALS = [
  'memory.available',
  'allocatableMemory.available',
  'nodefs.available',
  'nodefs.inodesFree',
  'imagefs.available',
  'imagefs.inodesFree',
  'containerfs.available',
  'containerfs.inodesFree',
  'pid.available',
] as const;
export type Signal = (typeof SIGNALS)[number];

/** An amount, absolute (to be shown in the form that it was given in) or as a share of the capacity (0 to 1). */
export type Amount =
  { readonly bytes: number; readonly format?: QuantityFormat } | { readonly share: number };

export interface Threshold {
  readonly signal: Signal;
  readonly amount: Amount;
  /** How long less than that may be available; 0 for hard thresholds. */
  readonly graceMs: number;
  readonly hard: boolean;
  /** What must be available on top before the threshold counts as no longer met. */
  readonly minReclaim: Amount | undefined;
}

export interface EvictionSettings {
  readonly evictionHard: Readonly<Record<string, string>>;
  readonly evictionSoft: Readonly<Record<string, string>>;
  readonly evictionSoftGracePeriod: Readonly<Record<string, string>>;
  readonly evictionMinimumReclaim: Readonly<Record<string, string>>;
}

/** A threshold that cannot be. `field` is the path in the configuration. */
export class ThresholdError extends Error {
  override readonly name = 'ThresholdError';
  readonly field: string;
  constructor(field: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.field = field;
  }
}

/**
 * Writable layers lie with the images or with the node: what is said of `containerfs` follows from what is said of those,
 * and thresholds of its own are ignored, as in stock (KEP-4191).
 */
function isIgnored(name: string): boolean {
  return name.startsWith('containerfs.');
}

/** Paths of the thresholds that are set and ignored. */
export function ignoredThresholds({ evictionHard, evictionSoft }: EvictionSettings): readonly string[] {
  return Object.entries({ evictionHard, evictionSoft }).flatMap(([field, thresholds]) =>
    Object.keys(thresholds)
      .filter(isIgnored)
      .map((name) => `${field}.${name}`),
  );
}

/** @throws ThresholdError naming the field, what it is and what is allowed */
export function parseThresholds(settings: EvictionSettings): readonly Threshold[] {
  const reclaim = new Map(
    Object.entries(settings.evictionMinimumReclaim).map(([name, text]) => {
      const field = `evictionMinimumReclaim.${name}`;
      const signal = signalOf(name, field);
      return [signal, reclaimOf(text, signal, field)] as const;
    }),
  );
  const grace = new Map(
    Object.entries(settings.evictionSoftGracePeriod).map(([name, text]) => {
      const field = `evictionSoftGracePeriod.${name}`;
      return [signalOf(name, field), graceOf(text, field)] as const;
    }),
  );
  const thresholds: Threshold[] = [];
  for (const [name, text] of Object.entries(settings.evictionHard)) {
    const field = `evictionHard.${name}`;
    const signal = signalOf(name, field);
    const amount = amountOf(text, signal, field);
    if (isOff(amount) || isIgnored(name)) continue;
    thresholds.push({ signal, amount, graceMs: 0, hard: true, minReclaim: reclaim.get(signal) });
  }
  for (const [name, text] of Object.entries(settings.evictionSoft)) {
    const field = `evictionSoft.${name}`;
    const signal = signalOf(name, field);
    const amount = amountOf(text, signal, field);
    const graceMs = grace.get(signal);
    if (graceMs === undefined)
      throw new ThresholdError(
        field,
        `grace period must be specified for the soft eviction threshold ${name} (as evictionSoftGracePeriod.${name})`,
      );
    if (isOff(amount) || isIgnored(name)) continue;
    thresholds.push({ signal, amount, graceMs, hard: false, minReclaim: reclaim.get(signal) });
  }
  return thresholds;
}

/**
 * Pods together may run out of what the node has for them before the node does: what is said of its memory holds for that
 * too, where the group of all pods is held to its limit.
 */
export function withAllocatableMemory(thresholds: readonly Threshold[]): readonly Threshold[] {
  const same = thresholds
    .filter(({ signal, hard }) => signal === 'memory.available' && hard)
    .map((threshold): Threshold => ({ ...threshold, signal: 'allocatableMemory.available' }));
  return thresholds.some(({ signal }) => signal === 'allocatableMemory.available')
    ? thresholds
    : [...thresholds, ...same];
}

/** The amount in bytes (or inodes, or processes) of a capacity. */
export function absolute(amount: Amount, capacity: number): number {
  return 'bytes' in amount ? amount.bytes : Math.floor(capacity * amount.share);
}

function signalOf(name: string, field: string): Signal {
  const signal = SIGNALS.find((known) => known === name);
  if (signal === undefined)
    throw new ThresholdError(field, `unsupported eviction signal ${name}, want one of ${SIGNALS.join(', ')}`);
  return signal;
}

function amountOf(text: string, signal: Signal, field: string): Amount {
  const amount = parseAmount(text, field);
  const refuse = (why: string): never => {
    throw new ThresholdError(field, `${why}: ${text}`);
  };
  if ('share' in amount) {
    if (amount.share < 0) refuse(`eviction percentage threshold ${signal} must be >= 0%`);
    if (amount.share > 1) refuse(`eviction percentage threshold ${signal} must be <= 100%`);
  } else if (amount.bytes <= 0) refuse(`eviction threshold ${signal} must be positive`);
  return amount;
}

function reclaimOf(text: string, signal: Signal, field: string): Amount {
  const amount = parseAmount(text, field);
  if (('share' in amount ? amount.share : amount.bytes) < 0)
    throw new ThresholdError(field, `negative eviction minimum reclaim specified for ${signal}: ${text}`);
  return amount;
}

function parseAmount(text: string, field: string): Amount {
  if (text.endsWith('%')) {
    const percent = Number(text.slice(0, -1));
    if (text === '%' || !Number.isFinite(percent))
      throw new ThresholdError(field, `got ${JSON.stringify(text)}, want a percentage from 0% to 100%`);
    return { share: percent / 100 };
  }
  try {
    const quantity = parseQuantity(text);
    return { bytes: Number(quantity.value()), format: quantity.format };
  } catch (error) {
    throw new ThresholdError(field, errorMessage(error), { cause: error });
  }
}

function graceOf(text: string, field: string): number {
  let ms: number;
  try {
    ms = parseDuration(text);
  } catch (error) {
    throw new ThresholdError(field, errorMessage(error), { cause: error });
  }
  if (ms < 0)
    throw new ThresholdError(
      field,
      `invalid eviction grace period specified: ${text}, must be a positive value`,
    );
  return ms;
}

/** 0% and 100% turn a threshold off. */
function isOff(amount: Amount): boolean {
  return 'share' in amount && (amount.share === 0 || amount.share === 1);
}

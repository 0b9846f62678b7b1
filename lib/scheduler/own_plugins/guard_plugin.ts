/**
 * A plugin of somebody's own behind a guard: what it throws, answers wrongly or takes too long for fails one pod and names
 * the plugin, and nothing else.
 */
import type { Pod } from '../../api/types.ts';
import type { Clock } from '../../base/clock.ts';
import { DeadlineExceededError, withDeadline } from '../../base/deadline.ts';
import { toError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { keyOf } from '../../api/types.ts';
import { podId } from '../cache/node_info.ts';
import type { CycleState } from '../framework/cycle_state.ts';
import type { Plugin } from '../framework/plugin.ts';
import type { Outcome } from '../framework/status.ts';
import { SKIP } from '../framework/status.ts';
import {
  checkNormalized,
  outcomeOf,
  permitOf,
  postFilterOf,
  preFilterOf,
  scoreOf,
} from './plugin_answers.ts';
import type { PluginDefinition, PluginMethods } from './plugin_definition.ts';
import { DEFAULT_BUDGET } from './plugin_definition.ts';
import { PluginTime } from './plugin_time.ts';

export interface GuardOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Milliseconds that pass while a plugin runs; undefined: time is not looked at (a simulation). */
  readonly now?: () => number;
  /** Told when the plugin is entered and left: what runs when nothing moves any more. */
  readonly watch?: { enter(plugin: string, point: string): void; leave(): void };
  readonly onOverrun?: (plugin: string, point: string) => void;
  /** @param pod the one at which it was too much */
  readonly onSuspended?: (plugin: string, message: string, pod: Pod | undefined) => void;
}

export function guardPlugin(
  definition: PluginDefinition,
  methods: PluginMethods,
  { clock, log, now, watch, onOverrun, onSuspended }: GuardOptions,
): Plugin & PluginMethods {
  const { name, whenSuspended } = definition;
  /** For which the plugin's addPod or removePod failed. */
  const broken = new WeakMap<CycleState, Error>();
  let current: Pod | undefined;
  const budget = { ...DEFAULT_BUDGET, ...definition.budget };
  const { asyncMs } = budget;
  const time = new PluginTime({
    plugin: name,
    budget: now === undefined ? { ...budget, overruns: Number.POSITIVE_INFINITY } : budget,
    now: now ?? (() => 0),
    onOverrun: (point) => onOverrun?.(name, point),
    onSuspended: (forMs, reason) => {
      const message = `plugin "${name}" is suspended for ${forMs / 1000} s: ${reason}`;
      log.warn(message);
      onSuspended?.(name, message, current);
    },
  });

  const timed = <T>(point: string, cycle: unknown, call: () => T): T => {
    const begun = time.begin();
    watch?.enter(name, point);
    let result: T;
    try {
      result = call();
    } finally {
      watch?.leave();
    }
    time.end(begun, cycle, point, current === undefined ? '' : podId(current));
    return result;
  };
  /** One question about a pod, answered at once. */
  const ask = (point: string, pod: Pod, cycle: unknown, call: () => unknown): Outcome => {
    if (whenSuspended === 'skip' && time.isSuspended) return undefined;
    time.checkSuspended();
    current = pod;
    return outcomeOf(timed(point, cycle, call), name, point);
  };
  /** Something the plugin is told, that must not fail. */
  const tell = (point: string, pod: Pod, call: () => void): void => {
    try {
      timed(point, pod, call);
    } catch (err) {
      log.error(err, 'Plugin failed', { plugin: name, point, pod: keyOf(pod) });
    }
  };
  const answerInTime = async <T>(
    point: string,
    pod: Pod,
    signal: AbortSignal,
    call: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> => {
    time.checkSuspended();
    try {
      return await withDeadline(asyncMs, signal, clock, async (s) => await call(s));
    } catch (err) {
      if (!(err instanceof DeadlineExceededError)) throw err;
      time.late(point, podId(pod));
      throw new Error(`plugin "${name}" has not answered at ${point} within ${asyncMs / 1000} s`, {
        cause: err,
      });
    }
  };

  const m = methods;
  const guarded: Plugin & PluginMethods = { name };
  if (m.preEnqueue !== undefined)
    guarded.preEnqueue = (pod) => ask('PreEnqueue', pod, pod, () => m.preEnqueue?.(pod));
  if (m.compare !== undefined)
    guarded.compare = (a, b) => {
      try {
        const order: unknown = m.compare?.(a, b);
        return typeof order === 'number' && !Number.isNaN(order) ? order : 0;
      } catch (err) {
        log.error(err, 'Plugin failed', { plugin: name, point: 'QueueSort' });
        return 0;
      }
    };
  if (m.preFilter !== undefined)
    guarded.preFilter = (state, pod, nodes) => {
      if (whenSuspended === 'skip' && time.isSuspended) return SKIP;
      time.checkSuspended();
      current = pod;
      return preFilterOf(
        timed('PreFilter', state, () => m.preFilter?.(state, pod, nodes)),
        name,
      );
    };
  for (const method of ['addPod', 'removePod'] as const) {
    if (m[method] === undefined) continue;
    guarded[method] = (state, pod, other, node) => {
      try {
        m[method]?.(state, pod, other, node);
      } catch (err) {
        broken.set(state, toError(err));
      }
    };
  }
  if (m.filter !== undefined)
    guarded.filter = (state, pod, node) => {
      const earlier = broken.get(state);
      if (earlier !== undefined) throw earlier;
      return ask('Filter', pod, state, () => m.filter?.(state, pod, node));
    };
  if (m.postFilter !== undefined)
    guarded.postFilter = async (state, pod, refusals, context) =>
      postFilterOf(
        await answerInTime('PostFilter', pod, context.signal, async (signal) =>
          m.postFilter?.(state, pod, refusals, { ...context, signal }),
        ),
        name,
      );
  if (m.score !== undefined) {
    const skips = (): boolean => whenSuspended !== 'fail' && time.isSuspended;
    guarded.preScore = (state, pod, nodes) => {
      if (skips()) return SKIP;
      return m.preScore === undefined
        ? undefined
        : ask('PreScore', pod, state, () => m.preScore?.(state, pod, nodes));
    };
    guarded.score = (state, pod, node) => {
      if (skips()) return 0;
      time.checkSuspended();
      current = pod;
      return scoreOf(
        timed('Score', state, () => m.score?.(state, pod, node)),
        name,
        node.name,
      );
    };
    guarded.normalizeScore = (state, pod, scores) => {
      if (skips()) return;
      if (m.normalizeScore !== undefined)
        timed('NormalizeScore', state, () => m.normalizeScore?.(state, pod, scores));
      else if (m.normalize !== undefined) {
        const { lowest, highest } = bounds(scores);
        for (const [i, score] of scores.entries()) scores[i] = m.normalize(score, lowest, highest);
      }
      for (const score of scores) checkNormalized(score, name);
    };
    if (m.normalize !== undefined || m.normalizeScore === undefined)
      guarded.normalize = (score, lowest, highest) => {
        const normalized = m.normalize?.(score, lowest, highest) ?? score;
        checkNormalized(normalized, name);
        return normalized;
      };
  } else if (m.preScore !== undefined)
    guarded.preScore = (state, pod, nodes) =>
      ask('PreScore', pod, state, () => m.preScore?.(state, pod, nodes));
  if (m.reserve !== undefined || m.unreserve !== undefined) {
    guarded.reserve = (state, pod, node) => ask('Reserve', pod, state, () => m.reserve?.(state, pod, node));
    guarded.unreserve = (state, pod, node) => tell('Unreserve', pod, () => m.unreserve?.(state, pod, node));
  }
  if (m.permit !== undefined)
    guarded.permit = (state, pod, node) => {
      if (whenSuspended === 'skip' && time.isSuspended) return undefined;
      time.checkSuspended();
      current = pod;
      return permitOf(
        timed('Permit', state, () => m.permit?.(state, pod, node)),
        name,
      );
    };
  for (const [method, point] of [
    ['preBind', 'PreBind'],
    ['bind', 'Bind'],
  ] as const) {
    if (m[method] === undefined) continue;
    guarded[method] = async (state, pod, node, signal) =>
      outcomeOf(
        await answerInTime(point, pod, signal, async (s) => m[method]?.(state, pod, node, s)),
        name,
        point,
      );
  }
  if (m.preBindPreFlight !== undefined)
    guarded.preBindPreFlight = (state, pod, node) => {
      let hasWork: unknown;
      tell('PreBindPreFlight', pod, () => (hasWork = m.preBindPreFlight?.(state, pod, node)));
      return hasWork !== false; // in doubt, as without it
    };
  if (m.postBind !== undefined)
    guarded.postBind = (state, pod, node) => tell('PostBind', pod, () => m.postBind?.(state, pod, node));
  if (m.eventsToRegister !== undefined) {
    const given = m.eventsToRegister();
    guarded.eventsToRegister = () =>
      given.map((registration) => {
        if (typeof registration === 'string' || registration.hint === undefined) return registration;
        const { event, hint } = registration;
        return {
          event,
          hint: (pod, objects) => {
            try {
              return hint(pod, objects);
            } catch (err) {
              log.error(err, 'Plugin failed', { plugin: name, point: 'QueueingHint', pod: keyOf(pod) });
              return true; // in doubt, another try
            }
          },
        };
      });
  }
  if (m.signPod !== undefined)
    guarded.signPod = (pod) => {
      try {
        const signature: unknown = m.signPod?.(pod);
        // While it is suspended nothing must be kept of what is answered in its place.
        return typeof signature === 'string' && !time.isSuspended ? signature : undefined;
      } catch (err) {
        log.error(err, 'Plugin failed', { plugin: name, point: 'SignPod', pod: keyOf(pod) });
        return undefined;
      }
    };
  return guarded;
}

function bounds(scores: readonly number[]): { readonly lowest: number; readonly highest: number } {
  let lowest = Number.POSITIVE_INFINITY;
  let highest = Number.NEGATIVE_INFINITY;
  for (const score of scores) {
    lowest = Math.min(lowest, score);
    highest = Math.max(highest, score);
  }
  return { lowest, highest };
}

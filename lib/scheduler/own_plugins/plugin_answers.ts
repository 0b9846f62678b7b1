/** What plugins of somebody's own answer, checked: they may be JavaScript. */
import { inspect } from 'node:util';
import { isObject } from '../../component/config/schema.ts';
import type { PermitWait, PostFilterResult, PreFilterResult } from '../framework/plugin.ts';
import { MAX_NODE_SCORE } from '../framework/plugin.ts';
import type { Outcome, Status, StatusCode } from '../framework/status.ts';

/** A plugin answered what it must not. */
export class PluginAnswerError extends Error {
  override readonly name = 'PluginAnswerError';
}

const CODES: readonly StatusCode[] = [
  'Success',
  'Error',
  'Unschedulable',
  'UnschedulableAndUnresolvable',
  'Skip',
];

/** @throws PluginAnswerError */
export function outcomeOf(answer: unknown, plugin: string, point: string): Outcome {
  if (answer === undefined || answer === null) return undefined;
  if (isStatus(answer)) return answer;
  throw wrong(
    answer,
    plugin,
    point,
    'undefined or a status like { code: "Unschedulable", reasons: ["..."] }',
  );
}

export function preFilterOf(answer: unknown, plugin: string): Outcome | PreFilterResult {
  if (isObject(answer) && answer['nodeNames'] instanceof Set) {
    const names: ReadonlySet<unknown> = answer['nodeNames'];
    return { nodeNames: new Set(Array.from(names, String)) };
  }
  return outcomeOf(answer, plugin, 'PreFilter');
}

export function permitOf(answer: unknown, plugin: string): Outcome | PermitWait {
  if (!isObject(answer) || answer['code'] !== 'Wait') return outcomeOf(answer, plugin, 'Permit');
  const { timeoutMs } = answer;
  if (typeof timeoutMs === 'number' && timeoutMs > 0) return { code: 'Wait', timeoutMs };
  throw wrong(answer, plugin, 'Permit', '{ code: "Wait", timeoutMs: NUMBER }');
}

export function postFilterOf(answer: unknown, plugin: string): PostFilterResult {
  if (!isObject(answer)) throw wrong(answer, plugin, 'PostFilter', 'an object');
  const { nominatedNodeName: node, status } = answer;
  const outcome = outcomeOf(status, plugin, 'PostFilter');
  return {
    ...(typeof node === 'string' ? { nominatedNodeName: node } : {}),
    ...(outcome === undefined ? {} : { status: outcome }),
  };
}

export function scoreOf(answer: unknown, plugin: string, node: string): number {
  if (typeof answer === 'number' && Number.isFinite(answer)) return answer;
  throw wrong(answer, plugin, `Score of node "${node}"`, 'a finite number');
}

/** In the words of the stock scheduler. */
export function checkNormalized(score: number, plugin: string): void {
  if (score >= 0 && score <= MAX_NODE_SCORE) return;
  throw new PluginAnswerError(
    `plugin "${plugin}" returns an invalid score ${score}, it should in the range of [0, ${MAX_NODE_SCORE}] after normalizing`,
  );
}

function isStatus(answer: unknown): answer is Status {
  if (!isObject(answer)) return false;
  const { code, reasons } = answer;
  if (!CODES.some((c) => c === code)) return false;
  return Array.isArray(reasons) && reasons.every((r) => typeof r === 'string');
}

function wrong(answer: unknown, plugin: string, point: string, wants: string): PluginAnswerError {
  const isPromise = isObject(answer) && typeof answer['then'] === 'function';
  // Nobody waits for it; that it fails must not end the process.
  if (answer instanceof Promise) answer.catch(() => undefined);
  const got = isPromise
    ? 'a promise, but only PostFilter, PreBind and Bind may be asynchronous'
    : inspect(answer, { depth: 1, breakLength: Number.POSITIVE_INFINITY });
  return new PluginAnswerError(`plugin "${plugin}" answered ${got} at ${point}: want ${wants}`);
}

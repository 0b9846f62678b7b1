/** Bodies of the scheduler extender v1 protocol (`k8s.io/kube-scheduler/extender/v1`). What an extender answers is checked. */
import type { Pod } from '../../api/types.ts';
import { podId } from '../cache/node_info.ts';
import type { Candidate } from '../framework/candidate.ts';

/** An extender answered what the protocol does not allow. */
export class ExtenderAnswerError extends Error {
  override readonly name = 'ExtenderAnswerError';
}

export interface ExtenderFilterAnswer {
  /** Names of the nodes that passed. */
  readonly passed: ReadonlySet<string>;
  /** Why the others did not, and whether the going of pods might change it. */
  readonly failed: ReadonlyMap<string, string>;
  readonly failedForGood: ReadonlyMap<string, string>;
}

export interface ExtenderScore {
  readonly host: string;
  readonly score: number;
}

export interface ExtenderVictims {
  readonly uids: ReadonlySet<string>;
  readonly violations: number;
}

type Fields = Readonly<Record<string, unknown>>;

function fields(value: unknown, what: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new ExtenderAnswerError(`extender answer: ${what}: want an object, got ${JSON.stringify(value)}`);
  return { ...value };
}

/** A field by its name in any case: encoders in use write it as the Go field or as its JSON tag. */
function field(object: Fields, name: string): unknown {
  const key = Object.keys(object).find((k) => k.toLowerCase() === name.toLowerCase());
  return key === undefined ? undefined : object[key];
}

function text(value: unknown, what: string): string {
  if (value === undefined || value === null) return '';
  if (typeof value !== 'string')
    throw new ExtenderAnswerError(`extender answer: ${what}: want a string, got ${JSON.stringify(value)}`);
  return value;
}

function items(value: unknown, what: string): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value))
    throw new ExtenderAnswerError(`extender answer: ${what}: want a list, got ${JSON.stringify(value)}`);
  return value;
}

function reasons(value: unknown, what: string): ReadonlyMap<string, string> {
  if (value === undefined || value === null) return new Map();
  return new Map(Object.entries(fields(value, what)).map(([node, why]) => [node, text(why, what)]));
}

/** @throws ExtenderAnswerError also when the extender reports an error of its own */
export function filterAnswer(answer: unknown, byName: boolean): ExtenderFilterAnswer {
  const object = fields(answer, 'filter result');
  const error = text(field(object, 'error'), 'error');
  if (error !== '') throw new ExtenderAnswerError(error);
  const names = byName
    ? items(field(object, 'nodenames'), 'nodenames').map((name) => text(name, 'nodenames'))
    : items(field(fields(field(object, 'nodes') ?? {}, 'nodes'), 'items'), 'nodes.items').map((node) =>
        text(fields(fields(node, 'node')['metadata'], 'node.metadata')['name'], 'node.metadata.name'),
      );
  return {
    passed: new Set(names),
    failed: reasons(field(object, 'failedNodes'), 'failedNodes'),
    failedForGood: reasons(field(object, 'failedAndUnresolvableNodes'), 'failedAndUnresolvableNodes'),
  };
}

/** @throws ExtenderAnswerError */
export function prioritizeAnswer(answer: unknown): readonly ExtenderScore[] {
  return items(answer, 'host priority list').map((entry) => {
    const object = fields(entry, 'host priority');
    const score = field(object, 'score') ?? 0;
    if (typeof score !== 'number' || !Number.isFinite(score))
      throw new ExtenderAnswerError(`extender answer: score: want a number, got ${JSON.stringify(score)}`);
    return { host: text(field(object, 'host'), 'host'), score };
  });
}

/** The error that the extender reports, or an empty text. @throws ExtenderAnswerError */
export function bindingAnswer(answer: unknown): string {
  if (answer === undefined || answer === null) return '';
  return text(field(fields(answer, 'binding result'), 'error'), 'error');
}

export function preemptionRequest(pod: Pod, candidates: readonly Candidate[], byName: boolean): unknown {
  return byName
    ? {
        pod,
        nodeNameToMetaVictims: Object.fromEntries(
          candidates.map(({ node, victims, violations }) => [
            node,
            { pods: victims.map((victim) => ({ uid: podId(victim) })), numPDBViolations: violations },
          ]),
        ),
      }
    : {
        pod,
        nodeNameToVictims: Object.fromEntries(
          candidates.map(({ node, victims, violations }) => [
            node,
            { pods: victims, numPDBViolations: violations },
          ]),
        ),
      };
}

/** @throws ExtenderAnswerError */
export function preemptionAnswer(answer: unknown): ReadonlyMap<string, ExtenderVictims> {
  const byNode = fields(
    field(fields(answer, 'preemption result'), 'nodeNameToMetaVictims') ?? {},
    'nodeNameToMetaVictims',
  );
  return new Map(
    Object.entries(byNode).map(([node, victims]) => {
      const object = fields(victims, 'victims');
      const violations = field(object, 'numPDBViolations') ?? 0;
      if (typeof violations !== 'number')
        throw new ExtenderAnswerError(`extender answer: numPDBViolations: got ${JSON.stringify(violations)}`);
      const uids = items(field(object, 'pods'), 'pods').map((p) =>
        text(field(fields(p, 'pod'), 'uid'), 'uid'),
      );
      return [node, { uids: new Set(uids), violations }];
    }),
  );
}

/** The last decision on each pod, for `/debug/explain`. */
import type { Pod } from '../../api/types.ts';
import { keyOf } from '../../api/types.ts';
import { RefusalView } from '../framework/refusal_view.ts';
import type { QueuedPod } from '../queue/queued_pod.ts';
import type { Decision, NodeScore } from '../diagnosis.ts';
import { unschedulableMessage } from '../diagnosis.ts';

/** Scores of at most so many nodes are kept per pod: the best ones. */
const MAX_SCORES = 10;
/** Refusals of at most so many nodes are kept one by one; the message counts all. */
const MAX_REFUSALS = 500;

/** One decision as it is served. */
export interface Explanation {
  readonly pod: string;
  readonly uid: string;
  /** RFC 3339. */
  readonly at: string;
  readonly attempt: number;
  readonly result: 'scheduled' | 'unschedulable' | 'error';
  readonly node?: string;
  readonly message: string;
  readonly nodesConsidered: number;
  /** Why nodes were refused: node name to plugin and reasons. */
  readonly refused: Readonly<Record<string, { plugin: string; reasons: readonly string[] }>>;
  /** How the best nodes scored, best first. Empty when there was no choice. */
  readonly scores: readonly NodeScore[];
}

interface Recorded {
  /** In the ring. */
  readonly place: number;
  /** Written out when somebody asks. */
  readonly explanation: () => Explanation;
}

/** Keeps the last decision of up to `capacity` pods; the ones decided longest ago go first. */
export class DecisionLog {
  /** Keys in the order of the decisions, round and round; each place is taken over by the decision `capacity` later. */
  readonly #ring: string[] = [];
  readonly #capacity: number;
  #next = 0;
  readonly #byPod = new Map<string, Recorded>();

  constructor(capacity = 10_000) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#byPod.size;
  }

  record({ key, pod, attempts }: QueuedPod, decision: Decision, nowMs: number): void {
    const place = this.#next;
    this.#next = (place + 1) % this.#capacity;
    const oldest = this.#ring[place];
    if (oldest !== undefined && this.#byPod.get(oldest)?.place === place) this.#byPod.delete(oldest);
    this.#ring[place] = key;
    this.#byPod.set(key, { place, explanation: explainLater(pod, decision, attempts, nowMs) });
  }

  /** @param key `namespace/name` */
  get(key: string): Explanation | undefined {
    return this.#byPod.get(key)?.explanation();
  }
}

function explainLater(pod: Pod, decision: Decision, attempt: number, nowMs: number): () => Explanation {
  const { diagnosis } = decision;
  const { keep } = diagnosis;
  // What is small, or knows how to become so, is written out when somebody asks.
  if (keep !== undefined || (diagnosis.refusals instanceof RefusalView && diagnosis.scores.length === 0)) {
    keep?.({ refusals: MAX_REFUSALS, scores: MAX_SCORES });
    return () => explain(pod, decision, attempt, nowMs);
  }
  const explanation = explain(pod, decision, attempt, nowMs);
  return () => explanation;
}

function explain(pod: Pod, decision: Decision, attempt: number, nowMs: number): Explanation {
  const { diagnosis } = decision;
  let count = 0;
  const refused: Record<string, { plugin: string; reasons: readonly string[] }> = {};
  for (const [node, { plugin, reasons }] of diagnosis.refusals) {
    if (count++ >= MAX_REFUSALS) break;
    refused[node] = { plugin, reasons };
  }
  const base = {
    pod: keyOf(pod),
    uid: pod.metadata.uid ?? '',
    at: new Date(nowMs).toISOString(),
    attempt,
    nodesConsidered: diagnosis.nodes,
    refused,
    scores: diagnosis.scores.slice(0, MAX_SCORES),
  };
  switch (decision.kind) {
    case 'node':
      return {
        ...base,
        result: 'scheduled',
        node: decision.node,
        message: reasonForChoice(decision.node, decision),
      };
    case 'unschedulable':
      return { ...base, result: 'unschedulable', message: unschedulableMessage(diagnosis) };
    case 'error':
      return { ...base, result: 'error', message: decision.status.reasons.join(', ') };
  }
}

function reasonForChoice(node: string, { diagnosis }: Decision): string {
  const passed = diagnosis.nodes - diagnosis.refusals.size;
  if (passed === 1) return `${node} is the only one of ${diagnosis.nodes} nodes that passed all filters`;
  const best = diagnosis.scores[0]?.total ?? 0;
  const equal = diagnosis.ties ?? diagnosis.scores.filter((s) => s.total === best).length;
  const among = equal > 1 ? `, chosen at random among ${equal} of that score` : '';
  return `${node} has the highest score, ${best}, of the ${passed} nodes that passed all filters${among}`;
}

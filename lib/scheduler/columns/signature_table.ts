/** Decisions from columns: for a pod of a known signature, only what has changed since is looked at. */
import type { Pod } from '../../api/types.ts';
import type { SchedulerCache } from '../cache/cache.ts';
import type { Profile } from '../framework/plugin.ts';
import type { NominatedPods } from '../queue/nominated_pods.ts';
import type { Decision } from '../diagnosis.ts';
import { decisionFrom } from './column_decision.ts';
import type { ColumnPlan } from './column_plan.ts';
import { columnPlan } from './column_plan.ts';
import { PodColumns } from './pod_columns.ts';
import { signatureOf } from './signature.ts';

/** Rows of all signatures together: some 100 bytes each. */
const MAX_ROWS = 1_500_000;
const MAX_SIGNATURES = 256;

export class SignatureTable {
  readonly #plan: ColumnPlan | undefined;
  readonly #cache: SchedulerCache;
  readonly #nominated: NominatedPods;
  /** In the order of last use. */
  readonly #bySignature = new Map<string, PodColumns>();

  constructor(profile: Profile, cache: SchedulerCache, nominated: NominatedPods) {
    this.#plan = columnPlan(profile);
    this.#cache = cache;
    this.#nominated = nominated;
    // A pod that waits for room on a node counts there.
    nominated.listen((nodeName) => cache.touch(nodeName));
  }

  /** How many signatures are followed. */
  get size(): number {
    return this.#bySignature.size;
  }

  /**
   * The decision that the filters and scores of the profile come to, all nodes considered; undefined when the pod has to be
   * tried on every node instead.
   *
   * @param random 0..1, to choose among equally good nodes
   */
  decide(pod: Pod, random: () => number): Decision | undefined {
    const columns = this.columnsFor(pod);
    return columns === undefined ? undefined : decisionFrom(columns, this.#cache, random);
  }

  /** The columns of the pod's signature, up to date. */
  columnsFor(pod: Pod): PodColumns | undefined {
    if (this.#plan === undefined || this.#cache.nodes().length === 0) return undefined;
    // Where room was made for the pod it goes first; and it must not be kept out by itself.
    if (this.#nominated.nodeOf(pod) !== undefined || (pod.status?.nominatedNodeName ?? '') !== '')
      return undefined;
    let signature: string | undefined;
    try {
      signature = signatureOf(pod, this.#plan);
      if (signature === undefined) return undefined;
      let columns = this.#bySignature.get(signature);
      this.#bySignature.delete(signature);
      if (columns?.isCurrent !== true) {
        columns?.retire();
        columns = new PodColumns(pod, signature, {
          plan: this.#plan,
          cache: this.#cache,
          nominated: this.#nominated,
        });
      }
      columns.update();
      this.#bySignature.set(signature, columns);
      this.#forgetOldest();
      return columns.hasColumnFilters && this.#nominated.size > 0 ? undefined : columns;
    } catch {
      // Whatever it was, the pod meets it again when it is tried on every node, and it is reported then.
      if (signature !== undefined) this.#bySignature.delete(signature);
      return undefined;
    }
  }

  #forgetOldest(): void {
    const most = Math.min(MAX_SIGNATURES, Math.floor(MAX_ROWS / Math.max(1, this.#cache.rows)));
    while (this.#bySignature.size > Math.max(1, most)) {
      const oldest = this.#bySignature.entries().next();
      if (oldest.done === true) return;
      oldest.value[1].retire();
      this.#bySignature.delete(oldest.value[0]);
    }
  }
}

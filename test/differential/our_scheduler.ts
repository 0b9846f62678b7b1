/** Our decisions on a cluster given as objects, in memory. */
import { createProfiles } from '../../lib/scheduler/config/profiles_of_config.ts';
import { SCHEDULER_CONFIG_KIND } from '../../lib/scheduler/config/scheduler_config.ts';
import { decodeConfig } from '../../lib/component/config/document.ts';
import { nullLog } from '../../lib/base/log.ts';
import type { Pod } from '../../lib/api/types.ts';
import { CycleState } from '../../lib/scheduler/framework/cycle_state.ts';
import type { Profile } from '../../lib/scheduler/framework/plugin.ts';
import type { Refusal } from '../../lib/scheduler/framework/status.ts';
import { candidateCosts } from '../../lib/scheduler/preemption/choose_candidate.ts';
import { findCandidates } from '../../lib/scheduler/preemption/find_candidates.ts';
import type { Candidate } from '../../lib/scheduler/framework/candidate.ts';
import type { Decision } from '../../lib/scheduler/diagnosis.ts';
import { SignatureTable } from '../../lib/scheduler/columns/signature_table.ts';
import { runPreFilters, schedulePod } from '../../lib/scheduler/schedule_pod.ts';
import { unschedulableMessage } from '../../lib/scheduler/diagnosis.ts';
import { pluginHandle } from '../../lib/scheduler/testing/plugin_handle.ts';

export type OurHandle = ReturnType<typeof pluginHandle>;

export interface OurDecision {
  readonly decision: Decision;
  /** The nodes that are equally good. */
  readonly best: readonly string[];
  readonly message: string;
  /** Where room would be made, equally good ones. */
  readonly candidates: readonly Candidate[];
}

export class OurScheduler {
  readonly handle: OurHandle = pluginHandle();
  readonly #profile: Profile;
  readonly #table: SignatureTable;

  constructor() {
    const { apiVersion, kind } = SCHEDULER_CONFIG_KIND;
    const config = decodeConfig({ apiVersion, kind }, 'test', [SCHEDULER_CONFIG_KIND]);
    const profile = createProfiles(config, 'test', () => this.handle, nullLog).get('default-scheduler');
    if (profile === undefined) throw new Error('no default profile');
    this.#profile = profile;
    this.#table = new SignatureTable(profile, this.handle.cache, this.handle.nominated);
  }

  async decide(pod: Pod): Promise<OurDecision> {
    const { cache, nominated } = this.handle;
    const state = new CycleState();
    // From columns where it can be, as the scheduler itself does.
    let decision = this.#table.decide(pod, () => 0);
    if (decision === undefined)
      decision = schedulePod(pod, cache.nodes(), this.#profile, state, { nominated });
    else runPreFilters(pod, cache.nodes(), this.#profile, state);
    if (decision.kind === 'error')
      return { decision, best: [], message: decision.status.reasons.join(', '), candidates: [] };
    if (decision.kind === 'node') {
      const { scores } = decision.diagnosis;
      const top = scores.filter((s) => s.total === scores[0]?.total).map((s) => s.node);
      return { decision, best: top.length === 0 ? [decision.node] : top, message: '', candidates: [] };
    }
    return await this.#preempt(pod, decision, state);
  }

  async #preempt(
    pod: Pod,
    decision: Extract<Decision, { kind: 'unschedulable' }>,
    state: CycleState,
  ): Promise<OurDecision> {
    const { cache, nominated, objects } = this.handle;
    const { refusals, refusedOutright } = decision.diagnosis;
    const all: ReadonlyMap<string, Refusal> =
      refusedOutright === undefined
        ? refusals
        : new Map(cache.nodes().map((node) => [node.name, refusedOutright]));
    // The plugin would delete victims at once: it is asked for its message only where it finds none.
    const helped = cache.nodes().filter((node) => all.get(node.name)?.resolvable === true);
    const budgets = objects.podDisruptionBudgets.list();
    const found =
      pod.spec.preemptionPolicy === 'Never'
        ? undefined
        : findCandidates(
            pod,
            helped,
            { profile: this.#profile, state, nominated, budgets },
            { enough: helped.length, random: () => 0 },
          );
    if (found !== undefined && !('code' in found) && found.candidates.length > 0) {
      const costs = found.candidates.map((c) => JSON.stringify(candidateCosts(c).map((x) => x + 0)));
      const least = found.candidates
        .map((c) => candidateCosts(c))
        .reduce((a, b) => (compare(b, a) < 0 ? b : a));
      const wanted = JSON.stringify(least.map((x) => x + 0));
      return {
        decision,
        best: [],
        message: unschedulableMessage(decision.diagnosis),
        candidates: found.candidates.filter((_, i) => costs[i] === wanted),
      };
    }
    const messages: string[] = [];
    for (const plugin of this.#profile.postFilter) {
      const result = await plugin.postFilter(state, pod, all, {
        profile: this.#profile,
        signal: new AbortController().signal,
        extenders: (_pod, candidates) => Promise.resolve(candidates),
      });
      if (result.status?.code === 'Error') messages.length = 0;
      messages.push(...(result.status?.reasons ?? []));
      if (result.status?.code === 'Error') break;
    }
    const diagnosis = { ...decision.diagnosis, postFilter: messages.join(', ') };
    return { decision, best: [], message: unschedulableMessage(diagnosis), candidates: [] };
  }
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (const [i, x] of a.entries()) {
    const y = b[i] ?? 0;
    if (x !== y) return x < y ? -1 : 1;
  }
  return 0;
}

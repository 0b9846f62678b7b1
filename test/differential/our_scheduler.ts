/** Our decisions on a cluster given as objects, in memory. */
import { createProfiles } from '../../lib/scheduler/config/profiles_of_config.ts';
import { SCHEDULER_CONFIG_KIND } from '../../lib/scheduler/config/scheduler_config.ts';
import { FeatureGates } from '../../lib/component/feature_gates.ts';
import { decodeConfig } from '../../lib/component/config/document.ts';
import { nullLog } from '../../lib/base/log.ts';
import type { Pod } from '../../lib/api/types.ts';
import { CycleState } from '../../lib/scheduler/framework/cycle_state.ts';
import type { Profile } from '../../lib/scheduler/framework/plugin.ts';
import type { Refusal } from '../../lib/scheduler/framework/status.ts';
import { isRejected } from '../../lib/scheduler/framework/status.ts';
import { Extender } from '../../lib/scheduler/extender/extender.ts';
import { httpPost } from '../../lib/scheduler/extender/http_post.ts';
import { chooseWithExtenders } from '../../lib/scheduler/extender/run_extenders.ts';
import { schedulerNameOf } from '../../lib/scheduler/scheduler_name.ts';
import { schedulerConfig } from './both_configs.ts';
import { candidateCosts } from '../../lib/scheduler/preemption/choose_candidate.ts';
import { findCandidates } from '../../lib/scheduler/preemption/find_candidates.ts';
import type { Candidate } from '../../lib/scheduler/framework/candidate.ts';
import type { Decision } from '../../lib/scheduler/diagnosis.ts';
import { SignatureTable } from '../../lib/scheduler/columns/signature_table.ts';
import { findFeasible, runPreFilters, schedulePod } from '../../lib/scheduler/schedule_pod.ts';
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
  readonly handle: OurHandle;
  readonly #profiles: ReadonlyMap<string, Profile>;
  readonly #tables: ReadonlyMap<Profile, SignatureTable>;
  readonly #extenders: readonly Extender[];
  readonly #close: () => Promise<void>;

  /**
   * @param extenderUrl of a {@link TestExtender}
   * @param gates feature gates that are on
   */
  constructor(extenderUrl: string, gates: readonly string[] = []) {
    const set = new FeatureGates();
    set.set(gates.map((gate) => [gate, true]));
    this.handle = pluginHandle({ gates: set });
    const config = decodeConfig(schedulerConfig(extenderUrl, gates), 'test', [SCHEDULER_CONFIG_KIND]);
    const { cache, nominated } = this.handle;
    this.#profiles = createProfiles(config, 'test', () => this.handle, nullLog);
    this.#tables = new Map(
      Array.from(this.#profiles.values(), (p) => [p, new SignatureTable(p, cache, nominated)]),
    );
    const connected = config.extenders.map((extender) => ({ extender, http: httpPost(extender) }));
    this.#extenders = connected.map(({ extender, http }) => new Extender(extender, http.post));
    this.#close = async () => {
      await Promise.all(connected.map(({ http }) => http.close()));
    };
  }

  /** Ends the connections to the extender. */
  async close(): Promise<void> {
    await this.#close();
  }

  /** Whether the pod has to wait before it is tried at all. */
  isHeld(pod: Pod): boolean {
    return this.#profileOf(pod).preEnqueue.some((plugin) => isRejected(plugin.preEnqueue(pod)));
  }

  async decide(pod: Pod): Promise<OurDecision> {
    const state = new CycleState();
    const decision = await this.#look(pod, state);
    if (decision.kind === 'error')
      return { decision, best: [], message: decision.status.reasons.join(', '), candidates: [] };
    if (decision.kind === 'node') {
      const { scores } = decision.diagnosis;
      const top = scores.filter((s) => s.total === scores[0]?.total).map((s) => s.node);
      return { decision, best: top.length === 0 ? [decision.node] : top, message: '', candidates: [] };
    }
    return await this.#preempt(pod, decision, state);
  }

  #profileOf(pod: Pod): Profile {
    const profile = this.#profiles.get(schedulerNameOf(pod));
    if (profile === undefined) throw new RangeError(`no profile "${schedulerNameOf(pod)}"`);
    return profile;
  }

  /** From columns where it can be, and with extenders where they are interested, as the scheduler itself does. */
  async #look(pod: Pod, state: CycleState): Promise<Decision> {
    const { cache, nominated } = this.handle;
    const nodes = cache.nodes();
    const profile = this.#profileOf(pod);
    const extenders = this.#extenders.filter((extender) => extender.isInterested(pod));
    if (extenders.length > 0) {
      const found = findFeasible(pod, nodes, profile, state, { nominated });
      if (found.kind !== 'feasible') return found;
      const { signal } = new AbortController();
      return await chooseWithExtenders(pod, found, nodes.length, { profile, state, extenders, signal });
    }
    const decision = this.#tables.get(profile)?.decide(pod, () => 0);
    if (decision === undefined) return schedulePod(pod, nodes, profile, state, { nominated });
    runPreFilters(pod, nodes, profile, state);
    return decision;
  }

  async #preempt(
    pod: Pod,
    decision: Extract<Decision, { kind: 'unschedulable' }>,
    state: CycleState,
  ): Promise<OurDecision> {
    const { cache, nominated, objects } = this.handle;
    const profile = this.#profileOf(pod);
    const { columns, refusals, refusedOutright } = decision.diagnosis;
    const all: ReadonlyMap<string, Refusal> =
      refusedOutright === undefined
        ? refusals
        : new Map(cache.nodes().map((node) => [node.name, refusedOutright]));
    // The plugin would delete victims at once: it is asked for its message only where it finds none.
    const helped = cache.nodes().filter((node) => all.get(node.name)?.resolvable === true);
    const budgets = objects.podDisruptionBudgets.list();
    const found =
      pod.spec.preemptionPolicy === 'Never' || !profile.postFilter.some((p) => p.name === 'DefaultPreemption')
        ? undefined
        : findCandidates(
            pod,
            helped,
            { profile, state, nominated, budgets },
            { enough: helped.length, random: () => 0 },
          );
    const sacrifices =
      found === undefined || 'code' in found ? [] : found.candidates.filter((c) => c.victims.length > 0);
    if (sacrifices.length > 0) {
      const costs = sacrifices.map((c) => JSON.stringify(candidateCosts(c).map((x) => x + 0)));
      const least = sacrifices.map((c) => candidateCosts(c)).reduce((a, b) => (compare(b, a) < 0 ? b : a));
      const wanted = JSON.stringify(least.map((x) => x + 0));
      return {
        decision,
        best: [],
        message: unschedulableMessage(decision.diagnosis),
        candidates: sacrifices.filter((_, i) => costs[i] === wanted),
      };
    }
    const messages: string[] = [];
    for (const plugin of profile.postFilter) {
      const result = await plugin.postFilter(state, pod, all, {
        profile,
        signal: new AbortController().signal,
        ...(columns === undefined ? {} : { columns }),
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

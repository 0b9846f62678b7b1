/**
 * Decisions from columns are those that come of trying the pod on every node: the same choice of equally good nodes, the
 * same refusals, scores and message, whatever happened in the cluster in between.
 */
import type { Node, Pod } from '../../lib/api/types.ts';
import type { NewObject } from '../../lib/client/client.ts';
import { SignatureTable } from '../../lib/scheduler/columns/signature_table.ts';
import type { Decision } from '../../lib/scheduler/diagnosis.ts';
import { unschedulableMessage } from '../../lib/scheduler/diagnosis.ts';
import { CycleState } from '../../lib/scheduler/framework/cycle_state.ts';
import type { ReadAt } from '../../lib/scheduler/framework/plugin.ts';
import { createProfile } from '../../lib/scheduler/framework/profile.ts';
import { defaultPlugins } from '../../lib/scheduler/plugins/registry.ts';
import { chooseCandidate } from '../../lib/scheduler/preemption/choose_candidate.ts';
import { findCandidates } from '../../lib/scheduler/preemption/find_candidates.ts';
import { KnownCandidates } from '../../lib/scheduler/preemption/known_candidates.ts';
import { victimsOn } from '../../lib/scheduler/preemption/victims.ts';
import { runPreFilters, schedulePod } from '../../lib/scheduler/schedule_pod.ts';
import { pluginHandle } from '../../lib/scheduler/testing/plugin_handle.ts';
import { generateCase, NAMESPACES } from './generate.ts';
import { withFeatures } from './generate_extras.ts';
import { Random } from './random.ts';

interface Walk {
  readonly compared: number;
  readonly refused: number;
  readonly scored: number;
  readonly remembered: number;
}

const APPS = ['web', 'db', 'job'] as const;

/** A cluster that changes by chance, in which pods of a few kinds are decided on in both ways again and again. */
class RandomWalk {
  readonly #r: Random;
  readonly #handle = pluginHandle();
  readonly #profile = createProfile('default-scheduler', defaultPlugins(this.#handle));
  readonly #table = new SignatureTable(this.#profile, this.#handle.cache, this.#handle.nominated);
  readonly #templates: readonly NewObject<Pod>[];
  readonly #nodes: readonly NewObject<Node>[];
  readonly #placed: Pod[] = [];
  readonly #nominated: Pod[] = [];
  #uids = 0;
  compared = 0;
  refused = 0;
  scored = 0;
  remembered = 0;
  readonly #known = new KnownCandidates(this.#handle.cache);

  constructor(seed: number) {
    this.#r = new Random(seed);
    const cases = [withFeatures(generateCase(seed)), withFeatures(generateCase(seed + 1_000_000))] as const;
    this.#nodes = cases.flatMap((c, i) =>
      c.nodes.map((n) => ({ ...n, metadata: { ...n.metadata, name: `${i}-${n.metadata.name ?? ''}` } })),
    );
    this.#templates = cases.flatMap((c) => [...c.incoming, ...c.placed.slice(0, 4)]);
    for (const { name, labels } of NAMESPACES)
      this.#handle.objects.namespaces.put({ metadata: { name, labels: { ...labels } } });
    for (const service of cases.flatMap((c) => c.services))
      this.#handle.objects.services.put({ ...service, metadata: { ...service.metadata, name: 's' } });
    for (const n of this.#nodes) if (this.#r.chance(0.8)) this.#setNode(n);
  }

  run(steps: number): Walk {
    for (let step = 0; step < steps; step++) {
      const happen = this.#r.pick([
        () => this.#place(),
        () => this.#place(),
        () => this.#remove(),
        () => this.#change(),
        () => this.#changeNode(),
        () => this.#nominate(),
        () => this.#addOrRemoveNode(),
        () => this.#relabelNamespace(),
      ]);
      // Most of the time it is pods that come and go.
      if (this.#r.chance(0.35)) happen();
      else this.#place();
      this.#decide();
      this.#decide();
    }
    return this;
  }

  #pod(): Pod {
    const [first, ...others] = this.#templates;
    if (first === undefined) throw new Error('no templates');
    const { metadata, spec } = this.#r.pick([first, ...others]);
    const uid = `uid-${++this.#uids}`;
    const { nodeName: _, ...rest } = spec;
    return {
      metadata: { ...metadata, name: `p-${uid}`, namespace: metadata.namespace ?? '', uid },
      spec: rest,
    };
  }

  #anyNode(): string {
    const [first, ...others] = this.#handle.cache.nodes().map((n) => n.name);
    return first === undefined ? 'gone' : this.#r.pick([first, ...others]);
  }

  #place(): void {
    const pod = this.#pod();
    const nodeName = this.#r.chance(0.95) ? this.#anyNode() : 'unknown';
    const placed = { ...pod, spec: { ...pod.spec, nodeName } };
    this.#placed.push(placed);
    if (this.#r.chance(0.5)) this.#handle.cache.assumePod(placed, nodeName);
    else this.#handle.cache.addPod(placed);
  }

  #remove(): void {
    const at = this.#r.between(0, this.#placed.length - 1);
    const [pod] = this.#placed.splice(at, 1);
    if (pod !== undefined) this.#handle.cache.removePod(pod);
  }

  #change(): void {
    const at = this.#r.between(0, this.#placed.length - 1);
    const pod = this.#placed[at];
    if (pod === undefined) return;
    const changed = this.#r.pick<Pod>([
      { ...pod, metadata: { ...pod.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } },
      { ...pod, metadata: { ...pod.metadata, labels: { app: this.#r.pick(APPS) } } },
      { ...pod, status: { ...pod.status, startTime: '2026-01-01T00:00:00Z' } },
      { ...pod },
    ]);
    this.#placed[at] = changed;
    this.#handle.cache.addPod(changed);
  }

  #setNode(node: NewObject<Node>): void {
    this.#handle.cache.setNode({ ...node, metadata: { ...node.metadata, name: node.metadata.name ?? '' } });
  }

  #changeNode(): void {
    const name = this.#anyNode();
    const info = this.#handle.cache.node(name);
    if (info === undefined) return;
    const { node } = info;
    const images = [{ names: ['registry.example/big:1'], sizeBytes: this.#r.between(1, 9) * 2 ** 28 }];
    this.#handle.cache.setNode(
      this.#r.pick<Node>([
        { ...node, spec: { ...node.spec, unschedulable: this.#r.chance(0.5) } },
        {
          ...node,
          spec: { ...node.spec, taints: [{ key: 'slow', value: 'yes', effect: 'PreferNoSchedule' }] },
        },
        { ...node, spec: { ...node.spec, taints: [{ key: 'dedicated', value: 'x', effect: 'NoSchedule' }] } },
        { ...node, metadata: { ...node.metadata, labels: { ...node.metadata.labels, disk: 'ssd' } } },
        { ...node, metadata: { ...node.metadata, labels: { ...node.metadata.labels, rack: 'r1' } } },
        { ...node, status: { ...node.status, images } },
        { ...node, status: { ...node.status, allocatable: { cpu: '3', memory: '3Gi', pods: '20' } } },
        { ...node, status: { ...node.status, phase: 'Running' } },
        {
          ...node,
          status: {
            ...node.status,
            declaredFeatures: this.#r.some(['RestartAllContainersOnContainerExits'], 0.5),
          },
        },
      ]),
    );
  }

  #addOrRemoveNode(): void {
    if (this.#r.chance(0.5)) {
      this.#handle.cache.removeNode(this.#anyNode());
      return;
    }
    const [first, ...others] = this.#nodes;
    if (first !== undefined) this.#setNode(this.#r.pick([first, ...others]));
  }

  #nominate(): void {
    const { nominated } = this.#handle;
    if (this.#r.chance(0.3)) {
      const pod = this.#pod();
      this.#nominated.push(pod);
      nominated.set(pod, this.#anyNode());
    } else for (const pod of this.#nominated.splice(0)) nominated.remove(pod);
  }

  #relabelNamespace(): void {
    const labels = this.#r.chance(0.5) ? { tier: 'x' } : { tier: 'y' };
    this.#handle.objects.namespaces.put({ metadata: { name: 'team-c', labels } });
  }

  /** What is remembered of candidates is what a search for them comes to. */
  #preempt(pod: Pod, columns: ReadAt | undefined): void {
    if (columns === undefined) return;
    const { cache, nominated, objects } = this.#handle;
    const state = new CycleState();
    runPreFilters(pod, cache.nodes(), this.#profile, state);
    const dryRun = { profile: this.#profile, state, nominated, budgets: objects.podDisruptionBudgets.list() };
    const nodes = cache.nodes();
    const board = this.#known.of({ ...columns, budgets: objects.podDisruptionBudgets.revision });
    const [enough, offset] = [this.#r.between(1, nodes.length), this.#r.between(0, nodes.length - 1)];
    const found = findCandidates(pod, nodes, dryRun, { enough, random: () => (offset + 0.5) / nodes.length });
    if ('code' in found) throw new Error(found.reasons.join());
    this.remembered += nodes.length;
    const best = board.search({
      enough,
      offset,
      tryOut: (node) => {
        this.remembered--;
        return victimsOn(pod, node, dryRun);
      },
    });
    expect(best).toEqual(chooseCandidate(found.candidates));
    if (best === undefined) expect(board.refusals()).toEqual(found.refusals);
  }

  #decide(): void {
    const { cache, nominated } = this.#handle;
    const pod = this.#pod();
    const fast = this.#table.decide(pod, () => 0);
    if (fast === undefined) return;
    const slow = schedulePod(pod, cache.nodes(), this.#profile, new CycleState(), {
      random: () => 0,
      nominated,
    });
    const [got, want] = [written(fast), written(slow)];
    expect(got).toEqual(want);
    this.compared++;
    if (slow.diagnosis.refusals.size > 0) this.refused++;
    this.#preempt(pod, fast.diagnosis.columns);
    if (slow.diagnosis.scores.length > 0) this.scored++;
    if (slow.kind === 'node' && this.#r.chance(0.7)) {
      const placed = { ...pod, spec: { ...pod.spec, nodeName: slow.node } };
      cache.assumePod(placed, slow.node);
      this.#placed.push(placed);
    }
  }
}

/** Everything that a decision says; of the nodes chosen among, all. */
function written(decision: Decision) {
  const { diagnosis } = decision;
  const { scores, refusals, nodes } = diagnosis;
  const best = scores[0]?.total;
  return {
    kind: decision.kind,
    only: scores.length === 0 && decision.kind === 'node' ? decision.node : undefined,
    best: scores.filter((s) => s.total === best).length,
    isBest: decision.kind !== 'node' || scores.find((s) => s.node === decision.node)?.total === best,
    ties: diagnosis.ties ?? scores.filter((s) => s.total === best).length,
    message: decision.kind === 'unschedulable' ? unschedulableMessage(diagnosis) : '',
    nodes,
    refused: refusals.size,
    refusals: Object.fromEntries(refusals),
    scores: Object.fromEntries(scores.map((s) => [s.node, s])),
  };
}

const SEEDS = Number(process.env['TSK_COLUMN_SEEDS'] ?? '150');

test('S4: columns agree with the look at every node', () => {
  let [compared, refused, scored, remembered] = [0, 0, 0, 0];
  for (let seed = 1; seed <= SEEDS; seed++) {
    let walk: Walk;
    try {
      walk = new RandomWalk(seed).run(25);
    } catch (err) {
      throw new Error(`seed ${seed}`, { cause: err });
    }
    compared += walk.compared;
    refused += walk.refused;
    scored += walk.scored;
    remembered += walk.remembered;
  }
  // The walks must be worth something.
  expect(compared).toBeGreaterThan(SEEDS * 20);
  expect(refused).toBeGreaterThan(SEEDS * 5);
  expect(scored).toBeGreaterThan(SEEDS * 5);
  expect(remembered).toBeGreaterThan(SEEDS);
});

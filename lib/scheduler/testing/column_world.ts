/** A cluster whose nodes say in annotations what plugins think of them, for tests of what is kept per node. */
import type { Node, Pod } from '../../api/types.ts';
import type { RowSet } from '../cache/row_set.ts';
import { SchedulerCache } from '../cache/cache.ts';
import type { NodeInfo } from '../cache/node_info.ts';
import type { ColumnPlan } from '../columns/column_plan.ts';
import { columnPlan } from '../columns/column_plan.ts';
import type {
  BindPlugin,
  ColumnPlugin,
  EnabledPlugin,
  FeasibleRows,
  FilterColumn,
  FilterPlugin,
  Plugin,
  PreFilterPlugin,
  PreScorePlugin,
  Profile,
  QueueSortPlugin,
  ScoreColumn,
  ScorePlugin,
  SignPlugin,
} from '../framework/plugin.ts';
import { CycleState, StateKey } from '../framework/cycle_state.ts';
import { createProfile } from '../framework/profile.ts';
import type { Outcome, Status } from '../framework/status.ts';
import { unresolvable, unschedulable } from '../framework/status.ts';
import { NominatedPods } from '../queue/nominated_pods.ts';
import { schedulePod } from '../schedule_pod.ts';
import { node, pod } from './objects.ts';

const frame: readonly (QueueSortPlugin | BindPlugin)[] = [
  { name: 'Order', compare: () => 0 },
  { name: 'Binder', bind: () => Promise.resolve(undefined) },
];

/** What a node says of itself. */
export interface NodeMood {
  readonly door?: 'open' | 'closed' | 'walled';
  readonly score?: number;
  readonly scale?: number;
}

function mood(info: NodeInfo, key: keyof NodeMood): string | undefined {
  return info.node.metadata.annotations?.[key];
}

/** Refuses nodes whose door is closed (room might be made) or walled (it will not). */
export const door: FilterPlugin & SignPlugin = {
  name: 'Door',
  signPod: () => '',
  filter(_state, _pod, info) {
    if (mood(info, 'door') === 'closed') return unschedulable('door closed');
    return mood(info, 'door') === 'walled' ? unresolvable('no door') : undefined;
  },
};

/** The number that the node says. */
export const plainScore: ScorePlugin & SignPlugin = {
  name: 'Plain',
  signPod: (of) => of.metadata.labels?.['app'] ?? '',
  score: (_state, _pod, info) => Number(mood(info, 'score') ?? 0),
};

/** The number that the node says, between the lowest and the highest; `round` makes it a whole one. */
export function scaledScore(round: (x: number) => number): ScorePlugin & SignPlugin {
  const normalize = (x: number, lowest: number, highest: number): number =>
    highest === lowest ? 100 : round(((x - lowest) * 100) / (highest - lowest));
  return {
    name: 'Scaled',
    signPod: () => '',
    score: (_state, _pod, info) => Number(mood(info, 'scale') ?? 0),
    normalize,
    normalizeScore(_state, _pod, scores) {
      const [lowest, highest] = [Math.min(...scores), Math.max(...scores)];
      for (const [i, x] of scores.entries()) scores[i] = normalize(x, lowest, highest);
    },
  };
}

const MOST = new StateKey<number>('most pods of a node');
const PASSED = new StateKey<number>('nodes that passed');
const CROWDED = unschedulable('node is the fullest');

/** Looks at all nodes: refuses those that have the most pods (beyond one), scores by how many nodes passed. */
export class CrowdPlugin implements ColumnPlugin, PreFilterPlugin, FilterPlugin, PreScorePlugin, ScorePlugin {
  readonly name = 'Crowd';
  readonly #cache: SchedulerCache;

  constructor(cache: SchedulerCache) {
    this.#cache = cache;
  }

  signPod(): string {
    return '';
  }

  preFilter(state: CycleState): undefined {
    state.write(MOST, this.#most());
  }

  filter(state: CycleState, _pod: Pod, info: NodeInfo): Outcome {
    return verdictOf(info, state.read(MOST) ?? 0);
  }

  preScore(state: CycleState, _pod: Pod, nodes: readonly NodeInfo[]): undefined {
    state.write(PASSED, nodes.length);
  }

  score(state: CycleState, _pod: Pod, info: NodeInfo): number {
    return (state.read(PASSED) ?? 0) * 10 - info.podCount;
  }

  columns(): { readonly filter: FilterColumn; readonly score: ScoreColumn } {
    const cache = this.#cache;
    const most = (): number => this.#most();
    let last = -1;
    let passed = -1;
    return {
      filter: {
        isIdle: false,
        update(_dirty: RowSet, touched: RowSet) {
          if (most() !== last) touched.isAll = true;
          last = most();
        },
        verdict(row: number): Status | undefined {
          const info = cache.nodeAt(row);
          return info === undefined ? undefined : verdictOf(info, last);
        },
      },
      score: {
        isIdle: false,
        update(dirty: RowSet, touched: RowSet, feasible: FeasibleRows) {
          for (let i = 0; i < dirty.size; i++) touched.add(dirty.at(i));
          if (feasible.count !== passed) touched.isAll = true;
          passed = feasible.count;
        },
        score: (row: number) => passed * 10 - (cache.nodeAt(row)?.podCount ?? 0),
      },
    };
  }

  #most(): number {
    return Math.max(0, ...this.#cache.nodes().map((n) => n.podCount));
  }
}

function verdictOf(info: NodeInfo, most: number): Status | undefined {
  return most > 1 && info.podCount === most ? CROWDED : undefined;
}

/** A profile of nothing but these plugins, beside the two that every profile needs. */
export function profileOf(...plugins: readonly (Plugin | EnabledPlugin)[]): Profile {
  const enabled = (given: Plugin | EnabledPlugin): EnabledPlugin =>
    'plugin' in given ? given : { plugin: given, weight: 1 };
  return createProfile('default-scheduler', [...frame, ...plugins].map(enabled));
}

export class ColumnWorld {
  readonly cache = new SchedulerCache();
  readonly nominated = new NominatedPods();
  readonly #random: () => number;
  readonly #pods: Pod[] = [];
  #names = 0;

  constructor(random: () => number = () => 0) {
    this.#random = random;
    this.nominated.listen((name) => this.cache.touch(name));
  }

  /** @throws where the plugins cannot be answered from columns */
  plan(profile: Profile): ColumnPlan {
    const plan = columnPlan(profile);
    if (plan === undefined) throw new TypeError('the profile has no columns');
    return plan;
  }

  setNode(name: string, { door: entry = 'open', score = 0, scale = 0 }: NodeMood = {}): void {
    const given: Node = node(name);
    const annotations = { door: entry, score: String(score), scale: String(scale) };
    this.cache.setNode({ ...given, metadata: { ...given.metadata, annotations } });
  }

  /** A whole number below `below`. */
  below(below: number): number {
    return Math.floor(this.#random() * below);
  }

  /** A node with a mood by chance, new or known. */
  anyMood(name: string): void {
    const entry = (['open', 'open', 'open', 'closed', 'walled'] as const)[this.below(5)] ?? 'open';
    this.setNode(name, { door: entry, score: this.below(4), scale: this.below(30) });
  }

  /** One change by chance of a cluster of up to `size` nodes: of a node, of the pods on one, or of what pods wait for. */
  change(size: number): void {
    const name = `n${this.below(size)}`;
    switch (this.below(12)) {
      case 0:
        this.cache.removeNode(name);
        break;
      case 1:
      case 2:
      case 3:
        this.anyMood(name);
        break;
      case 4:
      case 5: {
        const [gone] = this.#pods.splice(this.below(this.#pods.length), 1);
        if (gone !== undefined) this.cache.removePod(gone);
        break;
      }
      default: {
        const placed = pod(`p${this.#names++}`, { spec: { nodeName: name } });
        this.#pods.push(placed);
        this.cache.addPod(placed);
      }
    }
  }

  /** The decision that comes of a look at every node. */
  lookAtAll(wanted: Pod, profile: Profile): ReturnType<typeof schedulePod> {
    const options = { random: () => 0, nominated: this.nominated };
    return schedulePod(wanted, this.cache.nodes(), profile, new CycleState(), options);
  }
}

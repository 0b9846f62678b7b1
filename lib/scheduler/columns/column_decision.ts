/** A decision read off the columns, with its details to be told later. */
import type { SchedulerCache } from '../cache/cache.ts';
import type { Decision, Diagnosis, NodeScore } from '../diagnosis.ts';
import type { PodColumns } from './pod_columns.ts';
import type { CapturedScores } from './score_totals.ts';

export function decisionFrom(columns: PodColumns, cache: SchedulerCache, random: () => number): Decision {
  const refusals = columns.refusals();
  const nodes = cache.nodes().length;
  const { feasible, best } = columns;
  if (feasible < 2) {
    const keep: Diagnosis['keep'] = (most) => refusals.keep(most.refusals);
    const diagnosis = { nodes, refusals, scores: [], keep };
    if (feasible === 0)
      return {
        kind: 'unschedulable',
        diagnosis: columns.hasColumnFilters ? diagnosis : { ...diagnosis, columns: columns.readAt },
      };
    return { kind: 'node', node: cache.nodeAt(columns.firstFeasible())?.name ?? '', diagnosis };
  }
  const { ties } = best;
  const row = best.tie(Math.floor(random() * ties));
  const scores = new LateScores(columns, row);
  return {
    kind: 'node',
    node: cache.nodeAt(row)?.name ?? '',
    diagnosis: {
      nodes,
      refusals,
      ties,
      get scores() {
        return scores.all();
      },
      keep(most) {
        refusals.keep(most.refusals);
        scores.keep(most.scores);
      },
    },
  };
}

/** Scores that are written out when asked for: all of them until the columns change, or those that were kept. */
class LateScores {
  #columns: PodColumns | undefined;
  readonly #version: number;
  readonly #row: number;
  #kept: CapturedScores | undefined;

  /** @param row of the chosen node */
  constructor(columns: PodColumns, row: number) {
    this.#columns = columns;
    this.#version = columns.version;
    this.#row = row;
  }

  all(): readonly NodeScore[] {
    if (this.#columns?.version === this.#version) return this.#columns.totals.all();
    return this.#kept === undefined ? [] : written(this.#kept);
  }

  keep(most: number): void {
    if (this.#columns?.version !== this.#version) return;
    const { totals, best } = this.#columns;
    this.#columns = undefined; // which are large, and perhaps of no other use soon
    const rows = best.top(most);
    const at = rows.indexOf(this.#row);
    // The chosen one first.
    rows[at < 0 ? rows.length - 1 : at] = rows[0] ?? this.#row;
    rows[0] = this.#row;
    this.#kept = totals.capture(rows);
  }
}

function written({ nodes, plugins, values, at }: CapturedScores): NodeScore[] {
  const width = plugins.length + 1;
  return nodes.map((node, i) => ({
    node,
    total: values[at + i * width] ?? 0,
    byPlugin: Object.fromEntries(plugins.map((plugin, p) => [plugin, values[at + i * width + p + 1] ?? 0])),
  }));
}

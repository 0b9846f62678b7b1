/** Which parts of a profile can be answered from columns, and how. */
import type { ColumnPlugin, FilterPlugin, PreFilterPlugin, PreScorePlugin } from '../framework/plugin.ts';
import type { Plugin, Profile, ScorePlugin, SignPlugin } from '../framework/plugin.ts';
import { implementsPoint } from '../framework/plugin.ts';

type Scorer = ScorePlugin & SignPlugin;

/** A plugin's part in the total. */
export interface PlannedScore {
  readonly plugin: Scorer;
  readonly weight: number;
  /** Present where the score of a node follows from other nodes as well. */
  readonly source: ColumnPlugin | undefined;
}

/** A profile all of whose plugins sign pods. */
export interface ColumnPlan {
  readonly profile: Profile;
  /** Each plugin that has a part in the signature once. */
  readonly signers: readonly SignPlugin[];
  /** PreFilter and Filter of plugins that look at one node alone, in order. */
  readonly preFilters: readonly PreFilterPlugin[];
  readonly filters: readonly FilterPlugin[];
  /** Filters that look at several nodes; they come after the others. */
  readonly columnFilters: readonly ColumnPlugin[];
  readonly preScores: readonly PreScorePlugin[];
  readonly scores: readonly PlannedScore[];
}

/** Undefined when a plugin of the profile does not take part: every pod is tried on every node then. */
export function columnPlan(profile: Profile): ColumnPlan | undefined {
  const signers = new Set<SignPlugin>();
  const parts: readonly Plugin[] = [
    ...profile.preFilter,
    ...profile.filter,
    ...profile.preScore,
    ...profile.score.map((s) => s.plugin),
  ];
  for (const plugin of parts) {
    if (!implementsPoint(plugin, 'signPod')) return undefined;
    signers.add(plugin);
  }
  const columnFilters = profile.filter.filter((plugin) => hasColumns(plugin));
  // What a column says counts only where no other plugin refused before; so it must not come before any other.
  const firstColumn = profile.filter.findIndex(hasColumns);
  if (firstColumn >= 0 && !profile.filter.slice(firstColumn).every(hasColumns)) return undefined;
  // A plugin that is asked at only one of the two points behaves in a way of its own.
  const preFilters: ReadonlySet<Plugin> = new Set(profile.preFilter);
  const columnSet: ReadonlySet<Plugin> = new Set(columnFilters);
  if (!columnSet.isSubsetOf(preFilters)) return undefined;
  const scores: PlannedScore[] = [];
  for (const { plugin, weight } of profile.score) {
    if (!implementsPoint(plugin, 'signPod')) return undefined;
    if (plugin.normalizeScore !== undefined && plugin.normalize === undefined) return undefined;
    scores.push({ plugin, weight, source: hasColumns(plugin) ? plugin : undefined });
  }
  return {
    profile,
    signers: [...signers],
    preFilters: profile.preFilter.filter((plugin) => !columnSet.has(plugin)),
    filters: profile.filter.filter((plugin) => !hasColumns(plugin)),
    columnFilters,
    preScores: profile.preScore.filter((plugin) => !hasColumns(plugin)),
    scores,
  };
}

function hasColumns<P extends Plugin>(plugin: P): plugin is P & ColumnPlugin {
  return implementsPoint(plugin, 'columns');
}

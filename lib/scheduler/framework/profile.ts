/** A profile: the plugins that schedule the pods of one schedulerName, arranged by extension point. */
import type { EnabledPlugin } from '../plugins/registry.ts';
import type {
  BindPlugin,
  ClusterEvent,
  FilterPlugin,
  PostBindPlugin,
  PreBindPlugin,
  PreEnqueuePlugin,
  PreFilterPlugin,
  PreScorePlugin,
  QueueSortPlugin,
  ReservePlugin,
  ScorePlugin,
} from './plugin.ts';
import { implementsPoint } from './plugin.ts';

export interface WeightedScore {
  readonly plugin: ScorePlugin;
  readonly weight: number;
}

export interface Profile {
  readonly schedulerName: string;
  readonly preEnqueue: readonly PreEnqueuePlugin[];
  readonly queueSort: QueueSortPlugin;
  readonly preFilter: readonly PreFilterPlugin[];
  readonly filter: readonly FilterPlugin[];
  readonly preScore: readonly PreScorePlugin[];
  readonly score: readonly WeightedScore[];
  readonly reserve: readonly ReservePlugin[];
  readonly preBind: readonly PreBindPlugin[];
  readonly bind: readonly BindPlugin[];
  readonly postBind: readonly PostBindPlugin[];
  /** Per plugin, the events after which a pod that it refused is worth another try; absent: any event. */
  readonly events: ReadonlyMap<string, ReadonlySet<ClusterEvent>>;
}

/** A profile cannot be made of these plugins. */
export class ProfileError extends Error {
  override readonly name = 'ProfileError';
}

/**
 * @param enabled in the order in which they are asked
 * @throws ProfileError unless exactly one plugin sorts the queue and at least one binds
 */
export function createProfile(schedulerName: string, enabled: readonly EnabledPlugin[]): Profile {
  const plugins = enabled.map((e) => e.plugin);
  const [queueSort, ...moreSorts] = plugins.filter((p) => implementsPoint(p, 'compare'));
  if (queueSort === undefined || moreSorts.length > 0) {
    const names = plugins.filter((p) => implementsPoint(p, 'compare')).map((p) => p.name);
    throw new ProfileError(
      `profile "${schedulerName}": want exactly one queueSort plugin, got ${names.length === 0 ? 'none' : names.join(', ')}`,
    );
  }
  const bind = plugins.filter((p) => implementsPoint(p, 'bind'));
  if (bind.length === 0)
    throw new ProfileError(`profile "${schedulerName}": want at least one bind plugin, got none`);
  const events = new Map<string, ReadonlySet<ClusterEvent>>();
  for (const plugin of plugins)
    if (implementsPoint(plugin, 'eventsToRegister'))
      events.set(plugin.name, new Set(plugin.eventsToRegister()));
  return {
    schedulerName,
    preEnqueue: plugins.filter((p) => implementsPoint(p, 'preEnqueue')),
    queueSort,
    preFilter: plugins.filter((p) => implementsPoint(p, 'preFilter')),
    filter: plugins.filter((p) => implementsPoint(p, 'filter')),
    preScore: plugins.filter((p) => implementsPoint(p, 'preScore')),
    score: enabled.flatMap(({ plugin, weight }) =>
      weight > 0 && implementsPoint(plugin, 'score') ? [{ plugin, weight }] : [],
    ),
    reserve: plugins.filter((p) => implementsPoint(p, 'reserve')),
    preBind: plugins.filter((p) => implementsPoint(p, 'preBind')),
    bind,
    postBind: plugins.filter((p) => implementsPoint(p, 'postBind')),
    events,
  };
}

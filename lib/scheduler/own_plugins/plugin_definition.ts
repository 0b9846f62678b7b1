/** What a module of a plugin of somebody's own exports. */
import type { Pod } from '../../api/types.ts';
import type {
  BindPlugin,
  EnqueueExtensions,
  FilterPlugin,
  PermitPlugin,
  PostBindPlugin,
  PostFilterPlugin,
  PreBindPlugin,
  PreEnqueuePlugin,
  PreFilterPlugin,
  PreScorePlugin,
  QueueSortPlugin,
  ReservePlugin,
  ScorePlugin,
} from '../framework/plugin.ts';
import type { PluginHandle } from '../framework/plugin_handle.ts';

type AllPoints = PreEnqueuePlugin &
  QueueSortPlugin &
  PreFilterPlugin &
  FilterPlugin &
  PostFilterPlugin &
  PreScorePlugin &
  ScorePlugin &
  ReservePlugin &
  PermitPlugin &
  PreBindPlugin &
  BindPlugin &
  PostBindPlugin &
  EnqueueExtensions;

/** The methods of the extension points that the plugin takes part in; all are optional. */
export type PluginMethods = Partial<Omit<AllPoints, 'name'>> & {
  /**
   * All of the pod that PreFilter, Filter, PreScore and Score look at, as text; undefined for a pod that is not like any
   * other. What they say of a node must follow from that text and the node with its pods alone. A profile is fast while
   * all its plugins sign: answers are kept, and only nodes that changed are looked at again.
   */
  signPod?(pod: Pod): string | undefined;
  /** As `normalizeScore`, for one score and the lowest and highest of all: what signing plugins normalise by. */
  normalize?(score: number, lowest: number, highest: number): number;
};

/** How long a plugin may take. Milliseconds. */
export interface PluginBudget {
  /** For one pod at one extension point, all nodes together. Past it, the pod fails. Default 200. */
  readonly podMs: number;
  /** Until PostFilter, PreBind and Bind have answered. Past it, the pod fails and the signal aborts. Default 30,000. */
  readonly asyncMs: number;
  /** So many different pods over budget within a minute suspend the plugin. Default 3. */
  readonly overruns: number;
  /** How long it is suspended, twice as long each time up to 10 minutes. Default 30,000. */
  readonly suspendMs: number;
}

export const DEFAULT_BUDGET: PluginBudget = { podMs: 200, asyncMs: 30_000, overruns: 3, suspendMs: 30_000 };

/** What plugins are given of the scheduler. */
export type OwnPluginHandle = Omit<PluginHandle, 'nominated' | 'releaseGated'>;

export interface PluginDefinition {
  /** As the configuration names it. */
  readonly name: string;
  /** Of its score, where the configuration gives none. Default 1. */
  readonly weight?: number;
  readonly budget?: Partial<PluginBudget>;
  /**
   * What becomes of pods while the plugin is suspended: they fail and are tried again (`fail`), or the plugin is left
   * out (`skip`). Default: `skip` for scores, `fail` for everything that keeps a pod from a node.
   */
  readonly whenSuspended?: 'fail' | 'skip';
  /**
   * Called once for each profile that the plugin is in.
   *
   * @param args `pluginConfig` of the plugin in the profile, as it stands there; undefined without
   * @throws anything, and the scheduler does not start
   */
  create(args: unknown, handle: OwnPluginHandle): PluginMethods;
}

/** The extension points by the methods that stand for them. */
export const PLUGIN_METHODS = [
  'preEnqueue',
  'compare',
  'preFilter',
  'addPod',
  'removePod',
  'filter',
  'postFilter',
  'preScore',
  'score',
  'normalizeScore',
  'normalize',
  'reserve',
  'unreserve',
  'permit',
  'preBind',
  'preBindPreFlight',
  'bind',
  'postBind',
  'eventsToRegister',
  'signPod',
] as const satisfies readonly (keyof PluginMethods)[];

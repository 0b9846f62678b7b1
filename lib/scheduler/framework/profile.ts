/** A profile: the plugins that schedule the pods of one schedulerName, arranged by extension point. */
import type { ClusterEvent, EnabledPlugin, Plugin, Points, Profile, QueueingHint } from './plugin.ts';
import { implementsPoint } from './plugin.ts';

/** A profile cannot be made of these plugins. */
export class ProfileError extends Error {
  override readonly name = 'ProfileError';
}

export interface ProfileOptions {
  /** Of nodes to score; 0 and undefined: all. */
  readonly percentage?: number;
  /** By method of a point, the names of plugins that go before all others there, in that order. */
  readonly order?: ReadonlyMap<string, readonly string[]>;
}

/**
 * @param enabled in the order in which they are asked
 * @throws ProfileError unless exactly one plugin sorts the queue and at least one binds
 */
export function createProfile(
  schedulerName: string,
  enabled: readonly EnabledPlugin[],
  { percentage = 0, order }: ProfileOptions = {},
): Profile {
  const plugins = enabled.map((e) => e.plugin);
  const rank = (method: string, { name }: Plugin): number => {
    const at = order?.get(method)?.indexOf(name) ?? -1;
    return at < 0 ? Number.POSITIVE_INFINITY : at;
  };
  const at = <M extends keyof Points>(method: M): Points[M][] =>
    inOrder(
      plugins.filter((p) => implementsPoint(p, method)),
      (p) => rank(method, p),
    );
  const [queueSort, ...moreSorts] = at('compare');
  if (queueSort === undefined || moreSorts.length > 0) {
    const names = at('compare').map((p) => p.name);
    throw new ProfileError(
      `profile "${schedulerName}": want exactly one queueSort plugin, got ${names.length === 0 ? 'none' : names.join(', ')}`,
    );
  }
  const bind = at('bind');
  if (bind.length === 0)
    throw new ProfileError(`profile "${schedulerName}": want at least one bind plugin, got none`);
  const events = new Map<string, ReadonlyMap<ClusterEvent, QueueingHint>>();
  for (const plugin of at('eventsToRegister')) {
    const hints = new Map<ClusterEvent, QueueingHint>();
    for (const given of plugin.eventsToRegister()) {
      if (typeof given === 'string') hints.set(given, always);
      else hints.set(given.event, given.hint ?? always);
    }
    events.set(plugin.name, hints);
  }
  return {
    schedulerName,
    ...(percentage > 0 ? { percentage } : {}),
    preEnqueue: at('preEnqueue'),
    queueSort,
    preFilter: at('preFilter'),
    filter: at('filter'),
    postFilter: at('postFilter'),
    preScore: at('preScore'),
    score: inOrder(
      enabled.flatMap(({ plugin, weight }) =>
        weight > 0 && implementsPoint(plugin, 'score') ? [{ plugin, weight }] : [],
      ),
      ({ plugin }) => rank('score', plugin),
    ),
    reserve: at('reserve'),
    permit: at('permit'),
    preBind: at('preBind'),
    bind,
    postBind: at('postBind'),
    events,
  };
}

/** By rank; those of equal rank stay as they are. */
function inOrder<T>(items: readonly T[], rank: (item: T) => number): T[] {
  return items.toSorted((a, b) => {
    const [x, y] = [rank(a), rank(b)];
    return x === y ? 0 : x - y;
  });
}

const always = (): boolean => true;

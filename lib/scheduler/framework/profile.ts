/** A profile: the plugins that schedule the pods of one schedulerName, arranged by extension point. */
import type { ClusterEvent, EnabledPlugin, Profile, QueueingHint } from './plugin.ts';
import { implementsPoint } from './plugin.ts';

/** A profile cannot be made of these plugins. */
export class ProfileError extends Error {
  override readonly name = 'ProfileError';
}

/**
 * @param percentage of nodes to score; 0 and undefined: all
 * @param enabled in the order in which they are asked
 * @throws ProfileError unless exactly one plugin sorts the queue and at least one binds
 */
export function createProfile(
  schedulerName: string,
  enabled: readonly EnabledPlugin[],
  percentage = 0,
): Profile {
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
  const events = new Map<string, ReadonlyMap<ClusterEvent, QueueingHint>>();
  for (const plugin of plugins) {
    if (!implementsPoint(plugin, 'eventsToRegister')) continue;
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
    preEnqueue: plugins.filter((p) => implementsPoint(p, 'preEnqueue')),
    queueSort,
    preFilter: plugins.filter((p) => implementsPoint(p, 'preFilter')),
    filter: plugins.filter((p) => implementsPoint(p, 'filter')),
    postFilter: plugins.filter((p) => implementsPoint(p, 'postFilter')),
    preScore: plugins.filter((p) => implementsPoint(p, 'preScore')),
    score: enabled.flatMap(({ plugin, weight }) =>
      weight > 0 && implementsPoint(plugin, 'score') ? [{ plugin, weight }] : [],
    ),
    reserve: plugins.filter((p) => implementsPoint(p, 'reserve')),
    permit: plugins.filter((p) => implementsPoint(p, 'permit')),
    preBind: plugins.filter((p) => implementsPoint(p, 'preBind')),
    bind,
    postBind: plugins.filter((p) => implementsPoint(p, 'postBind')),
    events,
  };
}

const always = (): boolean => true;

/** The plugins of somebody's own, as the profiles use them. */
import { errorMessage } from '../../base/errors.ts';
import type { EnabledPlugin } from '../framework/plugin.ts';
import type { PluginHandle } from '../framework/plugin_handle.ts';
import type { GuardOptions } from './guard_plugin.ts';
import { guardPlugin } from './guard_plugin.ts';
import { checkMethods, PluginLoadError } from './load_plugins.ts';
import type { PluginDefinition } from './plugin_definition.ts';

export interface OwnPlugins {
  readonly definitions: readonly PluginDefinition[];
  readonly guard: Pick<GuardOptions, 'now' | 'watch' | 'onOverrun'>;
}

/**
 * The plugin, made for one profile and guarded.
 *
 * @param args as they stand in `pluginConfig`
 * @throws PluginLoadError
 */
export function createOwnPlugin(
  definition: PluginDefinition,
  args: unknown,
  handle: PluginHandle,
  guard: OwnPlugins['guard'],
): EnabledPlugin {
  const { name, weight = 1 } = definition;
  const log = handle.log.with({ plugin: name });
  try {
    const methods = definition.create(args, { ...handle, log });
    checkMethods(methods, name);
    const plugin = guardPlugin(definition, methods, {
      ...guard,
      clock: handle.clock,
      log,
      onSuspended: (_plugin, message, pod) => {
        if (pod !== undefined)
          handle.recorder.event(
            { ...pod, apiVersion: 'v1', kind: 'Pod' },
            'Warning',
            'PluginSuspended',
            message,
            { action: 'Scheduling' },
          );
      },
    });
    return { plugin, weight };
  } catch (err) {
    if (err instanceof PluginLoadError) throw err;
    throw new PluginLoadError(`plugin "${name}": create failed: ${errorMessage(err)}`, { cause: err });
  }
}

/** Modules of plugins, loaded at start. */
import { pathToFileURL } from 'node:url';
import { errorMessage } from '../../base/errors.ts';
import { isObject } from '../../component/config/schema.ts';
import { KNOWN_PLUGINS } from '../plugins/registry.ts';
import type { PluginDefinition } from './plugin_definition.ts';
import { PLUGIN_METHODS } from './plugin_definition.ts';

/** A plugin cannot be had: the message names the module and what is wrong with it. */
export class PluginLoadError extends Error {
  override readonly name = 'PluginLoadError';
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9-]*$/;

/**
 * @param paths of TypeScript or JavaScript modules whose default export is one {@link PluginDefinition}, or several
 * @throws PluginLoadError
 */
export async function loadPlugins(
  paths: readonly string[],
  load: (url: string) => Promise<unknown> = (url) => import(url),
): Promise<readonly PluginDefinition[]> {
  const definitions = new Map<string, { definition: PluginDefinition; path: string }>();
  for (const path of paths) {
    for (const definition of await definitionsIn(path, load)) {
      const { name } = definition;
      const other = definitions.get(name);
      if (other !== undefined)
        throw new PluginLoadError(
          `plugin module ${path}: a plugin "${name}" comes from ${other.path} already`,
        );
      if (KNOWN_PLUGINS.includes(name))
        throw new PluginLoadError(`plugin module ${path}: "${name}" is the name of an in-tree plugin`);
      definitions.set(name, { definition, path });
    }
  }
  return Array.from(definitions.values(), ({ definition }) => definition);
}

async function definitionsIn(
  path: string,
  load: (url: string) => Promise<unknown>,
): Promise<readonly PluginDefinition[]> {
  let module: unknown;
  try {
    module = await load(pathToFileURL(path).href);
  } catch (err) {
    throw new PluginLoadError(`plugin module ${path}: cannot be loaded: ${errorMessage(err)}`, {
      cause: err,
    });
  }
  const exported = isObject(module) ? module['default'] : undefined;
  const list: readonly unknown[] = Array.isArray(exported) ? exported : [exported];
  return list.map((candidate) => {
    if (isDefinition(candidate)) return candidate;
    throw new PluginLoadError(
      `plugin module ${path}: want a default export { name, create(args, handle) }, or a list of these; ${whatIsWrong(candidate)}`,
    );
  });
}

function isDefinition(candidate: unknown): candidate is PluginDefinition {
  return whatIsWrong(candidate) === '';
}

function whatIsWrong(candidate: unknown): string {
  if (candidate === undefined) return 'there is no default export';
  if (!isObject(candidate)) return `got ${typeof candidate}`;
  const { name, create, weight, budget, whenSuspended } = candidate;
  if (typeof name !== 'string' || !NAME.test(name)) return `its name is ${JSON.stringify(name)}`;
  if (typeof create !== 'function') return `create of "${name}" is ${typeof create}`;
  if (weight !== undefined && !(Number.isInteger(weight) && Number(weight) > 0))
    return `weight of "${name}" is ${JSON.stringify(weight)}, want a whole number above 0`;
  if (whenSuspended !== undefined && whenSuspended !== 'fail' && whenSuspended !== 'skip')
    return `whenSuspended of "${name}" is ${JSON.stringify(whenSuspended)}, want "fail" or "skip"`;
  const times: readonly (readonly [string, unknown])[] = isObject(budget) ? Object.entries(budget) : [];
  const wrong = times.find(([, value]) => typeof value !== 'number' || !(value > 0));
  if (wrong !== undefined)
    return `budget.${wrong[0]} of "${name}" is ${JSON.stringify(wrong[1])}, want a number above 0`;
  return '';
}

/** The methods that `create` returned. @throws PluginLoadError */
export function checkMethods(created: unknown, name: string): void {
  if (!isObject(created))
    throw new PluginLoadError(
      `plugin "${name}": create returned ${String(created)}, want an object with methods`,
    );
  const known: readonly string[] = PLUGIN_METHODS;
  const methods = known.filter((method) => created[method] !== undefined);
  if (methods.length === 0)
    throw new PluginLoadError(
      `plugin "${name}": create returned no method of an extension point, want some of ${known.join(', ')}`,
    );
  const wrong = methods.find((method) => typeof created[method] !== 'function');
  if (wrong !== undefined)
    throw new PluginLoadError(`plugin "${name}": ${wrong} is ${typeof created[wrong]}, want a method`);
}

/**
 * For authors of scheduler plugins: `import { definePlugin } from 'ts-kubernetes-node/scheduler-plugin'`. A module whose
 * default export is made by {@link definePlugin} is named to ts-scheduler by `--plugin-module`. docs/plugins.md tells more.
 */
import { isObject } from '../component/config/schema.ts';
import type { PluginDefinition } from './own_plugins/plugin_definition.ts';

export type * from '../api/types.ts';
export { keyOf } from '../api/types.ts';
export { parseQuantity, Quantity, QuantityError } from '../api/quantity.ts';
export { labelSelector, parseLabelSelector } from '../api/selector.ts';
export { podRequests } from '../api/resources.ts';
export { podPriority } from '../api/pod.ts';
export type { NodeInfo } from './cache/node_info.ts';
export { podId } from './cache/node_info.ts';
export { StateKey } from './framework/cycle_state.ts';
export type { CycleState } from './framework/cycle_state.ts';
export { MAX_NODE_SCORE } from './framework/plugin.ts';
export type { ClusterEvent, EventRegistration, PermitWait, PreFilterResult } from './framework/plugin.ts';
export { errorStatus, SKIP, unresolvable, unschedulable } from './framework/status.ts';
export type { Outcome, Status } from './framework/status.ts';
export type { WaitingPod } from './framework/waiting_pods.ts';
export type {
  OwnPluginHandle as PluginHandle,
  PluginBudget,
  PluginDefinition,
  PluginMethods,
} from './own_plugins/plugin_definition.ts';

/** Gives the definition its type. */
export function definePlugin(definition: PluginDefinition): PluginDefinition {
  return definition;
}

/**
 * The arguments of a plugin as an object, empty when there are none.
 *
 * @throws TypeError when they are something else
 */
export function argsObject(args: unknown): Readonly<Record<string, unknown>> {
  if (args === undefined || args === null) return {};
  if (isObject(args)) return args;
  throw new TypeError(`args: got ${JSON.stringify(args)}, want an object`);
}

/** Feature gates: `--feature-gates` and `featureGates` of config files, accepted by name as the stock components do. */
import { nearNames } from './near_names.ts';
import type { GateGroup, GateStage } from './feature_gate_list.ts';
import { GATE_DEPENDENCIES, GATES } from './feature_gate_list.ts';
import type { Flag, FlagOptions } from './flag_types.ts';
import { flag, FlagValueError } from './flag_types.ts';

/** A gate is unknown or cannot have the wanted value. */
export class FeatureGateError extends Error {
  override readonly name = 'FeatureGateError';
}

export interface FeatureGate {
  readonly name: string;
  readonly stage: GateStage;
  readonly default: boolean;
  readonly locked: boolean;
  readonly enabled: boolean;
}

const ALL_ALPHA = 'AllAlpha';
const ALL_BETA = 'AllBeta';

/** The gates of one process. */
export class FeatureGates {
  readonly #known = new Map<string, Omit<FeatureGate, 'enabled'>>();
  #set: ReadonlyMap<string, boolean> = new Map();
  readonly #dependencies: Readonly<Record<string, readonly string[]>>;

  constructor(groups: readonly GateGroup[] = GATES, dependencies = GATE_DEPENDENCIES) {
    this.#dependencies = dependencies;
    for (const { names, ...rest } of groups)
      for (const name of names) this.#known.set(name, { name, ...rest });
    this.#known.set(ALL_ALPHA, { name: ALL_ALPHA, stage: 'ALPHA', default: false, locked: false });
    this.#known.set(ALL_BETA, { name: ALL_BETA, stage: 'BETA', default: false, locked: false });
  }

  /**
   * Sets gates; later calls override earlier ones (config file first, then flags). Nothing is set when one is refused, or
   * when a gate would be on without one that it needs.
   *
   * @returns warnings about gates that will be removed
   * @throws FeatureGateError naming the gate
   */
  set(gates: Iterable<readonly [string, boolean]>): string[] {
    const warnings: string[] = [];
    const set = new Map(this.#set);
    for (const [name, value] of gates) {
      const gate = this.#known.get(name);
      if (gate === undefined) {
        const near = nearNames(name, this.#known.keys());
        const hint = near.length === 0 ? '' : ` (did you mean ${near.join(' or ')}?)`;
        throw new FeatureGateError(`unrecognized feature gate: ${name}${hint}`);
      }
      if (gate.locked && value !== gate.default)
        throw new FeatureGateError(
          `cannot set feature gate ${name} to ${value}, feature is locked to ${gate.default}`,
        );
      if (gate.stage === '')
        warnings.push(`Setting GA feature gate ${name}=${value}. It will be removed in a future release.`);
      if (gate.stage === 'DEPRECATED')
        warnings.push(
          `Setting deprecated feature gate ${name}=${value}. It will be removed in a future release.`,
        );
      set.set(name, value);
    }
    const unmet = this.#unmetDependencies(set);
    if (unmet.length > 0)
      throw new FeatureGateError(unmet.length === 1 ? unmet.join('') : `[${unmet.join(', ')}]`);
    this.#set = set;
    return warnings;
  }

  /** @throws FeatureGateError for a name that is no gate: a mistake in the program */
  enabled(name: string): boolean {
    return this.#enabledIn(this.#set, name);
  }

  #enabledIn(set: ReadonlyMap<string, boolean>, name: string): boolean {
    const gate = this.#known.get(name);
    if (gate === undefined) throw new FeatureGateError(`unrecognized feature gate: ${name}`);
    const own = set.get(name);
    if (own !== undefined) return own;
    if (name === ALL_ALPHA || name === ALL_BETA) return false;
    // AllAlpha and AllBeta change the gates of their stage that are not set by name.
    const all = { ALPHA: ALL_ALPHA, BETA: ALL_BETA, '': undefined, DEPRECATED: undefined }[gate.stage];
    return (all === undefined ? undefined : set.get(all)) ?? gate.default;
  }

  #unmetDependencies(set: ReadonlyMap<string, boolean>): string[] {
    return Object.entries(this.#dependencies).flatMap(([name, needs]) => {
      if (!this.#known.has(name) || !this.#enabledIn(set, name)) return [];
      const off = needs.filter((need) => !this.#enabledIn(set, need));
      return off.length === 0
        ? []
        : [`${name} is enabled, but depends on features that are disabled: [${off.join(' ')}]`];
    });
  }

  /** Every known gate, by name; for the metric `kubernetes_feature_enabled`. */
  all(): FeatureGate[] {
    return [...this.#known.values()]
      .map((gate) => ({ ...gate, enabled: this.enabled(gate.name) }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }
}

/**
 * `--feature-gates`.
 * With `componentPrefix` the values may be written `kube:Gate=true` as well.
 */
export function featureGatesFlag(
  options: FlagOptions & { componentPrefix?: boolean },
): Flag<ReadonlyMap<string, boolean>> {
  const plain = flag.boolMap({
    ...options,
    type: options.componentPrefix ? 'colonSeparatedMultimapStringString' : 'mapStringBool',
  });
  if (!options.componentPrefix) return plain;
  return {
    ...plain,
    parse(text, previous) {
      const pairs = text.split(',').map((pair) => {
        const [, component, rest] = /^\s*([^:=]*):(.*)$/.exec(pair) ?? [];
        if (component === undefined || rest === undefined) return pair;
        if (component !== 'kube' && component !== '')
          throw new FlagValueError(`component not registered: ${component} (known is "kube")`);
        return rest;
      });
      return plain.parse(pairs.join(','), previous);
    },
  };
}

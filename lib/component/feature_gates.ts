/** Feature gates: `--feature-gates` and `featureGates` of config files, accepted by name as the stock components do. */
import { nearNames } from './near_names.ts';
import type { GateGroup, GateStage } from './feature_gate_list.ts';
import { GATES } from './feature_gate_list.ts';
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
  readonly #set = new Map<string, boolean>();

  constructor(groups: readonly GateGroup[] = GATES) {
    for (const { names, ...rest } of groups)
      for (const name of names) this.#known.set(name, { name, ...rest });
    this.#known.set(ALL_ALPHA, { name: ALL_ALPHA, stage: 'ALPHA', default: false, locked: false });
    this.#known.set(ALL_BETA, { name: ALL_BETA, stage: 'BETA', default: false, locked: false });
  }

  /**
   * Sets gates; later calls override earlier ones (config file first, then flags). Nothing is set when one is refused.
   *
   * @returns warnings about gates that will be removed
   * @throws FeatureGateError naming the gate
   */
  set(gates: Iterable<readonly [string, boolean]>): string[] {
    const warnings: string[] = [];
    const accepted: [string, boolean][] = [];
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
      accepted.push([name, value]);
    }
    for (const [name, value] of accepted) this.#set.set(name, value);
    return warnings;
  }

  /** @throws FeatureGateError for a name that is no gate: a mistake in the program */
  enabled(name: string): boolean {
    const gate = this.#known.get(name);
    if (gate === undefined) throw new FeatureGateError(`unrecognized feature gate: ${name}`);
    const own = this.#set.get(name);
    if (own !== undefined) return own;
    if (name === ALL_ALPHA || name === ALL_BETA) return false;
    // AllAlpha and AllBeta change the gates of their stage that are not set by name.
    const all = { ALPHA: ALL_ALPHA, BETA: ALL_BETA, '': undefined, DEPRECATED: undefined }[gate.stage];
    return (all === undefined ? undefined : this.#set.get(all)) ?? gate.default;
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

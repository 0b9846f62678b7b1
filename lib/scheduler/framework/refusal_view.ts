/** Refusals by node name that are not kept one by one, but found out when somebody asks. */
import type { NodeInfo } from '../cache/node_info.ts';
import type { Refusal } from './status.ts';

/** A refusal, and on how many nodes. */
export interface RefusalCount {
  readonly refusal: Refusal;
  readonly nodes: number;
}

export abstract class RefusalView implements ReadonlyMap<string, Refusal> {
  abstract readonly size: number;

  abstract get(name: string): Refusal | undefined;

  abstract entries(): MapIterator<[string, Refusal]>;

  /** The different refusals. */
  abstract groups(): readonly RefusalCount[];

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  *keys(): MapIterator<string> {
    for (const [name] of this.entries()) yield name;
  }

  *values(): MapIterator<Refusal> {
    for (const [, refusal] of this.entries()) yield refusal;
  }

  [Symbol.iterator](): MapIterator<[string, Refusal]> {
    return this.entries();
  }

  forEach(call: (refusal: Refusal, name: string, map: ReadonlyMap<string, Refusal>) => void): void {
    for (const [name, refusal] of this.entries()) call(refusal, name, this);
  }
}

/** How often each refusal comes. */
export function refusalGroups(refusals: ReadonlyMap<string, Refusal>): readonly RefusalCount[] {
  if (refusals instanceof RefusalView) return refusals.groups();
  const groups = new Map<Refusal, number>();
  for (const refusal of refusals.values()) groups.set(refusal, (groups.get(refusal) ?? 0) + 1);
  return Array.from(groups, ([refusal, nodes]) => ({ refusal, nodes }));
}

/** A few nodes that were looked at; all others were left out for the same reason. */
export class AllBut extends RefusalView {
  readonly #nodes: readonly NodeInfo[];
  readonly #looked: ReadonlyMap<string, NodeInfo>;
  readonly #refused: ReadonlyMap<string, Refusal>;
  readonly #others: Refusal;

  /**
   * @param nodes all nodes
   * @param looked those that were looked at
   * @param refused those of them that were refused
   * @param others why the others were left out
   */
  constructor(
    nodes: readonly NodeInfo[],
    looked: ReadonlyMap<string, NodeInfo>,
    refused: ReadonlyMap<string, Refusal>,
    others: Refusal,
  ) {
    super();
    this.#nodes = nodes;
    this.#looked = looked;
    this.#refused = refused;
    this.#others = others;
  }

  get size(): number {
    return this.#nodes.length - this.#looked.size + this.#refused.size;
  }

  get(name: string): Refusal | undefined {
    if (this.#looked.has(name)) return this.#refused.get(name);
    return this.#nodes.some((node) => node.name === name) ? this.#others : undefined;
  }

  *entries(): MapIterator<[string, Refusal]> {
    yield* this.#refused.entries();
    for (const { name } of this.#nodes) if (!this.#looked.has(name)) yield [name, this.#others];
  }

  groups(): readonly RefusalCount[] {
    const left = this.#nodes.length - this.#looked.size;
    return [...refusalGroups(this.#refused), ...(left > 0 ? [{ refusal: this.#others, nodes: left }] : [])];
  }
}

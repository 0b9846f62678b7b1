/** Which nodes belong together by the value of a label: the domains of a topology key, as a column over the nodes. */
import type { NodeInfo } from './node_info.ts';

/** The domains of one topology key. */
export interface TopologyColumn {
  readonly key: string;
  /** Per row of a node, the number of its domain, or -1 where the node lacks the label. */
  readonly domainOf: Int32Array;
  /** Per domain, the value of the label. */
  readonly values: readonly string[];
}

/** Columns by topology key, made when first asked for and kept until a node comes, goes or changes its labels. */
export class Topologies {
  readonly #columns = new Map<string, TopologyColumn>();

  /** Some node came, went or changed its labels. */
  invalidate(): void {
    this.#columns.clear();
  }

  column(key: string, nodes: readonly NodeInfo[], rows: number): TopologyColumn {
    const known = this.#columns.get(key);
    if (known !== undefined) return known;
    const domainOf = new Int32Array(rows).fill(-1);
    const numbers = new Map<string, number>();
    for (const node of nodes) {
      const value = node.labels[key];
      if (value === undefined) continue;
      let domain = numbers.get(value);
      if (domain === undefined) {
        domain = numbers.size;
        numbers.set(value, domain);
      }
      domainOf[node.row] = domain;
    }
    const column = { key, domainOf, values: [...numbers.keys()] };
    this.#columns.set(key, column);
    return column;
  }
}

/** Which nodes belong together by the value of a label: the domains of a topology key, as a column over the nodes. */
import type { NodeInfo } from './node_info.ts';

/** The domains of one topology key. */
export class TopologyColumn {
  readonly key: string;
  /** Per row of a node, the number of its domain, or -1 where the node lacks the label. */
  readonly domainOf: Int32Array;
  /** Per domain, the value of the label. */
  readonly values: readonly string[];
  #rowsOf: readonly Int32Array[] | undefined;

  constructor(key: string, domainOf: Int32Array, values: readonly string[]) {
    this.key = key;
    this.domainOf = domainOf;
    this.values = values;
  }

  /** The rows of the nodes of a domain. */
  rowsOf(domain: number): Int32Array {
    this.#rowsOf ??= this.#collect();
    return this.#rowsOf[domain] ?? NO_ROWS;
  }

  #collect(): readonly Int32Array[] {
    const { domainOf, values } = this;
    const sizes = new Int32Array(values.length);
    for (const domain of domainOf) if (domain >= 0) sizes[domain] = (sizes[domain] ?? 0) + 1;
    const all = Array.from(sizes, (size) => new Int32Array(size));
    for (let row = domainOf.length - 1; row >= 0; row--) {
      const domain = domainOf[row] ?? -1;
      const rows = all[domain];
      if (rows === undefined) continue;
      const at = (sizes[domain] ?? 0) - 1;
      rows[at] = row;
      sizes[domain] = at;
    }
    return all;
  }
}

const NO_ROWS = new Int32Array(0);

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
    const column = new TopologyColumn(key, domainOf, [...numbers.keys()]);
    this.#columns.set(key, column);
    return column;
  }
}

/** How many pods of each node match a selector, kept as pods come and go instead of counted anew for each pod to place. */
import type { Pod } from '../../api/types.ts';
import type { NodeInfo } from './node_info.ts';
import { RowCounts } from './row_counts.ts';

/** Chooses pods. Two matchers of the same key choose the same. */
export interface PodMatcher {
  readonly key: string;
  /** Namespaces outside of which it matches nothing; undefined: it may match anywhere. */
  readonly namespaces: ReadonlySet<string> | undefined;
  /** Must depend on the pod object alone. */
  matches(pod: Pod): boolean;
}

interface Entry {
  readonly matcher: PodMatcher;
  readonly counts: RowCounts;
}

const ANYWHERE = '';

/** Counts for up to `capacity` matchers; those asked for longest ago are forgotten first. */
export class MatchCounts {
  readonly #capacity: number;
  /** In the order of last use. */
  readonly #entries = new Map<string, Entry>();
  /** The entries that a pod of a namespace can concern. */
  readonly #byNamespace = new Map<string, Set<Entry>>();

  constructor(capacity = 256) {
    this.#capacity = capacity;
  }

  /** @param nodes all nodes whose pods are reported by {@link MatchCounts.change} */
  of(matcher: PodMatcher, nodes: readonly NodeInfo[]): RowCounts {
    const known = this.#entries.get(matcher.key);
    if (known !== undefined) {
      this.#entries.delete(matcher.key);
      this.#entries.set(matcher.key, known);
      return known.counts;
    }
    const entry: Entry = { matcher, counts: new RowCounts(nodes.length) };
    for (const node of nodes)
      for (const pod of node.pods()) if (concerns(matcher, pod)) entry.counts.add(node.row, 1);
    this.#entries.set(matcher.key, entry);
    for (const namespace of matcher.namespaces ?? [ANYWHERE]) {
      const list = this.#byNamespace.get(namespace) ?? new Set<Entry>();
      list.add(entry);
      this.#byNamespace.set(namespace, list);
    }
    this.#forgetOldest();
    return entry.counts;
  }

  /** A pod came to the node of that row (`by` 1) or left it (-1). */
  change(pod: Pod, row: number, by: 1 | -1): void {
    for (const namespace of [pod.metadata.namespace ?? '', ANYWHERE])
      for (const { matcher, counts } of this.#byNamespace.get(namespace) ?? [])
        if (matcher.matches(pod)) counts.add(row, by);
  }

  #forgetOldest(): void {
    if (this.#entries.size <= this.#capacity) return;
    const [oldest] = this.#entries.values();
    if (oldest === undefined) return;
    this.#entries.delete(oldest.matcher.key);
    for (const namespace of oldest.matcher.namespaces ?? [ANYWHERE]) {
      const list = this.#byNamespace.get(namespace);
      list?.delete(oldest);
      if (list?.size === 0) this.#byNamespace.delete(namespace);
    }
  }
}

function concerns(matcher: PodMatcher, pod: Pod): boolean {
  const { namespaces } = matcher;
  return (namespaces === undefined || namespaces.has(pod.metadata.namespace ?? '')) && matcher.matches(pod);
}

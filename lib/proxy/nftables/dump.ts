/** A form of the table in which two that do the same are equal, whatever way they came to be. For tests. Pure. */

export interface TableDump {
  /** Chain to rules, in order. */
  readonly chains: ReadonlyMap<string, readonly string[]>;
  /** Set or map to elements, sorted; none of sets that packets fill. */
  readonly sets: ReadonlyMap<string, readonly string[]>;
}

/** Reads what `nft list table` printed. */
export function parseTable(text: string): TableDump {
  const chains = new Map<string, string[]>();
  const sets = new Map<string, string[]>();
  for (const [, kind, name = '', body = ''] of text.matchAll(
    /^\t(chain|set|map) (\S+) \{\n((?:\t\t.*\n)*)\t\}$/gm,
  )) {
    if (kind === 'chain') {
      const lines = body.split('\n').map((line) => line.trim());
      chains.set(
        name,
        lines.filter((line) => line !== '' && !/^(?:type \w+ hook|comment) /.test(line)),
      );
    } else {
      const elements = /elements = \{([^}]*)\}/.exec(body)?.[1] ?? '';
      const dynamic = /flags .*dynamic/.test(body);
      sets.set(name, dynamic ? [] : splitElements(elements).toSorted());
    }
  }
  return { chains, sets };
}

function splitElements(text: string): string[] {
  return text
    .split(',')
    .map((element) => element.trim().replaceAll(/\s+/g, ' '))
    .filter((element) => element !== '');
}

// The kernel keeps ranges in order.
function inOrder(rule: string): string {
  return rule.replace(
    /(?<= != )\{ (.*?) \}/,
    (_all, list: string) => `{ ${list.split(', ').toSorted().join(', ')} }`,
  );
}

/** One text of it, for comparison. */
export function canonical(dump: TableDump | undefined): string {
  if (dump === undefined) return '';
  const section = (map: ReadonlyMap<string, readonly string[]>): string =>
    [...map]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, lines]) => [name, ...lines].join('\n  '))
      .join('\n');
  const chains = [...dump.chains].map(([name, rules]) => [name, rules.map(inOrder)] as const);
  return `${section(new Map(chains))}\n\n${section(dump.sets)}\n`;
}

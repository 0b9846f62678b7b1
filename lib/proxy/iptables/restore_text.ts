/** The input of iptables-restore, and the output of iptables-save. */
import type { Table } from './names.ts';
import type { ChainChange } from './ruleset.ts';

/** A rule put at the head of a chain that is not ours alone, or at its end. */
export interface SharedRule {
  readonly table: Table;
  readonly chain: string;
  readonly rule: string;
}

export interface Transaction {
  readonly changes: readonly ChainChange[];
  /** In the order in which they shall stand at the head of their chain. */
  readonly prepend: readonly SharedRule[];
  readonly append: readonly SharedRule[];
  /** Rules taken out of chains that are not ours alone. */
  readonly remove: readonly SharedRule[];
  /** Chains made if missing, left alone otherwise. */
  readonly ensure: ReadonlyArray<{ readonly table: Table; readonly chain: string }>;
}

export const EMPTY_TRANSACTION: Transaction = {
  changes: [],
  prepend: [],
  append: [],
  remove: [],
  ensure: [],
};

/**
 * Input for `iptables-restore --noflush`: chains that are not named stay as they are. Empty text: nothing to do.
 * Each section is one transaction of the kernel, carried out whole or not at all.
 *
 * Rules that refuse go in before, and out after, the translation that takes their place: a first packet that met neither
 * would leave a connection entry without translation, to which all its retransmissions then keep.
 */
export function restoreText(transaction: Transaction): string {
  const { changes } = transaction;
  const late = changes.flatMap((c) =>
    c.table === 'filter' && c.kind === 'edit' && c.remove.length > 0 ? [{ ...c, insert: [] }] : [],
  );
  const early = changes.map((c) => (c.table === 'filter' && c.kind === 'edit' ? { ...c, remove: [] } : c));
  const first = { ...transaction, changes: early };
  return [
    sectionText('mangle', first),
    sectionText('filter', first),
    sectionText('nat', first),
    sectionText('filter', { ...EMPTY_TRANSACTION, changes: late }),
  ].join('');
}

function sectionText(table: Table, { changes, prepend, append, remove, ensure }: Transaction): string {
  // By name: iptables-nft keeps its list of chains sorted, and the time to build it grows with the square of their number
  // when they come in any other order (16,000 chains: 13 s of CPU, sorted 2.6 s).
  const mine = changes.filter((c) => c.table === table).toSorted((a, b) => (a.chain < b.chain ? -1 : 1));
  const lines: string[] = [];
  for (const { chain } of ensure.filter((e) => e.table === table)) lines.push(`:${chain} - [0:0]`);
  // Naming a chain so empties it; a chain to be deleted must be empty, and may refer to others that go too.
  for (const c of mine) if (c.kind !== 'edit') lines.push(`:${c.chain} - [0:0]`);
  for (const r of remove) if (r.table === table) lines.push(`-D ${r.chain} ${r.rule}`);
  for (const c of mine) {
    if (c.kind !== 'edit') continue;
    for (const rule of c.remove) lines.push(`-D ${c.chain} ${rule}`);
    for (const rule of c.insert) lines.push(`-I ${c.chain} ${rule}`);
  }
  for (const c of mine)
    if (c.kind === 'replace') for (const rule of c.rules) lines.push(`-A ${c.chain} ${rule}`);
  for (const r of prepend.toReversed()) if (r.table === table) lines.push(`-I ${r.chain} ${r.rule}`);
  for (const r of append) if (r.table === table) lines.push(`-A ${r.chain} ${r.rule}`);
  for (const c of mine) if (c.kind === 'delete') lines.push(`-X ${c.chain}`);
  return lines.length === 0 ? '' : `*${table}\n${lines.join('\n')}\nCOMMIT\n`;
}

/** One table as the kernel has it: chain to rules, in order, without `-A CHAIN`. */
export type KernelTable = Map<string, string[]>;

/** The output was not what iptables-save prints. */
export class SaveFormatError extends Error {
  override readonly name = 'SaveFormatError';
}

/** Reads what `iptables-save -t TABLE` printed. @throws SaveFormatError */
export function parseSave(text: string, table: Table): KernelTable {
  const chains: KernelTable = new Map();
  let current: string | undefined;
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    if (line.startsWith('*')) current = line.slice(1);
    else if (line === 'COMMIT') current = undefined;
    else if (current !== table) continue;
    else if (line.startsWith(':')) chains.set(line.slice(1, endOf(line, 1)), []);
    else if (line.startsWith('-A ')) {
      const end = endOf(line, 3);
      const rules = chains.get(line.slice(3, end));
      if (rules === undefined) throw new SaveFormatError(`rule of an undeclared chain: ${line}`);
      rules.push(line.slice(end + 1));
    } else throw new SaveFormatError(`unexpected line in the output of iptables-save: ${line}`);
  }
  return chains;
}

function endOf(line: string, from: number): number {
  const at = line.indexOf(' ', from);
  return at === -1 ? line.length : at;
}

/** The chain that a rule jumps or goes to, if any. */
export function targetOf(rule: string): string | undefined {
  return /(?:^| )-[jg] (\S+)/.exec(rule)?.[1];
}

/** The text of transactions: input of `nft -f -`, one command a line, so that a refusal can be traced to what caused it. Pure. */
import type { Family } from '../model/address.ts';
import type { FamilyPolicy } from '../model/policy.ts';
import { baseChains, containers, ipWord } from './base_objects.ts';
import { TABLE } from './names.ts';
import type { TableContents } from './nft.ts';
import type { TableChanges } from './table_state.ts';

const TABLE_COMMENT = 'rules for kube-proxy';

/** Only what changed; empty text: nothing to do. */
export function changesText(family: Family, changes: TableChanges): string {
  const lines: string[] = [];
  changeLines(new Lines(family, lines), changes);
  return text(lines);
}

/**
 * Writes the whole table, taking the place of what is there in one step: packets meet the old rules or the new ones.
 * What clients have by session affinity stays.
 *
 * @param everything all changes from an empty table
 * @param existing what the table has; undefined: there is none
 * @param recreate delete the table first (affinity is lost): for one with objects of other types than ours
 */
export function wholeText(
  family: Family,
  policy: FamilyPolicy,
  everything: TableChanges,
  existing: TableContents | undefined,
  recreate = false,
): string {
  const lines: string[] = [];
  const out = new Lines(family, lines);
  lines.push(`add table ${out.table}`);
  if (recreate) lines.push(`delete table ${out.table}`);
  lines.push(`add table ${out.table} { comment "${TABLE_COMMENT}" ; }`);
  const there = recreate ? undefined : existing;
  const base = baseChains(family, policy);
  const shared = containers(family);
  const chains = new Set([...base.map((c) => c.name), ...everything.newChains]);
  const sets = new Set([
    ...shared.filter((c) => c.kind === 'set').map((c) => c.name),
    ...namesOf(everything),
  ]);
  const maps = new Set(shared.filter((c) => c.kind === 'map').map((c) => c.name));

  for (const name of there?.chains ?? []) out.command('flush chain', name);
  for (const { kind, name, spec } of shared) {
    out.command(`add ${kind}`, name, `{ ${spec} }`);
    out.command(`flush ${kind}`, name);
  }
  for (const { name, hook, comment } of base) {
    const said = comment === undefined ? '' : `comment "${comment}" ;`;
    const spec = `${hook ?? ''}${said}`;
    out.command('add chain', name, spec === '' ? '' : `{ ${spec} }`);
  }
  const stale = there?.chains.filter((name) => !chains.has(name)) ?? [];
  for (const { name, rules } of base) for (const rule of rules) out.command('add rule', name, rule);
  changeLines(out, everything);
  for (const name of stale) out.command('delete chain', name);
  for (const name of there?.sets ?? []) if (!sets.has(name)) out.command('delete set', name);
  for (const name of there?.maps ?? []) if (!maps.has(name)) out.command('delete map', name);
  return text(lines);
}

function namesOf(everything: TableChanges): string[] {
  return everything.newSets.map((set) => set.name);
}

function changeLines(out: Lines, changes: TableChanges): void {
  for (const name of changes.newChains) out.command('add chain', name);
  for (const name of changes.flushChains) out.command('flush chain', name);
  for (const { container, key } of changes.deleteElements)
    out.command('delete element', container, `{ ${key} }`);
  for (const name of changes.deleteSets) out.command('delete set', name);
  for (const { name, spec } of changes.newSets) out.command('add set', name, `{ ${spec} }`);
  for (const { chain, rules } of changes.rules)
    for (const rule of rules) out.command('add rule', chain, rule);
  for (const { container, key, value } of changes.newElements) {
    out.command('add element', container, value === '' ? `{ ${key} }` : `{ ${key} ${value} }`);
  }
  for (const name of changes.deleteChains) out.command('delete chain', name);
}

class Lines {
  readonly table: string;
  readonly #lines: string[];

  constructor(family: Family, lines: string[]) {
    this.table = `${ipWord(family)} ${TABLE}`;
    this.#lines = lines;
  }

  command(verb: string, name: string, rest = ''): void {
    this.#lines.push(`${verb} ${this.table} ${name}${rest === '' ? '' : ` ${rest}`}`);
  }
}

function text(lines: readonly string[]): string {
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}

/** The command in a line: what it is about and what follows. */
export function parseCommand(
  line: string,
): { readonly verb: string; readonly name: string; readonly rest: string } | undefined {
  const match = /^(\w+ \w+) ip6? kube-proxy(?: (\S+) ?(.*))?$/.exec(line);
  if (match === null) return undefined;
  return { verb: match[1] ?? '', name: match[2] ?? '', rest: match[3] ?? '' };
}

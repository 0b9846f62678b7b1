/** The text of transactions: input of `nft -f -`, one command a line, so that a refusal can be traced to what caused it. Pure. */
import type { Family } from '../model/address.ts';
import type { FamilyPolicy } from '../model/policy.ts';
import { baseChains, containers, ipWord } from './base_objects.ts';
import { TABLE } from './names.ts';
import type { TableContents } from './nft.ts';
import type { Element, ServiceObjects } from './service_objects.ts';
import type { TableChanges, TableContent } from './table_state.ts';

const TABLE_COMMENT = 'rules for kube-proxy';

/** Only what changed; empty text: nothing to do. */
export function changesText(family: Family, changes: TableChanges): string {
  const out = new Lines(family);
  for (const name of changes.newChains) out.command('add chain', name);
  for (const name of changes.flushChains) out.command('flush chain', name);
  for (const { container, key } of changes.deleteElements)
    out.command('delete element', container, `{ ${key} }`);
  for (const name of changes.deleteSets) out.command('delete set', name);
  for (const { name, spec } of changes.newSets) out.command('add set', name, `{ ${spec} }`);
  for (const { chain, rules } of changes.rules)
    for (const rule of rules) out.command('add rule', chain, rule);
  for (const element of changes.newElements) out.addElement(element);
  for (const name of changes.deleteChains) out.command('delete chain', name);
  return out.text();
}

/** The text that writes a whole table, and the chains that the table has then. */
export interface WholeTable {
  readonly text: string;
  readonly chains: ReadonlySet<string>;
}

/**
 * Writes the whole table, taking the place of what is there in one step: packets meet the old rules or the new ones.
 * What clients have by session affinity stays.
 *
 * @param existing what the table has; undefined: there is none
 * @param recreate delete the table first (affinity is lost): for one with objects of other types than ours
 */
export function wholeText(
  family: Family,
  policy: FamilyPolicy,
  everything: TableContent,
  existing: TableContents | undefined,
  recreate = false,
): WholeTable {
  const out = new Lines(family);
  out.line(`add table ${out.table}`);
  if (recreate) out.line(`delete table ${out.table}`);
  out.line(`add table ${out.table} { comment "${TABLE_COMMENT}" ; }`);
  const there = recreate ? undefined : existing;
  const base = baseChains(family, policy);
  const shared = containers(family);
  const chains = new Set(base.map((c) => c.name));
  const sets = new Set(shared.filter((c) => c.kind === 'set').map((c) => c.name));
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
  for (const { name, rules } of base) for (const rule of rules) out.command('add rule', name, rule);
  for (const objects of everything.objects) {
    out.addObjects(objects);
    for (const name of objects.chains.keys()) chains.add(name);
    for (const name of objects.sets.keys()) sets.add(name);
  }
  for (const element of everything.elements) out.addElement(element);
  for (const name of there?.chains ?? []) if (!chains.has(name)) out.command('delete chain', name);
  for (const name of there?.sets ?? []) if (!sets.has(name)) out.command('delete set', name);
  for (const name of there?.maps ?? []) if (!maps.has(name)) out.command('delete map', name);
  return { text: out.text(), chains };
}

/** So many lines become one string at a time: each of them is one of its own until then. */
const LINES_A_PIECE = 1000;

class Lines {
  readonly table: string;
  readonly #pieces: string[] = [];
  #lines: string[] = [];

  constructor(family: Family) {
    this.table = `${ipWord(family)} ${TABLE}`;
  }

  line(line: string): void {
    this.#lines.push(line);
    if (this.#lines.length === LINES_A_PIECE) this.#endPiece();
  }

  command(verb: string, name: string, rest = ''): void {
    this.line(`${verb} ${this.table} ${name}${rest === '' ? '' : ` ${rest}`}`);
  }

  addObjects({ chains, sets }: ServiceObjects): void {
    for (const name of chains.keys()) this.command('add chain', name);
    for (const [name, spec] of sets) this.command('add set', name, `{ ${spec} }`);
    for (const [name, rules] of chains) for (const rule of rules) this.command('add rule', name, rule);
  }

  addElement({ container, key, value }: Element): void {
    this.command('add element', container, value === '' ? `{ ${key} }` : `{ ${key} ${value} }`);
  }

  text(): string {
    this.#endPiece();
    return this.#pieces.join('');
  }

  #endPiece(): void {
    if (this.#lines.length > 0) this.#pieces.push(`${this.#lines.join('\n')}\n`);
    this.#lines = [];
  }
}

/** The command in a line: what it is about and what follows. */
export function parseCommand(
  line: string,
): { readonly verb: string; readonly name: string; readonly rest: string } | undefined {
  const match = /^(\w+ \w+) ip6? kube-proxy(?: (\S+) ?(.*))?$/.exec(line);
  if (match === null) return undefined;
  return { verb: match[1] ?? '', name: match[2] ?? '', rest: match[3] ?? '' };
}

/** An nftables table in memory for tests: takes the transactions that the kernel takes, refuses those that it refuses. */
import type { Family } from '../model/address.ts';
import { ipWord } from './base_objects.ts';
import type { TableDump } from './dump.ts';
import type { Nft, TableContents } from './nft.ts';
import { NftError } from './nft.ts';
import { parseCommand } from './transaction_text.ts';

interface FakeSet {
  readonly kind: 'set' | 'map';
  readonly spec: string;
  readonly elements: Map<string, string>;
}

interface FakeTable {
  readonly chains: Map<string, { readonly hook: string; readonly rules: string[] }>;
  readonly sets: Map<string, FakeSet>;
}

export class FakeNft implements Nft {
  readonly family: Family;
  #table: FakeTable | undefined;
  /** All inputs of run that were carried out, in order. */
  readonly transactions: string[] = [];
  /** When set, run is refused if any line matches: something that this kernel does not know. */
  refuses: RegExp | undefined;
  /** When set, the next run rejects with it. */
  failNext: Error | undefined;

  constructor(family: Family = 'IPv4') {
    this.family = family;
  }

  /** What a foreign `nft flush ruleset` does. */
  flush(): void {
    this.#table = undefined;
  }

  /** Rules of a chain; undefined: no such chain. */
  chain(name: string): readonly string[] | undefined {
    return this.#table?.chains.get(name)?.rules;
  }

  /** Elements of a set or map as they were written, sorted. */
  elements(name: string): string[] {
    return dumpElements(this.#table?.sets.get(name));
  }

  dump(): TableDump | undefined {
    if (this.#table === undefined) return undefined;
    const { chains, sets } = this.#table;
    return {
      chains: new Map([...chains].map(([name, { rules }]) => [name, [...rules]])),
      sets: new Map([...sets].map(([name, set]) => [name, dumpElements(set)])),
    };
  }

  async contents(): Promise<TableContents | undefined> {
    if (this.#table === undefined) return undefined;
    const { chains, sets } = this.#table;
    const named = (kind: 'set' | 'map'): string[] =>
      [...sets].filter(([, set]) => set.kind === kind).map(([name]) => name);
    return { chains: [...chains.keys()], sets: named('set'), maps: named('map') };
  }

  async listChain(chain: string): Promise<string[] | undefined> {
    const rules = this.chain(chain);
    return rules === undefined ? undefined : [...rules];
  }

  async run(text: string): Promise<void> {
    const error = this.failNext;
    this.failNext = undefined;
    if (error !== undefined) throw error;
    let draft = copy(this.#table);
    for (const [i, line] of text.split('\n').entries()) {
      if (line === '') continue;
      const refuse = (why: string): never => {
        throw new NftError(`/dev/stdin:${i + 1}:1-1: Error: ${why}: ${line}`, { line: i + 1 });
      };
      if (this.refuses?.test(line) === true) refuse('not supported by this kernel');
      draft = carryOut(draft, line, this.family, refuse);
    }
    this.#table = draft;
    this.transactions.push(text);
  }
}

function dumpElements(set: FakeSet | undefined): string[] {
  // What clients have by session affinity comes and goes by packets.
  if (set === undefined || set.spec.includes('dynamic')) return [];
  return [...set.elements].map(([key, value]) => (value === '' ? key : `${key} ${value}`)).toSorted();
}

function copy(table: FakeTable | undefined): FakeTable | undefined {
  if (table === undefined) return undefined;
  return {
    chains: new Map([...table.chains].map(([k, v]) => [k, { hook: v.hook, rules: [...v.rules] }])),
    sets: new Map([...table.sets].map(([k, v]) => [k, { ...v, elements: new Map(v.elements) }])),
  };
}

function carryOut(
  draft: FakeTable | undefined,
  line: string,
  family: Family,
  refuse: (why: string) => never,
): FakeTable | undefined {
  const command = line.includes(` ${ipWord(family)} kube-proxy`) ? parseCommand(line) : undefined;
  const { verb, name, rest } = command ?? refuse('not understood');
  if (verb === 'add table') return draft ?? { chains: new Map(), sets: new Map() };
  const table = draft ?? refuse('no such table');
  if (verb === 'delete table') return undefined;
  const { chains, sets } = table;
  const chain = () => chains.get(name) ?? refuse('no such chain');
  const set = () => sets.get(name) ?? refuse('no such set');
  const referred = (reference: RegExp): boolean =>
    [...chains].some(([other, { rules }]) => other !== name && rules.some((rule) => reference.test(rule))) ||
    [...sets.values()].some(({ elements }) => [...elements.values()].some((value) => reference.test(value)));
  const mustExist = (text: string): void => {
    for (const [, to = ''] of text.matchAll(/(?:goto|jump) (\S+)/g))
      if (!chains.has(to)) refuse('no such chain');
    for (const [, of = ''] of text.matchAll(/@(\S+)/g)) if (!sets.has(of)) refuse('no such set');
  };
  switch (verb) {
    case 'add set':
    case 'add map': {
      const kind = verb === 'add set' ? 'set' : 'map';
      const there = sets.get(name);
      if (there !== undefined && (there.kind !== kind || there.spec !== rest)) refuse('exists otherwise');
      sets.set(name, there ?? { kind, spec: rest, elements: new Map() });
      break;
    }
    case 'flush set':
    case 'flush map':
      set().elements.clear();
      break;
    case 'delete set':
    case 'delete map':
      set();
      if (referred(new RegExp(`@${name}(?: |$)`))) refuse('in use');
      sets.delete(name);
      break;
    case 'add chain':
      if (!chains.has(name)) chains.set(name, { hook: rest, rules: [] });
      break;
    case 'flush chain':
      chain().rules.length = 0;
      break;
    case 'delete chain':
      chain();
      if (referred(new RegExp(`(?:goto|jump) ${name}(?: |$)`))) refuse('in use');
      chains.delete(name);
      break;
    case 'add rule':
      chain();
      mustExist(rest);
      chain().rules.push(rest);
      break;
    case 'add element':
    case 'delete element': {
      const { elements } = set();
      const [, key = '', value = ''] =
        /^\{ (.+?)(?: ((?:comment "[^"]*" )?: .+))? \}$/.exec(rest) ?? refuse('not understood');
      if (verb === 'delete element') {
        if (!elements.delete(key)) refuse('no such element');
      } else {
        mustExist(value);
        if (elements.has(key) && verdict(elements.get(key)) !== verdict(value)) refuse('exists otherwise');
        if (!elements.has(key)) elements.set(key, value);
      }
      break;
    }
    default:
      refuse('not understood');
  }
  return table;
}

function verdict(value: string | undefined): string {
  return value?.replace(/^comment "[^"]*" /, '') ?? '';
}

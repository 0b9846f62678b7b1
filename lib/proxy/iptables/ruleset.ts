/**
 * The rules that the kernel shall have, and what has changed in them since the kernel last got them: what the kernel has is
 * this minus the pending changes, so nothing has to be listed to make the next transaction. Rules of single Services are
 * not kept but written anew from the plan when they are asked for: they are most of the text by far, and 10,000 Services
 * with three endpoints would take 35 MB. Before the first commit no changes are remembered: all is compared then.
 */
import type { Family } from '../model/address.ts';
import type { ServicePlan } from '../model/plan.ts';
import type { RuleStore } from '../service_ledger.ts';
import type { BaseChain } from './base_rules.ts';
import { DispatchTree } from './dispatch_tree.ts';
import type { Table } from './names.ts';
import { SERVICES_CHAIN } from './names.ts';
import type { DispatchRule, ServiceRules } from './service_rules.ts';
import { sameList } from '../../base/same_list.ts';

/** Contents of a chain: rules in any order, then rules in this order. */
export interface ChainContent {
  readonly table: Table;
  readonly chain: string;
  readonly anyOrder: ReadonlySet<string>;
  readonly tail: readonly string[];
}

/** What a transaction does to one chain. */
export type ChainChange = { readonly table: Table; readonly chain: string } & (
  | {
      readonly kind: 'replace';
      readonly rules: readonly string[];
      /** The kernel has no such chain: nothing refers to it yet. */
      readonly isNew: boolean;
    }
  /** Only in chains whose rules may stand in any order. */
  | { readonly kind: 'edit'; readonly remove: readonly string[]; readonly insert: readonly string[] }
  | { readonly kind: 'delete' }
);

interface MutableChain {
  readonly table: Table;
  readonly chain: string;
  readonly anyOrder: Set<string>;
  readonly tail: readonly string[];
}

interface Edits {
  readonly added: Set<string>;
  readonly removed: Set<string>;
}

interface Pending {
  readonly table: Table;
  readonly chain: string;
  readonly what: 'new' | 'replace' | 'delete' | Edits;
  /** Of a chain that is one Service port's own. */
  readonly rules?: readonly string[];
}

export interface RulesetOptions {
  readonly family: Family;
  readonly base: readonly BaseChain[];
  /** Gives the same for the same plan. @throws UnsafeTokenError */
  readonly render: (plan: ServicePlan) => ServiceRules;
}

// Beyond that, sending the chain whole is cheaper than looking each rule up in the kernel's list.
const MAX_EDITS = 256;
/** What was written for so many plans is kept until the commit, so that it need not be written twice. */
const MAX_RENDERED = 1000;
const NO_RULES: ReadonlySet<string> = new Set();

export class Ruleset implements RuleStore {
  readonly #plans = new Map<string, ServicePlan>();
  readonly #render: (plan: ServicePlan) => ServiceRules;
  // Of the first plans that were set since the last commit.
  readonly #rendered = new Map<string, ServiceRules>();
  // Chains that are no single Service port's.
  readonly #chains = new Map<string, MutableChain>();
  readonly #pending = new Map<string, Pending>();
  readonly #destinations: DispatchTree;
  // The kernel has had nothing of it.
  #isNew = true;
  // Rules in chains of single Service ports.
  #ownRules = 0;

  constructor({ family, base, render }: RulesetOptions) {
    this.#render = render;
    this.#destinations = new DispatchTree(family, SERVICES_CHAIN, {
      create: (chain) => this.#setChain('nat', chain, []),
      drop: (chain) => this.#deleteChain('nat', chain),
      add: (chain, rule) => this.#addRule('nat', chain, rule),
      remove: (chain, rule) => this.#removeRule('nat', chain, rule),
    });
    for (const { table, chain, tail } of base) {
      this.#chains.set(keyOf(table, chain), { table, chain, anyOrder: new Set(), tail });
    }
  }

  get plans(): ReadonlyMap<string, ServicePlan> {
    return this.#plans;
  }

  /** Rules now in force (or pending) for a Service port. */
  rulesOf(id: string): ServiceRules | undefined {
    const plan = this.#plans.get(id);
    return plan === undefined ? undefined : (this.#rendered.get(id) ?? this.#render(plan));
  }

  /** The Service port because of which there is a rule or chain. @param rule without `-A CHAIN` */
  ownerOf(chain: string, rule: string): string | undefined {
    for (const id of this.#plans.keys()) {
      const rules = this.rulesOf(id);
      if (rules?.chains.has(chain) === true) return id;
      const isHere = (d: DispatchRule): boolean => d.to !== undefined || d.chain === chain;
      if (rules?.dispatch.some((d) => d.rule === rule && isHere(d)) === true) return id;
    }
    return undefined;
  }

  /** The chain in which the rule is. */
  chainOf(d: DispatchRule): string {
    return d.to === undefined ? d.chain : this.#destinations.chainOf(d.to);
  }

  setPlan(id: string, plan: ServicePlan | undefined): void {
    const before = this.rulesOf(id);
    this.#plans.delete(id);
    this.#rendered.delete(id);
    if (plan === undefined) return this.#change(before, undefined);
    let rules;
    try {
      rules = this.#render(plan);
    } finally {
      this.#change(before, rules);
    }
    this.#plans.set(id, plan);
    if (this.#rendered.size < MAX_RENDERED) this.#rendered.set(id, rules);
  }

  #change(before: ServiceRules | undefined, rules: ServiceRules | undefined): void {
    for (const [chain, content] of rules?.chains ?? []) {
      const had = before?.chains.get(chain);
      this.#ownRules += content.length;
      if (!sameList(had, content)) this.#setOwnChain(chain, content, had !== undefined);
    }
    for (const [chain, content] of before?.chains ?? []) {
      this.#ownRules -= content.length;
      if (rules?.chains.has(chain) !== true) this.#deleteChain('nat', chain);
    }
    const old = new Map((before?.dispatch ?? []).map((d) => [dispatchKey(d), d]));
    for (const d of rules?.dispatch ?? []) {
      if (old.delete(dispatchKey(d))) continue;
      if (d.to === undefined) this.#addRule(d.table, d.chain, d.rule);
      else this.#destinations.add(d.to, d.rule);
    }
    for (const d of old.values()) {
      if (d.to === undefined) this.#removeRule(d.table, d.chain, d.rule);
      else this.#destinations.remove(d.to, d.rule);
    }
  }

  /** All chains as they shall be. */
  *contents(): Generator<ChainContent> {
    yield* this.#chains.values();
    for (const id of this.#plans.keys()) {
      for (const [chain, tail] of this.rulesOf(id)?.chains ?? [])
        yield { table: 'nat', chain, anyOrder: NO_RULES, tail };
    }
  }

  /** Number of rules by table. */
  count(table: Table): number {
    let sum = table === 'nat' ? this.#ownRules : 0;
    for (const c of this.#chains.values()) if (c.table === table) sum += c.anyOrder.size + c.tail.length;
    return sum;
  }

  /** The changes since the last {@link Ruleset.committed}; there has been one. */
  changes(): ChainChange[] {
    const out: ChainChange[] = [];
    for (const [key, { table, chain, what, rules }] of this.#pending) {
      const content = this.#chains.get(key);
      if (rules !== undefined) {
        out.push({ table, chain, kind: 'replace', rules, isNew: what === 'new' });
      } else if (content === undefined) {
        out.push({ table, chain, kind: 'delete' });
      } else if (typeof what === 'object' && isSmall(what, content)) {
        if (what.added.size + what.removed.size === 0) continue;
        out.push({ table, chain, kind: 'edit', remove: [...what.removed], insert: [...what.added] });
      } else {
        out.push({ table, chain, kind: 'replace', rules: rulesIn(content), isNew: what === 'new' });
      }
    }
    return out;
  }

  committed(): void {
    this.#isNew = false;
    this.#pending.clear();
    this.#rendered.clear();
  }

  #chain(table: Table, chain: string): MutableChain {
    const found = this.#chains.get(keyOf(table, chain));
    if (found === undefined) throw new RangeError(`no chain ${chain} in table ${table}`);
    return found;
  }

  #setChain(table: Table, chain: string, tail: readonly string[]): void {
    const key = keyOf(table, chain);
    const what = this.#newOrReplace(key, this.#chains.has(key));
    this.#chains.set(key, { table, chain, anyOrder: new Set(), tail });
    this.#setPending(key, { table, chain, what });
  }

  #setOwnChain(chain: string, rules: readonly string[], isThere: boolean): void {
    const key = keyOf('nat', chain);
    this.#setPending(key, { table: 'nat', chain, what: this.#newOrReplace(key, isThere), rules });
  }

  #setPending(key: string, pending: Pending): void {
    if (!this.#isNew) this.#pending.set(key, pending);
  }

  #newOrReplace(key: string, isThere: boolean): 'new' | 'replace' {
    const before = this.#pending.get(key)?.what ?? (isThere ? 'replace' : 'new');
    return before === 'new' ? 'new' : 'replace';
  }

  #deleteChain(table: Table, chain: string): void {
    const key = keyOf(table, chain);
    this.#chains.delete(key);
    // What the kernel never got need not be taken out again.
    if (this.#pending.get(key)?.what === 'new') this.#pending.delete(key);
    else this.#setPending(key, { table, chain, what: 'delete' });
  }

  #addRule(table: Table, chain: string, rule: string): void {
    this.#chain(table, chain).anyOrder.add(rule);
    const edits = this.#edits(table, chain);
    if (edits !== undefined && !edits.removed.delete(rule)) edits.added.add(rule);
  }

  #removeRule(table: Table, chain: string, rule: string): void {
    this.#chain(table, chain).anyOrder.delete(rule);
    const edits = this.#edits(table, chain);
    if (edits !== undefined && !edits.added.delete(rule)) edits.removed.add(rule);
  }

  // Undefined: the chain is sent whole anyway, or all are compared.
  #edits(table: Table, chain: string): Edits | undefined {
    if (this.#isNew) return undefined;
    const key = keyOf(table, chain);
    const what = this.#pending.get(key)?.what ?? { added: new Set(), removed: new Set() };
    if (typeof what === 'string') return undefined;
    this.#pending.set(key, { table, chain, what });
    return what;
  }
}

function isSmall(edits: Edits, content: ChainContent): boolean {
  const count = edits.added.size + edits.removed.size;
  return count <= MAX_EDITS && count <= Math.max(8, content.anyOrder.size);
}

/** The rules of a chain in the order in which they are sent. */
export function rulesIn(content: ChainContent): string[] {
  return [...content.anyOrder, ...content.tail];
}

function keyOf(table: Table, chain: string): string {
  return `${table} ${chain}`;
}

function dispatchKey(d: { table: Table; chain: string; rule: string }): string {
  return `${d.table} ${d.chain} ${d.rule}`;
}

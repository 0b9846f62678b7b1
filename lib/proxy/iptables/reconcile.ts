/**
 * Compares the kernel's tables with what they shall be, and makes the smallest transaction that brings the one to the
 * other. Rules and chains that are not the proxy's are read, never changed. Pure.
 */
import type { JumpRule } from './base_rules.ts';
import type { Table } from './names.ts';
import { CANARY_CHAIN, LOCALNET_FIREWALL_CHAIN, PER_SERVICE_CHAIN } from './names.ts';
import type { KernelTable, SharedRule, Transaction } from './restore_text.ts';
import { targetOf } from './restore_text.ts';
import { canonicalRule } from './rule_text.ts';
import type { ChainChange, ChainContent, Ruleset } from './ruleset.ts';
import { rulesIn } from './ruleset.ts';

export type KernelTables = Readonly<Record<Table, KernelTable>>;

export interface Reconciliation {
  readonly transaction: Transaction;
  /** True when the kernel had everything already. */
  readonly clean: boolean;
  /** Chains that nobody needs any more but that rules of others still refer to. */
  readonly heldByOthers: readonly string[];
}

/** @param jumps rules of ours in built-in chains */
export function reconcile(
  kernel: KernelTables,
  desired: Ruleset,
  jumps: readonly JumpRule[],
): Reconciliation {
  const changes: ChainChange[] = [];
  const append: SharedRule[] = [];
  const ensure: Array<{ table: Table; chain: string }> = [];
  const wanted = new Set<string>();
  for (const content of desired.contents()) {
    const { table, chain } = content;
    if (table === 'nat') wanted.add(chain);
    const has = kernel[table].get(chain);
    if (chain === LOCALNET_FIREWALL_CHAIN) {
      const known = new Set((has ?? []).map(canonicalRule));
      if (has === undefined) ensure.push({ table, chain });
      for (const rule of content.tail)
        if (!known.has(canonicalRule(rule))) append.push({ table, chain, rule });
    } else if (has === undefined || !sameRules(has, content)) {
      changes.push({
        table,
        chain,
        kind: 'replace',
        rules: rulesIn(content),
        isNew: has === undefined,
      });
    }
  }
  const { stale, heldByOthers } = staleChains(kernel.nat, wanted, changes);
  changes.push(...stale.map((chain) => ({ table: 'nat', chain, kind: 'delete' }) as const));
  for (const chain of heldByOthers) {
    if (kernel.nat.get(chain)?.length !== 0)
      changes.push({ table: 'nat', chain, kind: 'replace', rules: [], isNew: false });
  }
  for (const table of ['mangle', 'nat', 'filter'] as const) {
    if (!kernel[table].has(CANARY_CHAIN)) ensure.push({ table, chain: CANARY_CHAIN });
  }
  const prepend = missingJumps(kernel, jumps);
  const transaction: Transaction = { changes, prepend, append, remove: [], ensure };
  const clean = changes.length + prepend.length + append.length + ensure.length === 0;
  return { transaction, clean, heldByOthers };
}

/** The jumps that the built-in chains lack. */
export function missingJumps(
  kernel: Readonly<Partial<Record<Table, KernelTable>>>,
  jumps: readonly JumpRule[],
): JumpRule[] {
  return jumps.filter(({ table, chain, rule }) => {
    const want = canonicalRule(rule);
    return !(kernel[table]?.get(chain) ?? []).some((has) => canonicalRule(has) === want);
  });
}

function sameRules(has: readonly string[], want: ChainContent): boolean {
  if (has.length !== want.anyOrder.size + want.tail.length) return false;
  const found = has.map(canonicalRule);
  const tail = found.splice(want.anyOrder.size);
  if (!want.tail.every((rule, i) => canonicalRule(rule) === tail[i])) return false;
  const distinct = new Set(found);
  return (
    distinct.size === want.anyOrder.size && [...want.anyOrder].every((r) => distinct.has(canonicalRule(r)))
  );
}

// A chain to which somebody else's rule still jumps cannot be deleted, and one failing line would fail the transaction: it is
// emptied, and so does nothing.
function staleChains(
  nat: KernelTable,
  wanted: ReadonlySet<string>,
  changes: readonly ChainChange[],
): { stale: string[]; heldByOthers: string[] } {
  const candidates = [...nat.keys()].filter((name) => PER_SERVICE_CHAIN.test(name) && !wanted.has(name));
  if (candidates.length === 0) return { stale: [], heldByOthers: [] };
  const rewritten = new Set(changes.filter((c) => c.table === 'nat').map((c) => c.chain));
  const going = new Set(candidates);
  const held = new Set<string>();
  for (const [chain, rules] of nat) {
    if (going.has(chain) || rewritten.has(chain)) continue;
    for (const rule of rules) {
      const target = targetOf(rule);
      if (target !== undefined && going.has(target)) held.add(target);
    }
  }
  return { stale: candidates.filter((c) => !held.has(c)), heldByOthers: [...held] };
}

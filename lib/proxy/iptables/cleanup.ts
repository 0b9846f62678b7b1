/** Takes everything of the proxy out of the kernel: what `--cleanup` does. Rules of others stay. */
import type { Family } from '../model/address.ts';
import type { FamilyPolicy } from '../model/policy.ts';
import { baseChains, jumpRules } from './base_rules.ts';
import type { Table } from './names.ts';
import { CANARY_CHAIN, LOCALNET_FIREWALL_CHAIN, PER_SERVICE_CHAIN } from './names.ts';
import type { Netfilter } from './netfilter.ts';
import type { KernelTable, SharedRule } from './restore_text.ts';
import { restoreTexts } from './portions.ts';
import { EMPTY_TRANSACTION, parseSave, targetOf } from './restore_text.ts';
import type { ChainChange } from './ruleset.ts';

// Whatever the settings were, these are all chains that they can give.
const EVERYTHING: FamilyPolicy = {
  localDetector: undefined,
  masqueradeAll: false,
  masqueradeMark: 0x4000,
  randomFully: false,
  nodePortAddresses: undefined,
  localhostNodePorts: true,
  guardLocalnet: true,
  dropInvalid: true,
  nodeIPs: [],
};

/** @returns number of chains removed */
export async function cleanup(netfilter: Netfilter, signal?: AbortSignal): Promise<number> {
  let removed = 0;
  const saved = await netfilter.save(signal);
  for (const table of ['filter', 'nat', 'mangle'] as const) {
    const kernel = parseSave(saved, table);
    const { changes, remove } = removal(table, kernel, netfilter.family);
    for (const text of restoreTexts({ ...EMPTY_TRANSACTION, changes, remove })) {
      await netfilter.restore(text, signal);
    }
    removed += changes.length;
  }
  return removed;
}

function removal(
  table: Table,
  kernel: KernelTable,
  family: Family,
): { changes: ChainChange[]; remove: SharedRule[] } {
  const base = baseChains(family, EVERYTHING)
    // The kubelet may need it still; with no jump of ours it does nothing of ours.
    .filter((c) => c.table === table && c.chain !== LOCALNET_FIREWALL_CHAIN)
    .map((c) => c.chain);
  const known = new Set([...base, CANARY_CHAIN]);
  const ours = [...kernel.keys()].filter(
    (chain) => known.has(chain) || (table === 'nat' && PER_SERVICE_CHAIN.test(chain)),
  );
  const going = new Set(ours);
  const jumps = new Set(jumpRules(family, EVERYTHING).map((j) => j.chain));
  const remove: SharedRule[] = [];
  const held = new Set<string>();
  for (const [chain, rules] of kernel) {
    if (going.has(chain)) continue;
    for (const rule of rules) {
      const target = targetOf(rule);
      if (target === undefined || !going.has(target)) continue;
      // A jump of somebody else's making is left alone, and so is the chain it goes to.
      if (jumps.has(chain) && rule.includes('--comment "kubernetes ')) remove.push({ table, chain, rule });
      else held.add(target);
    }
  }
  const changes = ours
    .filter((chain) => !held.has(chain))
    .map((chain) => ({ table, chain, kind: 'delete' }) as const);
  return { changes, remove };
}

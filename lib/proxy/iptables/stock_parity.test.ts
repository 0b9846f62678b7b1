import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Family } from '../model/address.ts';
import { AddressRange } from '../model/address.ts';
import type { FamilyPolicy } from '../model/policy.ts';
import { stockPlans } from '../testing/stock_objects.ts';
import { baseChains, jumpRules } from './base_rules.ts';
import type { Table } from './names.ts';
import { parseSave } from './restore_text.ts';
import { canonicalRule } from './rule_text.ts';
import { Ruleset, rulesIn } from './ruleset.ts';
import { serviceRules } from './service_rules.ts';

/**
 * The same objects, the same settings: our rules must be those that stock kube-proxy made of them, so that one takes
 * over from the other in place.
 */
const data = (file: string): string => readFileSync(join(__dirname, 'testdata', file), 'utf8');

const range = (text: string): AddressRange => AddressRange.parse(text) ?? fail(text);
function fail(text: string): never {
  throw new Error(text);
}

const BASE: FamilyPolicy = {
  localDetector: { kind: 'sourceRange', range: range('10.1.0.0/16') },
  masqueradeAll: false,
  masqueradeMark: 0x4000,
  randomFully: true,
  nodePortAddresses: undefined,
  localhostNodePorts: true,
  guardLocalnet: true,
  dropInvalid: true,
  nodeIPs: ['10.200.0.1'],
};

function desired(family: Family, policy: FamilyPolicy): Ruleset {
  const base = baseChains(family, policy);
  const ruleset = new Ruleset({ family, base, render: (plan) => serviceRules(plan, policy) });
  for (const plan of stockPlans(family)) ruleset.setPlan(plan.port.id, plan);
  return ruleset;
}

// Stock counts packets by nfacct where the kernel has it: the counter does not change where packets go.
function comparable(rule: string): string | undefined {
  if (rule.includes('--nfacct-name') && rule.includes('-d 127.0.0.0/8')) return undefined;
  return canonicalRule(rule.replace(/-m nfacct --nfacct-name {2}\S+ /, ''));
}

const UNORDERED = new Set([
  'KUBE-SERVICES',
  'KUBE-NODEPORTS',
  'KUBE-EXTERNAL-SERVICES',
  'KUBE-PROXY-FIREWALL',
]);

function normalised(chains: Map<string, readonly string[]>): Record<string, string[]> {
  const out: Record<string, string[]> = {};
  for (const [chain, rules] of [...chains].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    if (chain === 'KUBE-PROXY-CANARY') continue;
    const list = rules.map(comparable).filter((rule) => rule !== undefined);
    out[chain] = UNORDERED.has(chain) ? list.toSorted() : list;
  }
  return out;
}

test.each<{ file: string; family: Family; policy: FamilyPolicy }>([
  { file: 'stock-base-ipv4.rules', family: 'IPv4', policy: BASE },
  {
    file: 'stock-base-ipv6.rules',
    family: 'IPv6',
    policy: {
      ...BASE,
      localDetector: { kind: 'sourceRange', range: range('fd00:1::/64') },
      guardLocalnet: true,
      nodeIPs: ['fd00:200::1'],
    },
  },
  {
    file: 'stock-bridge-ipv4.rules',
    family: 'IPv4',
    policy: {
      ...BASE,
      localDetector: { kind: 'interface', name: 'cni0' },
      masqueradeAll: true,
      masqueradeMark: 0x8000,
      nodePortAddresses: ['10.200.0.1'],
      guardLocalnet: false,
    },
  },
  {
    file: 'stock-prefix-ipv4.rules',
    family: 'IPv4',
    policy: {
      ...BASE,
      localDetector: { kind: 'interfacePrefix', prefix: 'veth' },
      nodePortAddresses: ['10.200.0.1'],
      localhostNodePorts: false,
      guardLocalnet: false,
      dropInvalid: false,
    },
  },
])('P5, P8: $file: our rules are the rules of stock', ({ file, family, policy }) => {
  const ruleset = desired(family, policy);
  for (const table of ['nat', 'filter'] as Table[]) {
    const ours = new Map<string, string[]>();
    for (const content of ruleset.contents()) {
      if (content.table === table) ours.set(content.chain, rulesIn(content));
    }
    const builtIn =
      table === 'nat' ? ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'] : ['INPUT', 'FORWARD', 'OUTPUT'];
    for (const chain of builtIn) ours.set(chain, []);
    for (const jump of jumpRules(family, policy)) {
      if (jump.table === table) ours.get(jump.chain)?.push(jump.rule);
    }
    const stock = normalised(parseSave(data(file), table));
    // Without the guard the chain is the kubelet's: stock may have made it before, or not at all.
    const mine = normalised(ours);
    if (stock['KUBE-FIREWALL']?.length === 0 && mine['KUBE-FIREWALL'] === undefined)
      delete stock['KUBE-FIREWALL'];
    for (const chain of ['INPUT', 'OUTPUT']) {
      if (mine['KUBE-FIREWALL'] === undefined)
        stock[chain] = (stock[chain] ?? []).filter((r) => r !== '-j KUBE-FIREWALL');
    }
    expect(mine).toEqual(stock);
  }
});

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Family } from '../model/address.ts';
import type { FamilyPolicy } from '../model/policy.ts';
import { TEST_POLICY, rangeOf } from '../testing/proxy_under_test.ts';
import { stockPlans } from '../testing/stock_objects.ts';
import { nullLog } from '../../base/log.ts';
import { NftablesBackend } from './backend.ts';
import type { TableDump } from './dump.ts';
import { canonical, parseTable } from './dump.ts';
import { FakeNft } from './fake_nft.ts';

/**
 * The same objects, the same settings: our table must be the one that stock kube-proxy made of them, so that one takes
 * over from the other in place. What differs is how one of several endpoints is chosen: stock writes a map for it, we
 * write rules (see service_objects.ts).
 */
const BASE: FamilyPolicy = {
  ...TEST_POLICY,
  localDetector: { kind: 'sourceRange', range: rangeOf('10.1.0.0/16') },
  nodePortAddresses: ['10.200.0.1'],
  nodeIPs: ['10.200.0.1'],
};

// Both ways of choosing, as the list of what is chosen from.
function choices(rules: readonly string[]): string[] {
  const out: string[] = [];
  let targets: string[] = [];
  for (const rule of rules) {
    const map = /^(?:meta l4proto (\w+) dnat ip6? to )?numgen random mod (\d+) v?map \{ (.*) \}$/.exec(rule);
    const one = /^(?:numgen random mod \d+ 0 )?((?:meta l4proto \w+ dnat to|goto) \S+)$/.exec(rule);
    if (map !== null) {
      const [, proto, , list = ''] = map;
      const picked = list.split(', ').map((choice) => choice.replace(/^\d+ : /, ''));
      targets = picked.map((to) => {
        const [ip = '', port = ''] = to.split(' . ');
        const at = ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`;
        return proto === undefined ? to : `meta l4proto ${proto} dnat to ${at}`;
      });
    } else if (one?.[1] !== undefined) targets.push(one[1]);
    else out.push(rule);
  }
  return targets.length === 0 ? out : [...out, `one of ${targets.join(', ')}`];
}

function comparable(dump: TableDump | undefined): string {
  const chains = [...(dump?.chains ?? [])].map(([name, rules]) => [name, choices(rules)] as const);
  // Stock makes the set of node addresses only when it uses it.
  const sets = [...(dump?.sets ?? [])].filter(([, elements]) => elements.length > 0);
  return canonical({ chains: new Map(chains), sets: new Map(sets) });
}

test.each<{ file: string; family: Family; policy: FamilyPolicy }>([
  { file: 'stock-base-ipv4.nft', family: 'IPv4', policy: BASE },
  {
    file: 'stock-base-ipv6.nft',
    family: 'IPv6',
    policy: {
      ...BASE,
      localDetector: { kind: 'sourceRange', range: rangeOf('fd00:1::/64') },
      nodePortAddresses: ['fd00:200::1'],
      nodeIPs: ['fd00:200::1'],
    },
  },
  {
    file: 'stock-bridge-ipv4.nft',
    family: 'IPv4',
    policy: {
      ...BASE,
      localDetector: { kind: 'interface', name: 'cni0' },
      masqueradeAll: true,
      masqueradeMark: 0x8000,
    },
  },
  {
    file: 'stock-prefix-ipv4.nft',
    family: 'IPv4',
    policy: {
      ...BASE,
      localDetector: { kind: 'interfacePrefix', prefix: 'veth' },
      nodePortAddresses: undefined,
    },
  },
])('P5, P9: $file: our table is the table of stock', async ({ file, family, policy }) => {
  const nft = new FakeNft(family);
  const backend = new NftablesBackend({ nft, policy, log: nullLog });
  backend.apply(stockPlans(family).map((after) => ({ id: after.port.id, before: undefined, after })));
  await backend.commit();
  const stock = parseTable(readFileSync(join(__dirname, 'testdata', file), 'utf8'));
  expect(comparable(nft.dump())).toBe(comparable(stock));
});

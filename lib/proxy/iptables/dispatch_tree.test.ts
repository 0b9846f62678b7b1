import * as fc from 'fast-check';
import type { Family } from '../model/address.ts';
import { DispatchTree } from './dispatch_tree.ts';

const ROOT = 'KUBE-SERVICES';

/** Chains in memory, strict: every rule is added once and removed once, chains are dropped without leftovers. */
class Chains {
  readonly rules = new Map<string, Set<string>>([[ROOT, new Set()]]);
  readonly tree: DispatchTree;

  constructor(family: Family) {
    const chain = (name: string): Set<string> => this.rules.get(name) ?? fail(`no chain ${name}`);
    this.tree = new DispatchTree(family, ROOT, {
      create: (name) => {
        if (this.rules.has(name)) fail(`${name} twice`);
        this.rules.set(name, new Set());
      },
      drop: (name) => {
        chain(name);
        this.rules.delete(name);
      },
      add: (name, rule) => {
        if (chain(name).has(rule)) fail(`${rule} twice`);
        chain(name).add(rule);
      },
      remove: (name, rule) => {
        if (!chain(name).delete(rule)) fail(`no ${rule} in ${name}`);
      },
    });
  }

  dump(): string {
    const chains = [...this.rules].map(([name, rules]) => [name, ...[...rules].toSorted()].join('\n '));
    return chains.toSorted().join('\n');
  }

  /** Rules that a packet to the address is compared with, and whether it meets the one it should. */
  lookup(ip: string, rule: string): { readonly compared: number; readonly found: boolean } {
    let compared = 0;
    let name = ROOT;
    for (;;) {
      const rules = [...(this.rules.get(name) ?? [])];
      compared += rules.length;
      if (rules.includes(rule)) return { compared, found: true };
      const jumps = rules.map((r) => /^-d (\S+) -j (KUBE-SVC-.*)$/.exec(r)).filter((m) => m !== null);
      const next = jumps.find((m) => covers(m[1] ?? '', ip))?.[2];
      if (next === undefined) return { compared, found: false };
      name = next;
    }
  }
}

function fail(text: string): never {
  throw new Error(text);
}

function covers(range: string, ip: string): boolean {
  const [base = '', bits = ''] = range.split('/');
  const digits = (text: string): string =>
    text
      .split('.')
      .map((p) => Number(p).toString(2).padStart(8, '0'))
      .join('');
  return digits(base).slice(0, Number(bits)) === digits(ip).slice(0, Number(bits));
}

const ip = (n: number): string => `10.96.${n >> 8}.${n & 255}`;
const rule = (n: number): string => `-d ${ip(n)}/32 -j S${n}`;

test('few rules stand in the first chain, as stock has them', () => {
  const chains = new Chains('IPv4');
  for (let n = 0; n < 64; n++) chains.tree.add(ip(n), rule(n));
  expect(chains.rules.size).toBe(1);
  chains.tree.add(ip(64), rule(64));
  expect(chains.rules.size).toBeGreaterThan(1);
  expect(chains.rules.get(ROOT)).toEqual(new Set([expect.stringMatching(/^-d 10\.0\.0\.0\/8 -j KUBE-SVC-/)]));
  chains.tree.remove(ip(3), rule(3));
  expect(chains.rules.size).toBe(1);
});

test.each([1000, 10_000, 50_000])('P8: %d Services: a packet is compared with few of them', (services) => {
  const chains = new Chains('IPv4');
  const numbers = Array.from({ length: services }, (_, i) => (i * 7919) % 65_536);
  for (const n of numbers) chains.tree.add(ip(n), rule(n));
  const lookups = numbers.filter((_, i) => i % 97 === 0).map((n) => chains.lookup(ip(n), rule(n)));
  expect(lookups.every(({ found }) => found)).toBe(true);
  expect(Math.max(...lookups.map(({ compared }) => compared))).toBeLessThan(120);
});

test('IPv6: ranges are those of the addresses', () => {
  const chains = new Chains('IPv6');
  for (let n = 1; n < 80; n++) chains.tree.add(`fd00:96::${n.toString(16)}`, `r${n}`);
  const ranges = [...chains.rules.values()].flatMap((rules) => [...rules].filter((r) => r.startsWith('-d ')));
  expect(ranges.map((r) => r.split(' ')[1])).toContain('fd00:96::/32');
  expect(ranges.map((r) => r.split(' ')[1])).toContain('fd00:96::10/124');
  expect(chains.rules.get(chains.tree.chainOf('fd00:96::11'))).toContain('r17');
});

test('chains depend on the rules that there are, not on what was before', () => {
  const change = fc.record({ n: fc.integer({ min: 0, max: 80 }), present: fc.boolean() });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 300 }), (changes) => {
      const chains = new Chains('IPv4');
      const there = new Set<number>();
      for (const { n, present } of changes) {
        if (there.has(n) === present) continue;
        const address = ip(n * 5);
        if (present) chains.tree.add(address, rule(n));
        else chains.tree.remove(address, rule(n));
        if (present) there.add(n);
        else there.delete(n);
      }
      const fresh = new Chains('IPv4');
      for (const n of there) fresh.tree.add(ip(n * 5), rule(n));
      expect(chains.dump()).toBe(fresh.dump());
    }),
    { numRuns: 200 },
  );
});

import * as fc from 'fast-check';
import { service, slice } from '../testing/objects.ts';
import { ProxyUnderTest } from '../testing/proxy_under_test.ts';
import type { ModelKernel } from '../testing/random_changes.ts';
import { modelRuns, randomStep, runSteps } from '../testing/random_changes.ts';
import { cleanup } from './cleanup.ts';
import { FakeNetfilter } from './fake_netfilter.ts';
import { NetfilterError } from './netfilter.ts';

const VIP = '10.96.0.10';
const web = (spec = {}) => service('a/web', VIP, spec);
const webSlice = (...endpoints: string[]) => slice('a/web-1', 'web', endpoints);

let fake: FakeNetfilter;
let proxy: ProxyUnderTest;
beforeEach(() => {
  fake = new FakeNetfilter();
  proxy = new ProxyUnderTest({ netfilter: fake });
});
const last = (): string => fake.transactions.at(-1) ?? '';
/** Rules that lead packets for cluster IPs to Services, in whatever chain of the tree. */
const dispatched = (): string[] =>
  fake
    .chains('nat')
    .flatMap((chain) => fake.chain('nat', chain) ?? [])
    .filter((rule) => /^-d \S+\/32 .*cluster IP.* -j KUBE-SV[CL]-/.test(rule));
const perService = (): string[] => fake.chains('nat').filter((c) => /^KUBE-(SVC|SVL|SEP|EXT|FW)-/.test(c));

describe('hot path', () => {
  beforeEach(async () => {
    for (let i = 0; i < 50; i++) {
      proxy.tracker.setService(service(`b/s${i}`, `10.97.0.${i + 1}`));
      proxy.tracker.setSlice(slice(`b/s${i}-1`, `s${i}`, [`10.66.1.${i + 1}`]));
    }
    proxy.tracker.setService(web());
    proxy.tracker.setSlice(webSlice('10.66.0.1', '10.66.0.2'));
    await proxy.sync();
    fake.saves = 0;
  });

  test('P8: one endpoint more: only the chains of that Service are sent, nothing is listed', async () => {
    proxy.tracker.setSlice(webSlice('10.66.0.1', '10.66.0.2', '10.66.0.3'));
    await proxy.sync();
    expect(fake.saves).toBe(0);
    expect(
      last()
        .split('\n')
        .filter((l) => l.startsWith(':')),
    ).toHaveLength(2); // KUBE-SVC and the new KUBE-SEP
    expect(last()).not.toContain('KUBE-SERVICES');
  });

  test('one Service more or less: one rule goes in or out of KUBE-SERVICES', async () => {
    proxy.tracker.setService(service('c/new', '10.98.0.1'));
    proxy.tracker.setSlice(slice('c/new-1', 'new', ['10.66.0.9']));
    await proxy.sync();
    expect(last().match(/^-I KUBE-\S+ -d /gm)).toHaveLength(1);
    expect(last()).toMatch(/-I KUBE-\S+ -d 10\.98\.0\.1\/32/);
    proxy.tracker.deleteService(service('c/new', '10.98.0.1'));
    await proxy.sync();
    expect(last()).toMatch(/-D KUBE-\S+ -d 10\.98\.0\.1\/32/);
    expect(last().match(/^-X KUBE-/gm)).toHaveLength(2);
  });

  test('no change, no transaction', async () => {
    const before = fake.transactions.length;
    proxy.tracker.setSlice(webSlice('10.66.0.1', '10.66.0.2'));
    await proxy.sync();
    expect(fake.transactions).toHaveLength(before);
  });

  test('node ports come last in KUBE-SERVICES whatever was added', async () => {
    proxy.tracker.setService(service('c/new', '10.98.0.1'));
    proxy.tracker.setSlice(slice('c/new-1', 'new', ['10.66.0.9']));
    await proxy.sync();
    expect(fake.chain('nat', 'KUBE-SERVICES')?.at(-1)).toContain('-j KUBE-NODEPORTS');
  });
});

describe('large clusters', () => {
  const many = (n: number): string[] => Array.from({ length: n }, (_, i) => `10.70.${i >> 8}.${i & 255}`);
  const noted = (): number =>
    perService().filter((c) => fake.chain('nat', c)?.some((rule) => rule.includes('--comment'))).length;

  test('P8: above 1000 endpoints the chains of Services have no comments, the dispatch keeps them', async () => {
    proxy.tracker.setService(web({ sessionAffinity: 'ClientIP' }));
    proxy.tracker.setSlice(webSlice(...many(1001)));
    await proxy.sync();
    expect(noted()).toBe(0);
    expect(dispatched()).toHaveLength(1);
    const [svc = ''] = perService().filter((c) => c.startsWith('KUBE-SVC'));
    expect(fake.chain('nat', svc)?.[0]).toMatch(/^-m recent --rcheck|^! -s/);
    expect(fake.chain('nat', perService().find((c) => c.startsWith('KUBE-SEP')) ?? '')).toHaveLength(2);
  });

  test('they come with the 1001st endpoint, stay away until half of it, and come back', async () => {
    proxy.tracker.setService(web());
    for (const [endpoints, want] of [
      [1000, 1001],
      [1001, 0],
      [501, 0],
      [500, 501],
    ] as const) {
      proxy.tracker.setSlice(webSlice(...many(endpoints)));
      await proxy.sync();
      expect([endpoints, noted()]).toEqual([endpoints, want]);
    }
  });

  test.each([
    ['of another node', {}, '@n2', false],
    ['of this node, which may be its own client', {}, '@n1', true],
    ['remembered for its clients', { sessionAffinity: 'ClientIP' }, '@n2', true],
    [
      'reached from outside by policy Local',
      { type: 'NodePort', externalTrafficPolicy: 'Local' },
      '@n2',
      true,
    ],
  ])('an endpoint %s', async (_name, spec, at, hasChain) => {
    const ports = [{ name: 'p', port: 80, nodePort: 30080, protocol: 'TCP' }];
    proxy.tracker.setService(web({ ...spec, ports }));
    proxy.tracker.setSlice(webSlice(...many(1001).map((ip) => `${ip}${at}`)));
    await proxy.sync();
    const [svc = ''] = perService().filter((c) => c.startsWith('KUBE-SVC'));
    const direct =
      '-p tcp -m statistic --mode random --probability 0.00099900085 -j DNAT --to-destination 10.70.0.0:8080';
    expect(fake.chain('nat', svc)?.includes(direct)).toBe(!hasChain);
    expect(perService().filter((c) => c.startsWith('KUBE-SEP'))).toHaveLength(hasChain ? 1001 : 0);
    expect(fake.chain('nat', svc)?.[0]).toMatch(/-j MARK --set-xmark 0x4000\/0x4000$/);
  });
});

test('P17: restart: the next start finds everything in place and sends nothing', async () => {
  proxy.tracker.setService(web());
  proxy.tracker.setSlice(webSlice('10.66.0.1'));
  await proxy.sync();
  const sent = fake.transactions.length;
  const again = new ProxyUnderTest({ netfilter: fake });
  again.tracker.setService(web());
  again.tracker.setSlice(webSlice('10.66.0.1'));
  expect(await again.sync()).toMatchObject({ full: true, repaired: false });
  expect(fake.transactions).toHaveLength(sent);
});

test('restart: what is no longer wanted goes, what is missing comes, the rest is not touched', async () => {
  proxy.tracker.setService(web());
  proxy.tracker.setSlice(webSlice('10.66.0.1'));
  proxy.tracker.setService(service('a/old', '10.96.0.11'));
  proxy.tracker.setSlice(slice('a/old-1', 'old', ['10.66.0.7']));
  await proxy.sync();
  const again = new ProxyUnderTest({ netfilter: fake });
  again.tracker.setService(web());
  again.tracker.setSlice(webSlice('10.66.0.1'));
  await again.sync();
  expect(last().match(/^-X /gm)).toHaveLength(2);
  // KUBE-SERVICES without the old Service, and the chains that go.
  expect(last().match(/^:/gm)).toHaveLength(3);
  expect(perService()).toHaveLength(2);
});

describe('other programs', () => {
  const foreign = '*nat\n:MINE - [0:0]\n-A MINE -s 192.0.2.1/32 -j RETURN\n-A POSTROUTING -j MINE\nCOMMIT\n';

  test('their chains and rules stay', async () => {
    await fake.restore(foreign);
    proxy.tracker.setService(web());
    proxy.tracker.setSlice(webSlice('10.66.0.1'));
    await proxy.sync();
    await cleanup(fake);
    expect(fake.chain('nat', 'MINE')).toEqual(['-s 192.0.2.1/32 -j RETURN']);
    expect(fake.chain('nat', 'POSTROUTING')).toEqual(['-j MINE']);
  });

  test('a stale chain that their rule still uses is kept, and the sync succeeds', async () => {
    proxy.tracker.setService(web());
    proxy.tracker.setSlice(webSlice('10.66.0.1'));
    await proxy.sync();
    const svc = perService().find((c) => c.startsWith('KUBE-SVC')) ?? '';
    await fake.restore(`*nat\n-A OUTPUT -s 192.0.2.1/32 -j ${svc}\nCOMMIT\n`);
    await new ProxyUnderTest({ netfilter: fake }).sync();
    expect(fake.chain('nat', svc)).toEqual([]);
    expect(fake.chain('nat', 'OUTPUT')).toContain(`-s 192.0.2.1/32 -j ${svc}`);
  });

  test.each([
    ['nat flushed', () => fake.flush('nat')],
    ['filter flushed', () => fake.flush('filter')],
    ['mangle flushed', () => fake.flush('mangle')],
  ])('%s: noticed and repaired', async (_name, flush) => {
    proxy.tracker.setService(web());
    proxy.tracker.setSlice(webSlice('10.66.0.1'));
    await proxy.sync();
    const before = fake.dump();
    flush();
    expect(await proxy.backend.isIntact()).toBe(false);
    proxy.backend.requestFullSync();
    expect(await proxy.sync()).toMatchObject({ full: true, repaired: true });
    expect(fake.dump()).toBe(before);
    expect(await proxy.backend.isIntact()).toBe(true);
  });

  test('a rule changed by hand is put right by the next change of that Service', async () => {
    proxy.tracker.setService(web());
    proxy.tracker.setSlice(webSlice('10.66.0.1'));
    await proxy.sync();
    await fake.restore('*nat\n:KUBE-SERVICES - [0:0]\nCOMMIT\n');
    proxy.tracker.deleteService(web());
    // The rule to take out is not there: the transaction is refused whole, and all is compared.
    expect(await proxy.sync()).toMatchObject({ full: true });
    expect(fake.chain('nat', 'KUBE-SERVICES')).toHaveLength(1);
  });
});

describe('refusals', () => {
  const addService = (i: number): void => {
    proxy.tracker.setService(service(`b/s${i}`, `10.97.0.${i + 1}`));
    proxy.tracker.setSlice(slice(`b/s${i}-1`, `s${i}`, [`10.66.1.${i + 1}`]));
  };
  const rejectedIds = (r: { rejected: ReadonlyArray<{ id: string }> }) =>
    r.rejected.map((x) => x.id).toSorted();

  test.each([
    ['at start', false],
    ['later', true],
  ])(
    '%s: the Service that the kernel refuses is left out and named, the others work',
    async (_name, later) => {
      if (later) await proxy.sync();
      for (let i = 0; i < 20; i++) addService(i);
      fake.refuses = /-A .*10\.66\.1\.8:8080/;
      expect(rejectedIds(await proxy.sync())).toEqual(['b/s7:p']);
      expect(dispatched()).toHaveLength(19);
      fake.refuses = undefined;
      proxy.backend.requestFullSync();
      expect(rejectedIds(await proxy.sync())).toEqual([]);
      expect(dispatched()).toHaveLength(20);
    },
  );

  test('P11: when the line is not named, halves are tried', async () => {
    const restore = fake.restore.bind(fake);
    fake.restore = async (text) => {
      try {
        await restore(text);
      } catch (err) {
        throw new NetfilterError('refused', { cause: err });
      }
    };
    for (let i = 0; i < 20; i++) addService(i);
    fake.refuses = /-A .*10\.66\.1\.(8|14):8080/;
    expect(rejectedIds(await proxy.sync())).toEqual(['b/s13:p', 'b/s7:p']);
    expect(dispatched()).toHaveLength(18);
  });

  test('P11: when nothing goes in, it is an error, and nothing is lost', async () => {
    addService(1);
    fake.refuses = /KUBE-POSTROUTING/;
    await expect(proxy.sync()).rejects.toThrow('not supported');
    fake.refuses = undefined;
    await proxy.sync();
    expect(fake.chain('nat', 'KUBE-SERVICES')).toHaveLength(2);
  });

  test('a lock held by another: an error, and all of it with the next sync', async () => {
    await proxy.sync();
    addService(1);
    fake.failNext = new NetfilterError('Another app is currently holding the xtables lock');
    expect(await proxy.sync()).toMatchObject({ full: true, rejected: [], fellBack: true });
    expect(fake.chain('nat', 'KUBE-SERVICES')).toHaveLength(2);
  });
});

test('P10: cleanup leaves an empty packet filter', async () => {
  const empty = new FakeNetfilter().dump();
  proxy.tracker.setService(web({ type: 'NodePort', ports: [{ name: 'p', port: 80, nodePort: 30080 }] }));
  proxy.tracker.setSlice(webSlice('10.66.0.1'));
  await proxy.sync();
  await cleanup(fake);
  // Shared with the kubelet, so it stays.
  const guard = /^KUBE-FIREWALL\n {2}.*\n/m;
  expect(fake.dump().replace(guard, '').replaceAll('  -j KUBE-FIREWALL\n', '')).toBe(empty);
  expect(await cleanup(fake)).toBe(0);
});

test('a change of policy renders every Service anew', async () => {
  proxy.tracker.setService(web());
  proxy.tracker.setSlice(webSlice('10.66.0.1'));
  await proxy.sync();
  const fresh = new ProxyUnderTest({
    netfilter: fake,
    policy: { masqueradeMark: 0x8000, nodePortAddresses: ['192.0.2.1'] },
  });
  fresh.tracker.setService(web());
  fresh.tracker.setSlice(webSlice('10.66.0.1'));
  await fresh.sync();
  expect(fake.chain('nat', 'KUBE-MARK-MASQ')).toEqual(['-j MARK --set-xmark 0x8000/0x8000']);
  expect(fake.chain('nat', 'KUBE-SERVICES')?.at(-1)).toContain('-d 192.0.2.1/32');
});

/**
 * Whatever happens in whatever order, syncs, failures and restarts included: the kernel's rules are those that a fresh
 * start would write.
 */
test('P17: model check: incremental rules equal those of a fresh start', async () => {
  const onKernel = (kernel: FakeNetfilter): ModelKernel => ({
    start: () => new ProxyUnderTest({ netfilter: kernel }),
    setFailing: (failing) => {
      kernel.failNext = failing ? new NetfilterError('busy') : undefined;
    },
    flush: () => kernel.flush('nat'),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(randomStep, { maxLength: 40 }), async (steps) => {
      const kernel = new FakeNetfilter();
      const fresh = new FakeNetfilter();
      await runSteps(steps, onKernel(kernel), onKernel(fresh));
      expect(sorted(kernel)).toBe(sorted(fresh));
    }),
    modelRuns(300),
  );
});

// Rules of Services in shared chains may stand in any order, before the tail.
function sorted(kernel: FakeNetfilter): string {
  return kernel
    .dump()
    .split(/\n(?! {2})/)
    .map((chain) => {
      const [name = '', ...rules] = chain.split('\n');
      return /^KUBE-(SERVICES|NODEPORTS|EXTERNAL-SERVICES|PROXY-FIREWALL)$/.test(name)
        ? [name, ...rules.toSorted()].join('\n')
        : chain;
    })
    .join('\n');
}

import * as fc from 'fast-check';
import { service, slice } from '../testing/objects.ts';
import { ProxyUnderTest } from '../testing/proxy_under_test.ts';
import type { ModelKernel } from '../testing/random_changes.ts';
import { modelRuns, randomStep, runSteps } from '../testing/random_changes.ts';
import { cleanup } from './cleanup.ts';
import { canonical } from './dump.ts';
import { FakeNft } from './fake_nft.ts';
import { NftError } from './nft.ts';

const VIP = '10.96.0.10';
const web = (spec = {}) => service('a/web', VIP, spec);
const webSlice = (...endpoints: string[]) => slice('a/web-1', 'web', endpoints);

let fake: FakeNft;
let proxy: ProxyUnderTest;
beforeEach(() => {
  fake = new FakeNft();
  proxy = new ProxyUnderTest({ nft: fake });
});
const last = (): string[] => (fake.transactions.at(-1) ?? '').trim().split('\n');
const addService = (i: number): void => {
  proxy.tracker.setService(service(`b/s${i}`, `10.97.0.${i + 1}`));
  proxy.tracker.setSlice(slice(`b/s${i}-1`, `s${i}`, [`10.66.1.${i + 1}`]));
};
const rejectedIds = (r: { rejected: ReadonlyArray<{ id: string }> }) =>
  r.rejected.map((x) => x.id).toSorted();

describe('hot path', () => {
  beforeEach(async () => {
    for (let i = 0; i < 50; i++) addService(i);
    proxy.tracker.setService(web());
    proxy.tracker.setSlice(webSlice('10.66.0.1', '10.66.0.2'));
    await proxy.sync();
    fake.contents = () => Promise.reject(new Error('listed'));
  });

  test('P9: one endpoint more: only the chain of that Service is sent, nothing is listed', async () => {
    proxy.tracker.setSlice(webSlice('10.66.0.1', '10.66.0.2', '10.66.0.3'));
    await proxy.sync();
    expect(last()).toEqual([
      expect.stringMatching(/^flush chain ip kube-proxy service-\w{8}-a\/web\/tcp\/p$/),
      expect.stringContaining('numgen random mod 3 0 meta l4proto tcp dnat to 10.66.0.1:8080'),
      expect.stringContaining('numgen random mod 2 0 meta l4proto tcp dnat to 10.66.0.2:8080'),
      expect.stringContaining('p meta l4proto tcp dnat to 10.66.0.3:8080'),
    ]);
  });

  test('P9: one Service more or less: its chain and its elements go in and out', async () => {
    const before = canonical(fake.dump());
    addService(60);
    await proxy.sync();
    expect(last()).toHaveLength(4);
    expect(fake.elements('service-ips')).toHaveLength(52);
    proxy.tracker.deleteService(service('b/s60', '10.97.0.61'));
    proxy.tracker.deleteSlice(slice('b/s60-1', 's60', []));
    await proxy.sync();
    expect(canonical(fake.dump())).toBe(before);
  });

  test('P4: the last endpoint goes: refused instead of translated, in one transaction', async () => {
    proxy.tracker.setSlice(webSlice());
    await proxy.sync();
    expect(fake.elements('no-endpoint-services')).toEqual([
      `${VIP} . tcp . 80 comment "a/web:p" : goto reject-chain`,
    ]);
    expect(fake.elements('service-ips')).not.toContainEqual(expect.stringContaining(`${VIP} .`));
  });

  test('P9: no change, no transaction', async () => {
    const before = fake.transactions.length;
    proxy.tracker.setSlice(webSlice('10.66.0.1', '10.66.0.2'));
    await proxy.sync();
    expect(fake.transactions).toHaveLength(before);
  });
});

test('P9: a cluster IP of two ports stays until both are gone', async () => {
  const ports = [
    { name: 'p', port: 80, protocol: 'TCP' },
    { name: 'q', port: 81, protocol: 'TCP' },
  ];
  proxy.tracker.setService(web({ ports }));
  await proxy.sync();
  proxy.tracker.setService(web({ ports: ports.slice(0, 1) }));
  await proxy.sync();
  expect(fake.elements('cluster-ips')).toEqual([VIP]);
  proxy.tracker.deleteService(web());
  await proxy.sync();
  expect(fake.elements('cluster-ips')).toEqual([]);
});

test('P2: more endpoints than rules are good for are chosen by a map', async () => {
  proxy.tracker.setService(web());
  proxy.tracker.setSlice(webSlice(...Array.from({ length: 17 }, (_, i) => `10.66.0.${i + 10}`)));
  await proxy.sync();
  const chain = [...(fake.dump()?.chains.keys() ?? [])].find((name) => name.includes('/web/')) ?? '';
  expect(fake.chain(chain)).toEqual([
    expect.stringMatching(
      /^meta l4proto tcp dnat ip to numgen random mod 17 map \{ 0 : 10\.66\.0\.10 \. 8080, /,
    ),
  ]);
});

test('P2: the timeout of session affinity changes: the set is made anew, and what refers to it', async () => {
  const sticky = (timeoutSeconds: number) =>
    web({ sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds } } });
  proxy.tracker.setService(sticky(60));
  proxy.tracker.setSlice(webSlice('10.66.0.1', '10.66.0.2'));
  await proxy.sync();
  const before = canonical(fake.dump());
  proxy.tracker.setService(sticky(90));
  expect(await proxy.sync()).toMatchObject({ full: false });
  expect(last().filter((line) => line.includes('timeout 90s'))).toHaveLength(2);
  expect(canonical(fake.dump())).toBe(before);
});

describe('what was there before', () => {
  test('P17: restart: the table is written in one transaction that takes the place of the old', async () => {
    addService(1);
    addService(2);
    await proxy.sync();
    proxy = new ProxyUnderTest({ nft: fake });
    addService(1);
    expect(await proxy.sync()).toMatchObject({ full: true, repaired: false });
    expect(fake.transactions).toHaveLength(2);
    expect(fake.elements('service-ips')).toHaveLength(1);
    expect(
      [...(fake.dump()?.chains.keys() ?? [])].filter((name) => name.startsWith('service-')),
    ).toHaveLength(2);
  });

  test('P10: objects of another release that are in the way: the table is made anew', async () => {
    await fake.run(
      'add table ip kube-proxy\nadd map ip kube-proxy service-ips { type ipv4_addr : verdict ; }\nadd chain ip kube-proxy old { type nat hook output priority 0 ; }\n',
    );
    addService(1);
    expect(await proxy.sync()).toMatchObject({ full: true, repaired: true });
    expect(fake.elements('service-ips')).toHaveLength(1);
    expect(fake.chain('old')).toBeUndefined();
  });

  test('P9: flushed by another program: noticed and repaired', async () => {
    addService(1);
    await proxy.sync();
    const before = canonical(fake.dump());
    expect(await proxy.backend.isIntact()).toBe(true);
    fake.flush();
    expect(await proxy.backend.isIntact()).toBe(false);
    proxy.backend.requestFullSync();
    expect(await proxy.sync()).toMatchObject({ full: true, repaired: true });
    expect(canonical(fake.dump())).toBe(before);
    await fake.run('flush chain ip kube-proxy services\n');
    expect(await proxy.backend.isIntact()).toBe(false);
  });

  test('P9: flushed and not noticed: the next change fails and everything is written', async () => {
    addService(1);
    await proxy.sync();
    fake.flush();
    addService(2);
    expect(await proxy.sync()).toMatchObject({ full: true, repaired: true, fellBack: true });
    expect(fake.elements('service-ips')).toHaveLength(2);
  });
});

describe('refusals', () => {
  test.each([
    ['at start', false],
    ['later', true],
  ])(
    '%s: the Service that the kernel refuses is left out and named, the others work',
    async (_name, later) => {
      if (later) await proxy.sync();
      for (let i = 0; i < 20; i++) addService(i);
      fake.refuses = /10\.66\.1\.8:8080/;
      expect(rejectedIds(await proxy.sync())).toEqual(['b/s7:p']);
      expect(fake.elements('service-ips')).toHaveLength(19);
      fake.refuses = undefined;
      proxy.backend.requestFullSync();
      expect(rejectedIds(await proxy.sync())).toEqual([]);
      expect(fake.elements('service-ips')).toHaveLength(20);
    },
  );

  test('P11: an element is refused', async () => {
    for (let i = 0; i < 20; i++) addService(i);
    fake.refuses = /add element .* service-ips .* 10\.97\.0\.8 /;
    expect(rejectedIds(await proxy.sync())).toEqual(['b/s7:p']);
  });

  test.each([
    ['at start', false],
    ['later', true],
  ])('P11: %s, when the line is not named, halves are tried', async (_name, later) => {
    if (later) await proxy.sync();
    const run = fake.run.bind(fake);
    fake.run = async (text) => {
      try {
        await run(text);
      } catch (err) {
        throw new NftError('refused', { cause: err });
      }
    };
    for (let i = 0; i < 20; i++) addService(i);
    fake.refuses = /10\.66\.1\.(8|14):8080/;
    expect(rejectedIds(await proxy.sync())).toEqual(['b/s13:p', 'b/s7:p']);
    expect(fake.elements('service-ips')).toHaveLength(18);
  });

  test('P11: when nothing goes in, it is an error, and nothing is lost', async () => {
    addService(1);
    fake.refuses = /masquerading/;
    await expect(proxy.sync()).rejects.toThrow('not supported');
    fake.refuses = undefined;
    await proxy.sync();
    expect(fake.elements('service-ips')).toHaveLength(1);
  });
});

test('P10: cleanup removes the table', async () => {
  addService(1);
  await proxy.sync();
  expect(await cleanup(fake)).toBe(true);
  expect(fake.dump()).toBeUndefined();
  expect(await cleanup(fake)).toBe(false);
});

test('P17: model check: the incremental table equals that of a fresh start', async () => {
  const onKernel = (kernel: FakeNft): ModelKernel => ({
    start: () => new ProxyUnderTest({ nft: kernel }),
    setFailing: (failing) => {
      kernel.failNext = failing ? new NftError('busy') : undefined;
    },
    flush: () => kernel.flush(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(randomStep, { maxLength: 40 }), async (steps) => {
      const kernel = new FakeNft();
      const fresh = new FakeNft();
      await runSteps(steps, onKernel(kernel), onKernel(fresh));
      expect(canonical(kernel.dump())).toBe(canonical(fresh.dump()));
    }),
    modelRuns(300),
  );
});

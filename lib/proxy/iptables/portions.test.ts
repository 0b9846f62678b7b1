import { service, slice } from '../testing/objects.ts';
import { ProxyUnderTest } from '../testing/proxy_under_test.ts';
import { FakeNetfilter } from './fake_netfilter.ts';
import { NetfilterError } from './netfilter.ts';

const SERVICES = 900;

function feed(proxy: ProxyUnderTest, count = SERVICES): void {
  for (let i = 0; i < count; i++) {
    proxy.tracker.setService(
      service(`a/s${i}`, `10.96.${i >> 8}.${i & 255}`, { sessionAffinity: 'ClientIP' }),
    );
    proxy.tracker.setSlice(
      slice(`a/s${i}-1`, `s${i}`, [`10.66.${i >> 8}.${i & 255}`, `10.67.${i >> 8}.${i & 255}`]),
    );
  }
}

const chainsNamed = (text: string): number => text.match(/^:/gm)?.length ?? 0;

test('P16: many Services at once come in portions, and nothing refers to them before all are there', async () => {
  const fake = new FakeNetfilter();
  const proxy = new ProxyUnderTest({ netfilter: fake });
  await proxy.sync();
  const before = fake.transactions.length;
  feed(proxy);
  await proxy.sync();
  const sent = fake.transactions.slice(before);
  expect(sent.length).toBeGreaterThan(2);
  expect(Math.max(...sent.map(chainsNamed))).toBeLessThanOrEqual(1000);
  expect(sent.slice(0, -1).join('')).not.toContain('KUBE-SERVICES');
  expect(sent.at(-1)).toContain('KUBE-SERVICES');

  const fresh = new FakeNetfilter();
  const again = new ProxyUnderTest({ netfilter: fresh });
  feed(again);
  await again.sync();
  expect(fresh.chains('nat').toSorted()).toEqual(fake.chains('nat').toSorted());
});

test('many Services that go are out of use first', async () => {
  const fake = new FakeNetfilter();
  const proxy = new ProxyUnderTest({ netfilter: fake });
  feed(proxy);
  await proxy.sync();
  const before = fake.transactions.length;
  for (let i = 0; i < SERVICES; i++) proxy.tracker.deleteService(service(`a/s${i}`, '10.96.0.0'));
  await proxy.sync();
  const sent = fake.transactions.slice(before);
  expect(sent[0]).toContain('KUBE-SERVICES');
  expect(sent[0]).not.toContain('-X');
  expect(Math.max(...sent.map(chainsNamed))).toBeLessThanOrEqual(1000);
  expect(fake.chains('nat').filter((chain) => /KUBE-S(VC|EP)-/.test(chain))).toEqual([]);
});

test('P17: killed between two portions: the next start finds what is there and brings the rest', async () => {
  const fake = new FakeNetfilter();
  const restore = fake.restore.bind(fake);
  let left = 2;
  fake.restore = (text) => (left-- > 0 ? restore(text) : Promise.reject(new NetfilterError('killed')));
  const proxy = new ProxyUnderTest({ netfilter: fake });
  feed(proxy);
  await proxy.sync().catch(() => undefined);
  fake.restore = restore;
  const next = new ProxyUnderTest({ netfilter: fake });
  feed(next, 3);
  await next.sync();
  const fresh = new FakeNetfilter();
  const again = new ProxyUnderTest({ netfilter: fresh });
  feed(again, 3);
  await again.sync();
  expect(fake.dump()).toBe(fresh.dump());
});

test('a Service that is refused in a portion is named, the others come', async () => {
  const fake = new FakeNetfilter();
  fake.refuses = /to-destination 10\.66\.1\.7:/;
  const proxy = new ProxyUnderTest({ netfilter: fake });
  feed(proxy);
  expect((await proxy.sync()).rejected.map((r) => r.id)).toEqual(['a/s263:p']);
  expect(fake.chains('nat').filter((chain) => chain.startsWith('KUBE-SEP-'))).toHaveLength(
    2 * (SERVICES - 1),
  );
});

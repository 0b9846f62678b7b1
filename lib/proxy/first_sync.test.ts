/** The first sync keeps rules of only so many Services until it is over; what follows must not depend on it. */
import { FakeNetfilter } from './iptables/fake_netfilter.ts';
import { FakeNft } from './nftables/fake_nft.ts';
import { service, slice } from './testing/objects.ts';
import { ProxyUnderTest } from './testing/proxy_under_test.ts';

const SERVICES = 1100;
// The packet filters in memory copy all that they have for each transaction.
jest.setTimeout(30_000);

function ofMode(mode: 'iptables' | 'nftables') {
  const netfilter = new FakeNetfilter();
  const nft = new FakeNft();
  const proxy = new ProxyUnderTest(mode === 'iptables' ? { netfilter } : { nft });
  const dump = (): unknown => (mode === 'iptables' ? netfilter.dump() : nft.dump());
  const { transactions } = mode === 'iptables' ? netfilter : nft;
  const put = (n: number, host: string): void => {
    proxy.tracker.setService(service(`a/s${n}`, `10.96.${n >> 8}.${n & 255}`));
    proxy.tracker.setSlice(slice(`a/s${n}-1`, `s${n}`, [host, `10.68.${n >> 8}.${n & 255}`]));
  };
  for (let n = 0; n < SERVICES; n++) put(n, `10.67.${n >> 8}.${n & 255}`);
  return { proxy, dump, transactions, put };
}

test.each(['iptables', 'nftables'] as const)(
  'P16: %s: after many Services at once a change sends what changed alone, and gives what a first sync gives',
  async (mode) => {
    const { proxy, dump, transactions, put } = ofMode(mode);
    await proxy.sync();
    const first = transactions.length;
    put(0, '10.69.0.0');
    put(SERVICES - 1, '10.69.0.1');
    proxy.tracker.deleteService(service('a/s1', '10.96.0.1'));
    const result = await proxy.sync();
    expect(result).toMatchObject({ full: false, rejected: [] });
    expect(transactions.length).toBe(first + 1);
    expect(transactions.at(-1)?.split('\n').length).toBeLessThan(60);

    const again = ofMode(mode);
    again.put(0, '10.69.0.0');
    again.put(SERVICES - 1, '10.69.0.1');
    again.proxy.tracker.deleteService(service('a/s1', '10.96.0.1'));
    await again.proxy.sync();
    expect(again.dump()).toEqual(dump());
  },
);

test.each(['iptables', 'nftables'] as const)(
  'P16: %s: settings that change before the first sync is through: all is in force with the new ones',
  async (mode) => {
    const { proxy, dump } = ofMode(mode);
    await proxy.sync();
    const once = ofMode(mode);
    once.proxy.backend.apply(once.proxy.planner.update(once.proxy.tracker.take().services));
    once.proxy.backend.setPolicy(proxy.backend.policy);
    await once.proxy.sync();
    expect(once.dump()).toEqual(dump());
  },
);

import type { EndpointSlice } from '../api/types.ts';
import { FakeClock } from '../base/fake_clock.ts';
import { Metrics } from '../component/metrics.ts';
import { FakeNft } from './nftables/fake_nft.ts';
import { NftError } from './nftables/nft.ts';
import { familyProxy, proxyMetrics } from './testing/family_proxy_under_test.ts';
import { service, slice } from './testing/objects.ts';
import { ProxyUnderTest } from './testing/proxy_under_test.ts';
import { LAST_CHANGE_ANNOTATION } from './tracker/endpoint_slices.ts';

const DAY_MS = 86_400_000;

/** A slice whose change began at that time. */
function changed(name: string, began: number, endpoints: readonly string[], family = 'IPv4'): EndpointSlice {
  const annotations = { [LAST_CHANGE_ANNOTATION]: new Date(began).toISOString() };
  const addressType = family === 'IPv4' ? 'IPv4' : 'IPv6';
  return slice(name, 'web', endpoints, undefined, { addressType, metadata: { name, annotations } });
}

async function start() {
  const clock = new FakeClock();
  const registry = new Metrics();
  const nft = new FakeNft();
  const under = new ProxyUnderTest({ nft });
  const proxy = familyProxy(under, { clock, metrics: proxyMetrics(registry, 'nftables') });
  const { tracker } = under;
  const sync = (): Promise<void> => {
    proxy.apply(tracker.take());
    return proxy.sync(new AbortController().signal);
  };
  /** How many changes were observed, and the seconds that they took together. */
  const latency = async (): Promise<[count: number, sum: number]> => {
    const text = await registry.registry.metrics();
    const of = (what: string): number =>
      Number(
        new RegExp(`^kubeproxy_network_programming_duration_seconds_${what}\\{.*\\} (.*)$`, 'm').exec(
          text,
        )?.[1] ?? 0,
      );
    return [of('count'), of('sum')];
  };
  tracker.setService(service('a/web', '10.96.0.10'));
  tracker.setSlice(changed('a/web-1', clock.now() - DAY_MS, ['10.66.0.1']));
  await sync();
  return { clock, nft, tracker, sync, latency };
}

describe('P12: network programming latency', () => {
  test('what was there before the start is not counted, what comes later is', async () => {
    const { clock, tracker, sync, latency } = await start();
    expect(await latency()).toEqual([0, 0]);
    const began = clock.now();
    await clock.advance(250);
    tracker.setSlice(changed('a/web-1', began, ['10.66.0.2']));
    await sync();
    expect(await latency()).toEqual([1, 0.25]);
  });

  test.each([
    ['back', -2 * DAY_MS],
    ['ahead', DAY_MS],
  ])('the clock of this node is set %s: counted all along', async (_where, ms) => {
    const { clock, tracker, sync, latency } = await start();
    clock.stepWall(ms);
    const began = clock.now();
    await clock.advance(500);
    tracker.setSlice(changed('a/web-1', began, ['10.66.0.2']));
    await sync();
    expect(await latency()).toEqual([1, 0.5]);
  });

  test('a change that begins later than now, by the clock of another machine, took no time', async () => {
    const { clock, tracker, sync, latency } = await start();
    tracker.setSlice(changed('a/web-1', clock.now() + 5000, ['10.66.0.2']));
    await sync();
    expect(await latency()).toEqual([1, 0]);
  });

  test('the same time again is no further change', async () => {
    const { clock, tracker, sync, latency } = await start();
    tracker.setSlice(changed('a/web-1', clock.now() - DAY_MS, ['10.66.0.2']));
    await sync();
    expect(await latency()).toEqual([0, 0]);
  });

  test('each family counts the changes of its own slices', async () => {
    const { clock, tracker, sync, latency } = await start();
    tracker.setSlice(changed('a/web-6', clock.now(), ['fd00::1'], 'IPv6'));
    await sync();
    expect(await latency()).toEqual([0, 0]);
  });

  test('a sync that fails: the time runs on until the rules are in force', async () => {
    const { clock, nft, tracker, sync, latency } = await start();
    tracker.setSlice(changed('a/web-1', clock.now(), ['10.66.0.2']));
    nft.refuses = /./;
    await expect(sync()).rejects.toThrow(NftError);
    await clock.advance(2000);
    nft.refuses = undefined;
    await sync();
    expect(await latency()).toEqual([1, 2]);
  });
});

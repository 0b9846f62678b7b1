import { RecordingLog } from '../base/log.ts';
import { decodeConfig } from '../component/config/document.ts';
import { PROXY_CONFIG_KIND } from './config/proxy_config.ts';
import type { Family } from './model/address.ts';
import type { ModeSupport } from './startup.ts';
import { prepareFamilies } from './startup.ts';

const { apiVersion, kind } = PROXY_CONFIG_KIND;
const CONFIG = decodeConfig({ apiVersion, kind, mode: 'nftables' }, 'test', [PROXY_CONFIG_KIND]);
const SUPPORT: ModeSupport = {
  randomFully: true,
  createBackend: () => {
    throw new Error('not asked for');
  },
  removeOtherModes: async () => false,
};

/** Steps that wait until they are told how they end, and what has begun. */
function setUp() {
  const begun: string[] = [];
  const machine = Promise.withResolvers<{ routeLocalnet: boolean }>();
  const probes = { IPv4: Promise.withResolvers<ModeSupport>(), IPv6: Promise.withResolvers<ModeSupport>() };
  const log = new RecordingLog();
  const ended = prepareFamilies(CONFIG, log, {
    prepareMachine: () => (begun.push('machine'), machine.promise),
    probeFamily: (mode, family: Family) => (begun.push(`${mode} ${family}`), probes[family].promise),
  });
  let hasEnded = false;
  const settled = ended.then(
    () => (hasEnded = true),
    () => (hasEnded = true),
  );
  // Long enough for everything that waits for nothing else.
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  return { begun, machine, probes, log, ended, settled, turn, hasEnded: () => hasEnded };
}

test('the machine and both families are looked at at the same time; IPv4 comes first, whichever answers first', async () => {
  const { begun, machine, probes, log, ended } = setUp();
  expect(begun).toEqual(['machine', 'nftables IPv4', 'nftables IPv6']);
  probes.IPv6.resolve(SUPPORT);
  probes.IPv4.resolve({ ...SUPPORT, randomFully: false });
  machine.resolve({ routeLocalnet: true });
  expect(await ended).toEqual([
    { ...SUPPORT, family: 'IPv4', randomFully: false, routeLocalnet: true },
    { ...SUPPORT, family: 'IPv6', routeLocalnet: true },
  ]);
  expect(log.messages).toEqual([]);
});

test('one family that cannot be used is left out and said', async () => {
  const { machine, probes, log, ended } = setUp();
  probes.IPv4.reject(new Error('no such table'));
  probes.IPv6.resolve(SUPPORT);
  machine.resolve({ routeLocalnet: false });
  expect((await ended).map(({ family }) => family)).toEqual(['IPv6']);
  expect(log.messages).toEqual(['No nftables support for this family']);
});

test('with neither it fails, once the machine is ready too', async () => {
  const { machine, probes, ended, settled, turn, hasEnded } = setUp();
  probes.IPv4.reject(new Error('nft: not found'));
  probes.IPv6.reject(new Error('ip6: not found'));
  await turn();
  expect(hasEnded()).toBe(false);
  machine.resolve({ routeLocalnet: false });
  await settled;
  await expect(ended).rejects.toThrow('nftables cannot be used for any address family: nft: not found');
});

test('without a machine that is ready it fails, once both families are known', async () => {
  const { machine, probes, ended, settled, turn, hasEnded } = setUp();
  machine.reject(new Error('broken'));
  probes.IPv4.resolve(SUPPORT);
  await turn();
  expect(hasEnded()).toBe(false);
  probes.IPv6.resolve(SUPPORT);
  await settled;
  await expect(ended).rejects.toThrow('broken');
});

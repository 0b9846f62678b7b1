/** kill -9 of the proxy at any moment of a commit: packets do not notice, and the next start leaves what a first start would. */
import { endpoint, service, slice } from '../../../lib/proxy/testing/objects.ts';
import { cleanNode } from '../../../lib/proxy/testing/proxies.ts';
import { eventually } from '../../e2e/support/eventually.ts';
import { MODES, OURS, ProxyNode } from '../support/proxy_node.ts';
import { scaled } from '../support/scale.ts';

const SERVICES = scaled(2000, 300);
const KILLS = scaled(25, 6);
const AT_ONCE = Math.floor(SERVICES / 4);
/** A commit of that many changes takes so long, start of the tools included. */
const COMMIT_MS = 600;

const vip = (n: number): string => `10.97.${n >> 8}.${n & 255}`;
const node = ProxyNode.forTests();

function changed(n: number, round: number): object {
  return slice(`b/s${n}-1`, `s${n}`, [
    endpoint(`10.113.${n >> 8}.${n & 255}@n2`),
    `10.114.${round}.${n & 255}@n2`,
  ]);
}

test.each(MODES)('P17: %s', async (mode) => {
  for (let n = 0; n < SERVICES; n++) {
    await node.api.put('services', service(`b/s${n}`, vip(n)));
    await node.api.put('endpointslices', changed(n, 0));
  }
  let proxy = await node.start(OURS, mode);
  await node.underTraffic(async () => {
    for (let round = 1; round <= KILLS; round++) {
      for (let i = 0; i < AT_ONCE; i++) {
        const n = (round * AT_ONCE + i) % SERVICES;
        await node.api.put('endpointslices', changed(n, round), 'MODIFIED');
      }
      // Spread over the whole of a commit, from before its start to after its end.
      await new Promise((resolve) => setTimeout(resolve, (COMMIT_MS * round) / KILLS));
      await proxy.kill('SIGKILL');
      proxy = node.api.startProxy(OURS, mode);
    }
  });
  const settled = async (): Promise<string> => {
    const before = node.rules(mode);
    await new Promise((resolve) => setTimeout(resolve, 2000));
    if (node.rules(mode) !== before) throw new Error('rules still change');
    return before;
  };
  const after = await eventually('the rules are those of the last change', async () => {
    const rules = await settled();
    if (!rules.includes(`10.114.${KILLS}.`)) throw new Error('the last change is not in force');
    return rules;
  });
  await proxy.kill('SIGKILL');
  await cleanNode(node.bed);
  await node.start(OURS, mode);
  expect(await eventually('the rules of a first start', settled)).toBe(after);
});

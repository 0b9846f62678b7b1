import { NetfilterError } from '../iptables/netfilter.ts';
import { endpoint, service, slice } from '../testing/objects.ts';
import type { ProxyPage } from '../testing/proxy_in_memory.ts';
import { PAGE_NODE, proxyInMemory } from '../testing/proxy_in_memory.ts';
import { uiCommand } from './ui_command.ts';

let page: ProxyPage;
beforeAll(async () => {
  page = await proxyInMemory();
  const ports = [{ name: 'p', port: 80, nodePort: 30080 }];
  page.tracker.setService(service('a/web', '10.96.0.1', { type: 'NodePort', ports }));
  page.tracker.setSlice(
    slice('a/1', 'web', ['10.66.0.1@n1', endpoint('10.66.0.2@n2', { ready: false }), '10.66.0.3@n2']),
  );
  page.tracker.setService(service('a/empty', '10.96.0.2'));
  await page.sync();
});
afterAll(() => page.close());

const get = async (path: string): Promise<unknown> => (await fetch(`${page.url}${path}`)).json();

test('P14: the document takes nothing from elsewhere and no script of others', async () => {
  const answer = await fetch(page.url);
  expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'; script-src 'self'");
  expect(await answer.text()).not.toMatch(/https?:\/\//);
  expect((await fetch(`${page.url}/script.js`)).headers.get('content-type')).toContain('text/javascript');
});

test('P14: overview: what there is, mode, syncs with their rules', async () => {
  expect(await get('/data')).toMatchObject({
    node: 'n1',
    mode: 'iptables',
    totals: { services: 2, ports: 2, endpoints: 2, withoutEndpoints: 1 },
    families: [{ family: 'IPv4', nodeAddress: PAGE_NODE, rules: { nat: expect.any(Number) as unknown } }],
    syncs: [{ family: 'IPv4', full: true, failed: false, refused: [] }],
  });
});

test('P14: Services are searched', async () => {
  expect(await get('/services?search=30080')).toMatchObject({ found: 1, rows: [{ service: 'a/web' }] });
});

test('P14: one Service: its places, endpoints, who is left out, its rules', async () => {
  expect(await get('/service/a/web')).toMatchObject({
    ports: [
      {
        frontends: [{ ip: '10.96.0.1' }, { kind: 'node', port: 30080 }],
        endpoints: [
          { endpoint: '10.66.0.1:8080', onThisNode: true, state: 'ready' },
          { endpoint: '10.66.0.3:8080', node: 'n2', onThisNode: false },
        ],
        leftOut: [{ endpoint: '10.66.0.2:8080', reason: 'not ready' }],
        rules: { chains: expect.any(Object) as unknown },
      },
    ],
  });
});

test.each([
  ['destination=10.96.0.1:80&source=10.66.0.9', { explanation: { path: { verdict: 'translated' } } }],
  [`destination=${PAGE_NODE}:30080`, { explanation: { matched: { kind: 'node' } } }],
  ['destination=10.96.0.2:80', { explanation: { verdict: 'reject' } }],
  [
    'destination=10.96.0.9:80',
    { explanation: { verdict: expect.stringContaining('no Service') as unknown } },
  ],
  ['destination=web', { problem: expect.stringContaining('IP:PORT') as unknown }],
])('P14: packet %s', async (query, want) => expect(await get(`/packet?${query}`)).toMatchObject(want));

test('a sync that fails, and one after another program has flushed, are told', async () => {
  page.tracker.setService(service('a/more', '10.96.0.3'));
  page.netfilter.failNext = new NetfilterError('locked');
  page.netfilter.flush('nat');
  await page.sync().catch(() => undefined);
  await page.sync();
  expect(JSON.stringify(await get('/data'))).toContain('the kernel had other rules; repaired');
});

test('nothing is written', async () => {
  expect((await fetch(`${page.url}/data`, { method: 'POST' })).status).toBe(405);
});

test.each([
  [['--server', 'a/b'], 'want HOST:PORT'],
  [['x'], 'want no arguments'],
])('ts-kube-proxy ui %j is refused', async (args, message) => {
  const said: string[] = [];
  const write = jest.spyOn(process.stderr, 'write').mockImplementation((text) => said.push(String(text)) > 0);
  expect(await uiCommand(args)).toBe(2);
  write.mockRestore();
  expect(said.join('')).toContain(message);
});

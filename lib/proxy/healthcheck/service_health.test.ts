import { get } from 'node:http';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { nullLog } from '../../base/log.ts';
import type { ServiceHealth } from './service_health.ts';
import { ServiceHealthServers } from './service_health.ts';

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a TCP server has such an address
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const ask = (port: number, host = '127.0.0.1'): Promise<{ code: number; weight: unknown; body: string }> =>
  new Promise((resolve, reject) => {
    get({ host, port, agent: false }, (res) => {
      let body = '';
      res.on('data', (chunk: Buffer) => (body += chunk.toString()));
      res.on('end', () =>
        resolve({ code: res.statusCode ?? 0, weight: res.headers['x-load-balancing-endpoint-weight'], body }),
      );
    }).on('error', reject);
  });

const health = (name: string, port: number, localEndpoints: number): ServiceHealth => ({
  namespace: 'a',
  name,
  family: 'IPv4',
  port,
  localEndpoints,
});

let servers: ServiceHealthServers;
let healthy = true;
let addresses: readonly string[] | undefined;
const failed: string[] = [];
beforeEach(() => {
  healthy = true;
  addresses = ['127.0.0.1'];
  servers = new ServiceHealthServers({
    log: nullLog,
    addresses: () => addresses,
    proxyHealthy: () => healthy,
    onListenError: (service) => failed.push(service.name),
  });
});
afterEach(() => servers.close());

test("P3: tells load balancers about local endpoints, in upstream's JSON", async () => {
  const port = await freePort();
  const of = (localEndpoints: number) => [health('web', port, localEndpoints)];
  await servers.update(of(2));
  const answer = await ask(port);
  expect(answer).toMatchObject({ code: 200, weight: '2' });
  expect(answer.body).toContain('\n\t"localEndpoints": 2,');
  await servers.update(of(0));
  expect(await ask(port)).toMatchObject({ code: 503, weight: '0' });
  await servers.update(of(1));
  healthy = false;
  expect((await ask(port)).code).toBe(503);
  await servers.update([]);
  await expect(ask(port)).rejects.toThrow('ECONNREFUSED');
});

test('P3: a port that is taken is reported, and tried again with the next update', async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a TCP server has such an address
  const { port } = other.address() as AddressInfo;
  const wanted = [health('taken', port, 1)];
  await servers.update(wanted);
  expect(failed).toEqual(['taken']);
  await new Promise((resolve) => other.close(resolve));
  await servers.update(wanted);
  expect((await ask(port)).code).toBe(200);
});

test('P3: served where node ports are answered, also when the addresses change', async () => {
  const port = await freePort();
  const wanted = [health('web', port, 1)];
  await servers.update(wanted);
  await expect(ask(port, '127.0.0.2')).rejects.toThrow('ECONNREFUSED');
  addresses = ['127.0.0.2', '127.0.0.3'];
  await servers.update(wanted);
  await expect(ask(port)).rejects.toThrow('ECONNREFUSED');
  expect((await ask(port, '127.0.0.2')).code).toBe(200);
  expect((await ask(port, '127.0.0.3')).code).toBe(200);
  addresses = undefined;
  await servers.update(wanted);
  expect((await ask(port)).code).toBe(200);
  await expect(ask(port, '::1')).rejects.toThrow('ECONNREFUSED');
});

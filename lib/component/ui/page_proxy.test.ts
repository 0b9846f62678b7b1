import { request } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { RawRequest } from '../../client/client.ts';
import { ApiError } from '../../client/errors.ts';
import { pageProxy } from './page_proxy.ts';

const asked: RawRequest[] = [];
const forbidden = new ApiError('forbidden: user cannot get path', { status: 403, reason: 'Forbidden' });
const proxy = pageProxy(
  {
    requestText(raw) {
      asked.push(raw);
      return raw.path === '/ui/secret' ? Promise.reject(forbidden) : Promise.resolve('answer');
    },
  },
  '/ui',
);
let port: number;
beforeAll(async () => {
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a TCP server has such an address
  ({ port } = proxy.address() as AddressInfo);
});
afterAll(() => new Promise((resolve) => proxy.close(resolve)));

function ask(
  path: string,
  { method = 'GET', host = `127.0.0.1:${port}` } = {},
): Promise<{ status: number | undefined; type: string | undefined; body: string }> {
  return new Promise((resolve, reject) => {
    request({ port, host: '127.0.0.1', path, method, headers: { host }, agent: false }, (res) => {
      let body = '';
      res.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
      res.on('end', () => resolve({ status: res.statusCode, type: res.headers['content-type'], body }));
    })
      .on('error', reject)
      .end();
  });
}

test.each([
  ['/ui', 'text/html; charset=utf-8'],
  ['/ui/script.js', 'text/javascript; charset=utf-8'],
  ['/ui/style.css', 'text/css; charset=utf-8'],
  ['/ui/data', 'application/json'],
])('%s is asked for and answered as %s', async (path, type) => {
  expect(await ask(path)).toEqual({ status: 200, type, body: 'answer' });
});

test('the query goes along', async () => {
  await ask('/ui/pods?search=a%20b&place=');
  expect(asked.at(-1)).toMatchObject({ path: '/ui/pods', query: { search: 'a b', place: '' } });
});

test.each<[string, string, { method?: string; host?: string }, number]>([
  ['another path', '/metrics', {}, 404],
  ['a way around', '/ui/../metrics', {}, 404],
  ['a name that only begins so', '/uix', {}, 404],
  ['a write', '/ui', { method: 'POST' }, 405],
  ['a page from elsewhere', '/ui', { host: 'attacker.example' }, 403],
  ['the root', '/', {}, 302],
  ['what the daemon refuses', '/ui/secret', {}, 403],
])('%s', async (_name, path, options, status) => {
  expect((await ask(path, options)).status).toBe(status);
});

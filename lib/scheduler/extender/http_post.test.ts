import { createServer } from 'node:http';
import type { RequestListener, Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { CertificateAuthority } from '../../../test/fixtures/pki.ts';
import { decodeFields } from '../../component/config/document.ts';
import { extenderSchema } from './extender_config.ts';
import { httpPost } from './http_post.ts';

const authority = new CertificateAuthority();
const pair = authority.issue({ commonName: 'extender', hosts: ['extender.test.invalid'] });
const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function extender(server: Server, tlsConfig?: Record<string, unknown>) {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a TCP server that listens
  const { port } = server.address() as AddressInfo;
  const urlPrefix = `${tlsConfig === undefined ? 'http' : 'https'}://127.0.0.1:${port}/base`;
  const http = httpPost(decodeFields({ urlPrefix, tlsConfig }, 'test', extenderSchema));
  closing.push(() => http.close());
  return (body: unknown, options: { timeoutMs?: number; signal?: AbortSignal } = {}) =>
    http.post(`${urlPrefix}/filter`, body, {
      timeoutMs: 10_000,
      signal: new AbortController().signal,
      ...options,
    });
}

const echo: RequestListener = (request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () =>
    response.end(
      JSON.stringify({
        at: `${request.method} ${request.url} ${request.headers['content-type']}`,
        got: Buffer.concat(chunks).toString(),
      }),
    ),
  );
};

test('S2: JSON goes to the path of the URL and comes back; the connection is used again', async () => {
  const server = createServer(echo);
  let connections = 0;
  server.on('connection', () => connections++);
  const post = await extender(server);
  const want = { at: 'POST /base/filter application/json', got: '{"pod":"ä"}' };
  expect(await post({ pod: 'ä' })).toEqual(want);
  expect(await post({ pod: 'ä' })).toEqual(want);
  expect(connections).toBe(1);
});

test('S2: an empty answer is none', async () => {
  const post = await extender(createServer((_, response) => response.end()));
  expect(await post({})).toBeUndefined();
});

test.each<[string, RequestListener, RegExp]>([
  [
    'a refusal',
    (_, response) => response.writeHead(500).end('no such verb'),
    /POST http:.*\/filter: HTTP 500: no such verb/,
  ],
  ['no JSON', (_, response) => response.end('<html>'), /JSON/],
  ['an answer cut short', (_, response) => void response.write('{"a":', () => response.destroy()), /aborted/],
])('S2: %s is an error', async (_, listener, message) => {
  const post = await extender(createServer(listener));
  await expect(post({})).rejects.toThrow(message);
});

test.each<[string, RequestListener]>([
  ['nothing', () => undefined],
  ['half an answer', (_, response) => void response.write('{')],
])('S2: %s is waited for no longer than told, and not at all once aborted', async (_, listener) => {
  const post = await extender(createServer(listener));
  await expect(post({}, { timeoutMs: 50 })).rejects.toThrow(/timeout/);
  await expect(post({}, { signal: AbortSignal.timeout(50) })).rejects.toThrow(/timeout/);
});

describe('S2: TLS', () => {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');

  test.each([
    ['by its authority', { caData: base64(authority.cert), serverName: 'extender.test.invalid' }],
    ['not at all', { insecure: true }],
  ])('the server is verified %s', async (_, tlsConfig) => {
    const post = await extender(createSecureServer({ ...pair }, echo), tlsConfig);
    expect(await post(1)).toMatchObject({ got: '1' });
  });

  test.each([
    ['another name', { caData: base64(authority.cert) }, /127\.0\.0\.1 is not in the cert's list/],
    ['another authority', { caData: base64(new CertificateAuthority('x').cert) }, /certificate/],
  ])('%s is refused', async (_, tlsConfig, message) => {
    const post = await extender(createSecureServer({ ...pair }, echo), tlsConfig);
    await expect(post(1)).rejects.toThrow(message);
  });

  test('the certificate of a client is shown', async () => {
    const options = { ...pair, ca: authority.cert, requestCert: true, rejectUnauthorized: true };
    const client = authority.issue({ commonName: 'scheduler' });
    const post = await extender(createSecureServer(options, echo), {
      insecure: true,
      certData: base64(client.cert),
      keyData: base64(client.key),
    });
    expect(await post(1)).toMatchObject({ got: '1' });
  });

  test('a file that is not there is an error at once', () => {
    const config = { urlPrefix: 'https://x', tlsConfig: { caFile: '/nowhere/ca.crt' } };
    expect(() => httpPost(decodeFields(config, 'test', extenderSchema))).toThrow(/nowhere/);
  });
});

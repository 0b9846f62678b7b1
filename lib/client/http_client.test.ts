import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { FakeClock } from '../base/fake_clock.ts';
import type { ApiClient } from './client.ts';
import { ApiError, TimeoutError, TransportError } from './errors.ts';
import { createClient } from './http_client.ts';
import { CONFIG_MAPS } from './resource.ts';

type Handler = (request: IncomingMessage, response: ServerResponse, nth: number) => void;

let server: Server;
let handler: Handler;
let requests: number;
let url: string;
let client: ApiClient;
beforeEach(async () => {
  requests = 0;
  server = createServer((request, response) => handler(request, response, requests++));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not listening');
  url = `http://127.0.0.1:${address.port}`;
  client = createClient({ server: `${url}/prefix`, tls: {}, auth: {} }, { qps: 0 });
});
afterEach(async () => {
  await client.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const key = { namespace: 'ns', name: 'a' };
const object = JSON.stringify({
  kind: 'ConfigMap',
  apiVersion: 'v1',
  metadata: { name: 'a', namespace: 'ns' },
});
const asIs = (err: unknown): unknown => err;

test('an observer hears of every request, with and without an answer', async () => {
  const heard: (string | number | boolean | undefined)[][] = [];
  const observed = createClient(
    { server: url, tls: {}, auth: {} },
    {
      qps: 0,
      observe: ({ method, host, status, requestBytes, responseBytes, waitedMs }) =>
        heard.push([method, host, status, requestBytes > 0, responseBytes, waitedMs]),
    },
  );
  handler = (request, response, n) => {
    if (n === 2) request.socket.destroy();
    else response.writeHead(n === 0 ? 200 : 404).end(object);
  };
  await observed.get(CONFIG_MAPS, key);
  await observed.get(CONFIG_MAPS, key).catch(asIs);
  await observed.delete(CONFIG_MAPS, key).catch(asIs);
  const host = new URL(url).host;
  expect(heard).toEqual([
    ['GET', host, 200, false, object.length, expect.any(Number)],
    ['GET', host, 404, false, object.length, expect.any(Number)],
    ['DELETE', host, undefined, true, undefined, expect.any(Number)],
  ]);
  await observed.close();
});

test('calls that wait in line for a connection leave nothing behind on it', async () => {
  handler = (_request, response) => {
    setImmediate(() => response.end(object));
  };
  const call = (count: number) =>
    Promise.all(Array.from({ length: count }, () => client.get(CONFIG_MAPS, key)));
  await call(64); // as many connections as there may be
  const once = jest.spyOn(Socket.prototype, 'once');
  await call(200);
  const events = once.mock.calls.map(([event]): string => event);
  once.mockRestore();
  expect(events.filter((event) => event === 'connect')).toEqual([]);
}, 60_000);

test('S7: what waited for its turn is not sent any more when it may not be sent by then', async () => {
  let may = true;
  const guarded = createClient(
    { server: url, tls: {}, auth: {} },
    {
      qps: 0,
      beforeSend: () => {
        if (!may) throw new Error('not any more');
      },
    },
  );
  const answers: (() => void)[] = [];
  const { promise: full, resolve: isFull } = Promise.withResolvers<undefined>();
  handler = (_request, response) => {
    answers.push(() => response.end(object));
    if (answers.length === 64) isFull(undefined);
  };
  const calls = Array.from({ length: 70 }, () => guarded.get(CONFIG_MAPS, key).catch(asIs));
  await full;
  may = false;
  for (const answer of answers) answer();
  const ends = await Promise.all(calls);
  expect(ends.slice(64).map(String)).toEqual(Array.from({ length: 6 }, () => 'Error: not any more'));
  expect(requests).toBe(64);
  await guarded.close();
});

test('64 calls at once, in their order; one that is given up while it waits is not sent', async () => {
  const answers: (() => void)[] = [];
  const asked: string[] = [];
  const { promise: full, resolve: isFull } = Promise.withResolvers<undefined>();
  handler = ({ url = '' }, response) => {
    asked.push(url.replace(/.*\//, ''));
    answers.push(() => response.end(object));
    if (answers.length === 64) isFull(undefined);
  };
  const givenUp = new AbortController();
  const calls = Array.from({ length: 66 }, (_, n) =>
    client.get(CONFIG_MAPS, { namespace: 'ns', name: `c${n}` }, n === 64 ? { signal: givenUp.signal } : {}),
  );
  await full;
  givenUp.abort(new Error('not wanted any more'));
  await expect(calls[64]).rejects.toThrow('not wanted any more');
  expect(answers).toHaveLength(64);
  handler = ({ url = '' }, response) => {
    asked.push(url.replace(/.*\//, ''));
    response.end(object);
  };
  for (const answer of answers) answer();
  await Promise.allSettled(calls);
  expect(asked.slice(64)).toEqual(['c65']);
}, 60_000);

test('the path of the server, query and headers are sent', async () => {
  let seen: IncomingMessage | undefined;
  handler = (request, response) => {
    seen = request;
    response.end('{"metadata":{},"items":null}');
  };
  const list = await client.list(CONFIG_MAPS, { namespace: 'ns', labelSelector: 'a in (b,c)', limit: 5 });
  expect(list.items).toEqual([]);
  expect(seen?.url).toBe('/prefix/api/v1/namespaces/ns/configmaps?labelSelector=a+in+%28b%2Cc%29&limit=5');
  expect(seen?.headers).toMatchObject({ accept: 'application/json', 'user-agent': 'ts-kubernetes' });
});

test.each([429, 503])('%d with Retry-After is asked again, writes too', async (status) => {
  const bodies: string[] = [];
  handler = (request, response, nth) => {
    request.on('data', (chunk: Buffer) => bodies.push(chunk.toString()));
    request.on('end', () => {
      if (nth < 2) response.writeHead(status, { 'retry-after': '0' }).end('{}');
      else response.end(object);
    });
  };
  await client.create(CONFIG_MAPS, { metadata: { namespace: 'ns', name: 'a' } });
  expect(requests).toBe(3);
  expect(new Set(bodies).size).toBe(1);
});

test.each([
  ['without Retry-After', 429, {}],
  ['an error that is final', 404, { 'retry-after': '0' }],
])('%s it is the answer', async (_name, status, headers) => {
  handler = (_request, response) => response.writeHead(status, headers).end('{}');
  expect(await client.get(CONFIG_MAPS, key).catch(asIs)).toMatchObject({ status });
  expect(requests).toBe(1);
});

test('a wait past the deadline is not begun: the refusal says more than a timeout', async () => {
  handler = (_request, response) => response.writeHead(429, { 'retry-after': '60' }).end('{}');
  const err: unknown = await client.get(CONFIG_MAPS, key).catch(asIs);
  expect(err).toMatchObject({ status: 429, retryAfterMs: 60_000 });
});

test('the deadline ends a call without an answer, and one with half of it', async () => {
  const clock = new FakeClock();
  const timed = createClient({ server: url, tls: {}, auth: {} }, { clock, qps: 0 });
  const arrived = new Promise<void>((resolve) => {
    handler = (_request, response, nth) => {
      if (nth === 1) response.write('{"kind"');
      if (nth === 1) setImmediate(resolve);
    };
  });
  const calls = [client, client].map((_c, i) =>
    timed.get(CONFIG_MAPS, key, i === 0 ? {} : { timeoutMs: 1_000 }).catch(asIs),
  );
  await arrived;
  await clock.advance(30_000);
  const [none, half] = await Promise.all(calls);
  expect(none).toBeInstanceOf(TimeoutError);
  expect(half).toBeInstanceOf(TimeoutError);
  expect(String(none)).toMatch('GET /api/v1/namespaces/ns/configmaps/a: no answer within 30000 ms');
  await timed.close();
});

test('aborting rejects with the reason', async () => {
  const stop = new AbortController();
  const arrived = new Promise<void>((resolve) => {
    handler = () => resolve();
  });
  const call = client.get(CONFIG_MAPS, key, { signal: stop.signal });
  await arrived;
  stop.abort(new Error('shutting down'));
  await expect(call).rejects.toThrow('shutting down');
  await expect(client.get(CONFIG_MAPS, key, { signal: stop.signal })).rejects.toThrow('shutting down');
});

test('an answer cut short is an error, of a stream too', async () => {
  handler = (_request, response) => {
    response.writeHead(200, { 'content-length': '1000' });
    response.write('{"kind":', () => response.destroy());
  };
  await expect(client.get(CONFIG_MAPS, key)).rejects.toThrow(TransportError);
  const { body } = await client.stream({ method: 'GET', path: '/x' });
  const read = async (): Promise<number> => {
    let bytes = 0;
    for await (const chunk of body) bytes += chunk.length;
    return bytes;
  };
  await expect(read()).rejects.toThrow(TransportError);
});

test.each([
  ['no JSON', '<html>', TransportError, /the answer is not JSON: <html>/],
  ['no object', '[]', ApiError, /the answer is not a ConfigMap/],
  ['another kind', '{"kind":"Status","metadata":{}}', ApiError, /not a ConfigMap/],
])('%s in place of an object is refused', async (_name, body, type, message) => {
  handler = (_request, response) => response.end(body);
  const err: unknown = await client.get(CONFIG_MAPS, key).catch(asIs);
  expect(err).toBeInstanceOf(type);
  expect(String(err)).toMatch(message);
});

test('nobody listening: the request was certainly not sent', async () => {
  const nowhere = createClient({ server: 'http://127.0.0.1:1', tls: {}, auth: {} });
  const err: unknown = await nowhere.create(CONFIG_MAPS, { metadata: key }).catch(asIs);
  expect(err).toBeInstanceOf(TransportError);
  expect(err).toMatchObject({ sent: false });
  await nowhere.close();
});

test('a reused connection that the server has just closed is no error for a read', async () => {
  handler = (request, response, nth) => {
    if (nth === 1) request.socket.destroy();
    else response.end(object);
  };
  await client.get(CONFIG_MAPS, key);
  await client.get(CONFIG_MAPS, key);
  expect(requests).toBe(3);
});

test('a write on such a connection is not sent twice', async () => {
  handler = (request, response, nth) => {
    if (nth === 1) request.socket.destroy();
    else response.end(object);
  };
  await client.get(CONFIG_MAPS, key);
  await expect(client.create(CONFIG_MAPS, { metadata: key })).rejects.toThrow(TransportError);
  expect(requests).toBe(2);
});

test('the rate limit delays calls beyond the burst', async () => {
  const clock = new FakeClock();
  const limited = createClient({ server: url, tls: {}, auth: {} }, { clock, qps: 1, burst: 2 });
  handler = (_request, response) => response.end(object);
  const calls = [1, 2, 3].map(() => limited.get(CONFIG_MAPS, key));
  await Promise.all(calls.slice(0, 2));
  expect(requests).toBe(2);
  await clock.advance(1_000);
  await calls[2];
  expect(requests).toBe(3);
  await limited.close();
});

test('a closed client refuses', async () => {
  await client.close();
  await expect(client.get(CONFIG_MAPS, key)).rejects.toThrow('the client was closed');
});

/** Probes against real servers on loopback. */
import { Server, ServerCredentials } from '@grpc/grpc-js';
import {
  createServer,
  type IncomingHttpHeaders,
  type RequestListener,
  type Server as HttpServer,
} from 'node:http';
import { createServer as createTcpServer, type Server as TcpServer } from 'node:net';
import type { Container, Probe } from '../../api/types.ts';
import { CriError } from '../../cri/errors.ts';
import type { ContainerExec } from '../contracts.ts';
import { attempt } from './attempt.ts';
import { decodeStatus, encodeRequest } from './grpc_probe.ts';
import type { ProbeOutcome } from './outcome.ts';

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

async function listening(server: TcpServer | HttpServer): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => server.close());
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not a TCP server');
  return address.port;
}

const noExec: ContainerExec = { execSync: () => Promise.reject(new Error('not used')) };

function run(
  probe: Probe,
  exec = noExec,
  container: Partial<Container> = {},
  podIP = '127.0.0.1',
): Promise<ProbeOutcome> {
  return attempt(probe, {
    container: { name: 'c', image: 'i', ...container },
    containerId: 'id',
    podIP,
    exec,
    userAgent: 'kube-probe/1.36',
    signal: new AbortController().signal,
  });
}

describe('K13: httpGet', () => {
  async function serve(listener: RequestListener): Promise<number> {
    return listening(createServer(listener));
  }

  test.each([
    { status: 200, result: 'success' },
    { status: 204, result: 'success' },
    { status: 304, result: 'success' },
    { status: 399, result: 'success' },
    { status: 400, result: 'failure', message: 'HTTP probe failed with statuscode: 400' },
    { status: 500, result: 'failure', message: 'HTTP probe failed with statuscode: 500' },
  ])('status $status is $result', async ({ status, result, message = '' }) => {
    const port = await serve((_req, res) => res.writeHead(status).end());
    expect(await run({ httpGet: { port } })).toEqual({ result, message });
  });

  test.each<{ what: string; headers: { name: string; value: string }[]; want: IncomingHttpHeaders }>([
    { what: 'defaults', headers: [], want: { 'user-agent': 'kube-probe/1.36', accept: '*/*' } },
    {
      what: 'of the spec',
      headers: [
        { name: 'Host', value: 'example.org' },
        { name: 'X-A', value: '1' },
        { name: 'x-a', value: '2' },
        { name: 'User-Agent', value: 'mine' },
      ],
      want: { host: 'example.org', 'x-a': '1, 2', 'user-agent': 'mine' },
    },
    {
      what: 'left out when empty',
      headers: [
        { name: 'Accept', value: '' },
        { name: 'User-Agent', value: '' },
      ],
      want: { accept: undefined, 'user-agent': undefined },
    },
  ])('headers $what', async ({ headers, want }) => {
    let seen: IncomingHttpHeaders = {};
    let url: string | undefined;
    const port = await serve((req, res) => {
      seen = req.headers;
      url = req.url;
      res.end();
    });
    await run({ httpGet: { port: 'web', path: 'x?a=b', httpHeaders: headers } }, noExec, {
      ports: [{ name: 'web', containerPort: port }],
    });
    expect(url).toBe('/x?a=b');
    for (const [name, value] of Object.entries(want)) expect([name, seen[name]]).toEqual([name, value]);
    expect(seen.connection).toBe('close');
  });

  test('redirects are followed within the host and end at ten; one to another host is a warning', async () => {
    const port = await serve((req, res) => {
      if (req.url === '/ok') res.end('fine');
      else if (req.url === '/once') res.writeHead(302, { location: '/ok' }).end();
      else if (req.url === '/bad') res.writeHead(301, { location: '/fail' }).end();
      else if (req.url === '/away') res.writeHead(302, { location: 'http://192.0.2.1/' }).end('gone');
      else if (req.url === '/loop') res.writeHead(307, { location: '/loop' }).end();
      else res.writeHead(503).end();
    });
    const get = (path: string) => run({ httpGet: { port, path } });
    expect(await get('/once')).toEqual({ result: 'success', message: 'fine' });
    expect(await get('/bad')).toEqual({
      result: 'failure',
      message: 'HTTP probe failed with statuscode: 503',
    });
    expect(await get('/away')).toEqual({
      result: 'warning',
      message: 'Probe terminated redirects, Response body: gone',
    });
    expect((await get('/loop')).message).toMatch(/stopped after 10 redirects$/);
  });

  test('no more than 10 KiB of the body is read, also of one that never ends', async () => {
    const port = await serve((_req, res) => {
      const more = (): void => {
        while (!res.destroyed && res.write('x'.repeat(4096)));
        if (!res.destroyed) res.once('drain', more);
      };
      res.on('error', () => undefined);
      more();
    });
    const outcome = await run({ httpGet: { port }, timeoutSeconds: 5 });
    expect(outcome.result).toBe('success');
    expect(outcome.message.length).toBe(10 * 1024);
  });

  test('a server that does not answer, and one that is not there', async () => {
    const port = await serve(() => undefined);
    expect(await run({ httpGet: { port }, timeoutSeconds: 0.05 })).toEqual({
      result: 'failure',
      message: `Get "http://127.0.0.1:${port}/": context deadline exceeded (Client.Timeout exceeded while awaiting headers)`,
    });
    const closed = createTcpServer();
    const gone = await listening(closed);
    await new Promise((resolve) => closed.close(resolve));
    expect(await run({ httpGet: { port: gone, path: '/x' } })).toEqual({
      result: 'failure',
      message: `Get "http://127.0.0.1:${gone}/x": dial tcp 127.0.0.1:${gone}: connect: connection refused`,
    });
  });

  test('a port name that does not exist, and a pod without an IP', async () => {
    expect(await run({ httpGet: { port: 'none' } })).toEqual({
      result: 'error',
      message: 'invalid port number or name: none',
    });
    expect((await run({ httpGet: { port: 80 } }, noExec, {}, '')).result).toBe('error');
    expect(await run({ httpGet: { port: 80, host: 'a b' } })).toEqual({
      result: 'error',
      message: 'invalid URL: http://a b:80/',
    });
  });
});

describe('K13: tcpSocket', () => {
  test('open, closed', async () => {
    const server = createTcpServer((socket) => socket.destroy());
    const port = await listening(server);
    expect(await run({ tcpSocket: { port } })).toEqual({ result: 'success', message: '' });
    await new Promise((resolve) => server.close(resolve));
    expect(await run({ tcpSocket: { port } })).toEqual({
      result: 'failure',
      message: `dial tcp 127.0.0.1:${port}: connect: connection refused`,
    });
  });
});

describe('K13: exec', () => {
  const exec = (exitCode: number, stdout: string, seen: string[][] = []): ContainerExec => ({
    execSync: (_id, argv) => {
      seen.push([...argv]);
      return Promise.resolve({ exitCode, stdout: Buffer.from(stdout), stderr: Buffer.from('!') });
    },
  });

  test('exit codes; references to literal variables are expanded', async () => {
    const seen: string[][] = [];
    const container = { env: [{ name: 'F', value: '/tmp/ok' }] };
    const probe = { exec: { command: ['cat', '$(F)', '$(G)', '$$(F)'] } };
    expect(await run(probe, exec(0, 'out', seen), container)).toEqual({ result: 'success', message: 'out!' });
    expect(seen).toEqual([['cat', '/tmp/ok', '$(G)', '$(F)']]);
    expect(await run(probe, exec(1, 'cat: no file'))).toEqual({
      result: 'failure',
      message: 'cat: no file!',
    });
  });

  test('time over is a failure; a runtime that is away is an error', async () => {
    const failing = (failure: Error): ContainerExec => ({
      async execSync() {
        await Promise.resolve();
        throw failure;
      },
    });
    const probe = { exec: { command: ['sleep', '9'] }, timeoutSeconds: 2 };
    expect(await run(probe, failing(new CriError('ExecSync', 'DEADLINE_EXCEEDED', 'x')))).toEqual({
      result: 'failure',
      message: 'command timed out: "sleep 9" timed out after 2s',
    });
    expect(await run(probe, failing(new CriError('ExecSync', 'UNAVAILABLE', 'no socket')))).toEqual({
      result: 'error',
      message: 'rpc error: code = Unavailable desc = no socket',
    });
  });
});

describe('K13: grpc', () => {
  async function serve(statusOf: (service: string) => number, implemented = true): Promise<number> {
    const server = new Server();
    if (implemented) {
      server.addService(
        {
          Check: {
            path: '/grpc.health.v1.Health/Check',
            requestStream: false,
            responseStream: false,
            requestSerialize: (b: Buffer) => b,
            requestDeserialize: (b: Buffer) => b,
            responseSerialize: (b: Buffer) => b,
            responseDeserialize: (b: Buffer) => b,
          },
        },
        {
          Check: (call: { request: Buffer }, reply: (err: null, value: Buffer) => void) => {
            const status = statusOf(call.request.subarray(2).toString());
            reply(null, status === 0 ? Buffer.alloc(0) : Buffer.from([0x08, status]));
          },
        },
      );
    }
    closers.push(() => server.forceShutdown());
    return new Promise((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (err, port) => {
        if (err === null) resolve(port);
        else reject(err);
      });
    });
  }

  test('serving, not serving, by service name', async () => {
    const port = await serve((service) => (service === 'sick' ? 2 : 1));
    expect((await run({ grpc: { port } })).result).toBe('success');
    expect(await run({ grpc: { port, service: 'sick' } })).toEqual({
      result: 'failure',
      message: 'service unhealthy (responded with "NOT_SERVING")',
    });
  });

  test('a server without the health service, and none at all', async () => {
    const port = await serve(() => 1, false);
    expect((await run({ grpc: { port } })).message).toMatch(
      /^error: this server does not implement the grpc health protocol \(grpc\.health\.v1\.Health\)/,
    );
    for (const close of closers.splice(0)) close();
    expect((await run({ grpc: { port } })).message).toMatch(/^(error: failed to connect service|timeout:)/);
  });

  test.each([
    { name: '', bytes: [] },
    { name: 'ab', bytes: [0x0a, 2, 0x61, 0x62] },
  ])('request for "$name"', ({ name, bytes }) => {
    expect([...encodeRequest(name)]).toEqual(bytes);
  });

  test('a long name has a length of two bytes; an empty answer is UNKNOWN', () => {
    expect([...encodeRequest('x'.repeat(200)).subarray(0, 3)]).toEqual([0x0a, 0xc8, 0x01]);
    expect(decodeStatus(new Uint8Array())).toBe(0);
  });
});

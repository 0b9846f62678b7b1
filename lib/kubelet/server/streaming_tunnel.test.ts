import type { IncomingMessage, Server } from 'node:http';
import { createServer as createHttpServer } from 'node:http';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { connect } from 'node:tls';
import { CertificateAuthority } from '../../../test/fixtures/pki.ts';
import { CriError } from '../../cri/errors.ts';
import { kubelet, useKubeletServer } from './testing/kubelet_server.ts';

const ca = new CertificateAuthority();

useKubeletServer(ca);

describe('K27: streaming', () => {
  let runtime: Server;
  let session: { req: IncomingMessage; socket: Duplex; head: Buffer } | undefined;
  let sessionStarted: Promise<void>;

  beforeEach(async () => {
    session = undefined;
    runtime = createHttpServer();
    sessionStarted = new Promise((resolve) => {
      runtime.on('upgrade', (req: IncomingMessage, socket: Duplex, head: Buffer) => {
        session = { req, socket, head };
        resolve();
      });
    });
    await new Promise<void>((resolve) => runtime.listen(0, '127.0.0.1', resolve));
    const address = runtime.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    kubelet.streamUrl = `http://127.0.0.1:${port}/exec/token?x=1`;
  });
  afterEach(async () => {
    session?.socket.destroy();
    runtime.closeAllConnections();
    await new Promise((resolve) => runtime.close(resolve));
  });

  function open(
    path: string,
    early = '',
  ): {
    socket: TLSSocket;
    received: () => string;
    ended: Promise<void>;
    has: (text: string) => Promise<void>;
  } {
    let received = '';
    let waiting: { text: string; resolve: () => void }[] = [];
    const options = {
      host: '127.0.0.1',
      port: kubelet.port,
      ca: ca.cert,
      allowHalfOpen: true,
      ...kubelet.admin,
    };
    const socket = connect(options, () =>
      socket.write(
        `POST ${path} HTTP/1.1\r\nHost: kubelet\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n` +
          `X-Stream-Protocol-Version: v5.channel.k8s.io\r\nX-Stream-Protocol-Version: v4.channel.k8s.io\r\n` +
          `Authorization: Bearer secret\r\nContent-Length: 0\r\n\r\n${early}`,
      ),
    );
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString('latin1');
      waiting = waiting.filter(({ text, resolve }) => {
        const found = received.includes(text);
        if (found) resolve();
        return !found;
      });
    });
    const ended = new Promise<void>((resolve, reject) => {
      socket.on('end', resolve);
      socket.on('error', reject);
    });
    const has = (text: string): Promise<void> =>
      received.includes(text) ? Promise.resolve() : new Promise((resolve) => waiting.push({ text, resolve }));
    return { socket, received: () => received, ended, has };
  }

  const ACCEPTED = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n';

  test('joins the client to the runtime, early bytes and half-close included', async () => {
    const client = open(
      '/exec/default/web/app?command=sh&command=-c&command=a%20b&input=1&output=1&error=1',
      'early',
    );
    await sessionStarted;
    if (session === undefined) throw new Error('no session');
    const { req, socket, head } = session;
    expect([req.method, req.url, req.headers.upgrade]).toEqual(['POST', '/exec/token?x=1', 'SPDY/3.1']);
    expect(req.headersDistinct['x-stream-protocol-version']).toEqual([
      'v5.channel.k8s.io',
      'v4.channel.k8s.io',
    ]);
    expect(req.headers.authorization).toBeUndefined();
    expect(kubelet.calls).toEqual([
      [
        'exec',
        { containerId: 'c1', argv: ['sh', '-c', 'a b'], stdin: true, stdout: true, stderr: true, tty: false },
      ],
    ]);
    let fromClient = head.toString();
    const clientEnded = new Promise<void>((resolve) => socket.on('end', resolve));
    socket.on('data', (chunk: Buffer) => (fromClient += chunk.toString()));
    socket.write(`${ACCEPTED}server speaks`);
    await client.has('server speaks');
    client.socket.end(' and late');
    await clientEnded;
    expect(fromClient).toBe('early and late');
    // The other direction is still open.
    socket.end(' until the end');
    await client.ended;
    expect(client.received()).toBe(`${ACCEPTED}server speaks until the end`);
  });

  test('carries megabytes both ways', async () => {
    const client = open('/attach/default/web/app?input=1&output=1');
    await sessionStarted;
    if (session === undefined) throw new Error('no session');
    session.socket.write(ACCEPTED);
    session.socket.pipe(session.socket); // an echo
    await client.has('\r\n\r\n');
    client.socket.end(Buffer.alloc(8 * 1024 * 1024, 'x'));
    await client.ended;
    expect(client.received().length).toBe(ACCEPTED.length + 8 * 1024 * 1024);
  });

  test('of a container with a terminal asks for no second output', async () => {
    const client = open('/exec/default/web/app?command=sh&input=1&output=1&error=1&tty=1');
    await sessionStarted;
    expect(kubelet.calls).toMatchObject([['exec', { stderr: false, tty: true }]]);
    client.socket.destroy();
  });

  test('port-forward names sandbox and ports', async () => {
    const client = open('/portForward/default/web?port=80&port=8080');
    await sessionStarted;
    expect(kubelet.calls).toEqual([['portForward', { sandboxId: 's1', ports: [80, 8080] }]]);
    client.socket.destroy();
  });

  test('the end of the runtime side ends the client', async () => {
    const client = open('/exec/default/web/app?command=sh&output=1');
    await sessionStarted;
    session?.socket.write(ACCEPTED);
    await client.has('\r\n\r\n');
    session?.socket.destroy();
    await client.ended;
    client.socket.destroy();
  });

  test('the end of the client ends the runtime side', async () => {
    const client = open('/exec/default/web/app?command=sh&output=1');
    await sessionStarted;
    const gone = new Promise((resolve) => session?.socket.on('close', resolve));
    session?.socket.on('end', () => session?.socket.end());
    session?.socket.resume();
    client.socket.destroy();
    await gone;
  });

  test('sessions are cut when the kubelet stops', async () => {
    const client = open('/exec/default/web/app?command=sh&output=1');
    await sessionStarted;
    kubelet.stop();
    await client.ended;
    client.socket.destroy();
  });

  test.each([
    [
      'a container that the runtime does not know',
      new CriError('Exec', 'NOT_FOUND', 'container gone'),
      404,
      'rpc error: code = NotFound desc = container gone',
    ],
    [
      'a runtime that fails',
      new CriError('Exec', 'UNAVAILABLE', 'no socket'),
      500,
      'rpc error: code = Unavailable desc = no socket',
    ],
    [
      'a streaming server that is away',
      'http://127.0.0.1:1/exec/x',
      500,
      "cannot reach the runtime's streaming server at 127.0.0.1:1",
    ],
    [
      'an address that is none',
      'ftp://x/',
      500,
      'the runtime gave no http(s) URL for the session: "ftp://x/"',
    ],
  ])('%s is answered as a plain request would be', async (_, url, status, message) => {
    kubelet.streamUrl = url;
    const client = open('/exec/default/web/app?command=sh&output=1');
    await client.ended;
    expect(client.received()).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(client.received()).toContain(message);
    client.socket.destroy();
  });
});

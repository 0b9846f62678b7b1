import { createServer } from 'node:net';
import { httpProbe } from './http_probe.ts';
import { timeLimit } from './time_limit.ts';

function block(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

test('K13: time is over after the limit, and only then', async () => {
  const started = performance.now();
  await new Promise<void>((resolve) => timeLimit(30, resolve));
  expect(performance.now() - started).toBeGreaterThanOrEqual(29);
});

test('K13: an ended watch does not expire, even when it was due', async () => {
  let expired = false;
  const end = timeLimit(5, () => (expired = true));
  block(10);
  end();
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(expired).toBe(false);
});

test('K13: an answer that came while this process could not run counts', async () => {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => {
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      setImmediate(() => block(150)); // longer than the limit, the answer is on its way
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const target = { scheme: 'http' as const, host: '127.0.0.1', port, path: '/', headers: [], userAgent: 'x' };
  expect(await httpProbe(target, 100)).toEqual({ result: 'success', message: 'ok' });
  server.close();
});

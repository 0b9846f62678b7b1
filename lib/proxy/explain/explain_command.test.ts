import { explainCommand } from './explain_command.ts';

const answer = {
  destination: { ip: '10.96.0.1', port: 80, protocol: 'TCP' },
  servicePort: 'a/web:p',
  verdict: 'cluster',
  candidates: { cluster: ['10.66.0.1:8080'], local: [] },
  leftOut: [{ endpoint: '10.66.0.2:8080', node: 'n2', reason: 'not ready' }],
  rules: { chains: { 'KUBE-SVC-X': ['-j KUBE-SEP-Y'] }, dispatch: [] },
};

async function run(args: string[], reply = { status: 200, body: JSON.stringify(answer) }) {
  const said = { out: '', err: '', url: '' };
  const code = await explainCommand(args, {
    stdout: (text) => (said.out += text),
    stderr: (text) => (said.err += text),
    get: (url) => {
      said.url = url;
      return reply.status === 0 ? Promise.reject(new Error('connect ECONNREFUSED')) : Promise.resolve(reply);
    },
  });
  return { code, ...said };
}

test('P14: a destination is explained as text', async () => {
  const { code, out, url } = await run(['10.96.0.1:80']);
  expect(code).toBe(0);
  expect(url).toBe('http://127.0.0.1:10249/debug/explain?destination=10.96.0.1%3A80&protocol=tcp');
  expect(out).toBe(`destination:
  ip: 10.96.0.1
  port: 80
  protocol: TCP
service port: a/web:p
verdict: cluster
candidates:
  cluster:
    - 10.66.0.1:8080
left out:
  - endpoint: 10.66.0.2:8080
    node: n2
    reason: not ready
rules:
  chains:
    KUBE-SVC-X:
      - -j KUBE-SEP-Y
`);
});

test.each([
  [['[fd00::1]:53', '--protocol=udp'], '/debug/explain?destination=%5Bfd00%3A%3A1%5D%3A53&protocol=udp'],
  [['a/web'], '/debug/explain/services/a/web'],
  [['a/web', '--server', '10.0.0.9:10249'], 'http://10.0.0.9:10249/debug/explain/services/a/web'],
])('%j asks %s', async (args, path) => {
  expect((await run(args)).url).toContain(path);
});

test('as JSON it is what the proxy said', async () => {
  expect(JSON.parse((await run(['a/web', '-o', 'json'])).out)).toEqual(answer);
});

test.each([
  [[], { status: 200, body: '{}' }, /want one destination as IP:PORT/],
  [['a', 'b'], { status: 200, body: '{}' }, /got "a b"/],
  [['10.96.0.1:80', '-o', 'yaml'], { status: 200, body: '{}' }, /want text or json/],
  [['10.96.0.1:80'], { status: 0, body: '' }, /no proxy answers at 127\.0\.0\.1:10249.*ECONNREFUSED/],
  [['10.96.0.1:80'], { status: 400, body: 'want ?destination' }, /answered 400: want/],
])('%j: one sentence', async (args, reply, message) => {
  const { code, err } = await run(args, reply);
  expect(code).toBe(1);
  expect(err).toMatch(message);
});

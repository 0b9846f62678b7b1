import { service, slice } from '../testing/objects.ts';
import { ServicePlanner } from '../model/planner.ts';
import { ServiceTracker } from '../tracker/tracker.ts';
import { ConntrackCleaner } from './cleaner.ts';
import { UdpFrontends, deletions, parseFlows } from './entries.ts';

const UDP = [{ name: 'p', port: 53, protocol: 'UDP', nodePort: 30053 }];
const NODE_IP = '192.0.2.10';

function plans(...endpoints: string[]) {
  const tracker = new ServiceTracker({ nodeName: 'n1' });
  tracker.setService(
    service('a/dns', '10.96.0.10', { type: 'NodePort', ports: UDP, externalIPs: ['192.0.2.1'] }),
  );
  tracker.setSlice(slice('a/dns-1', 'dns', endpoints, [{ name: 'p', port: 5353, protocol: 'UDP' }]));
  tracker.setService(service('a/tcp', '10.96.0.11', { ports: [{ name: 'p', port: 53, protocol: 'TCP' }] }));
  const planner = new ServicePlanner(tracker, { family: 'IPv4', nodeName: 'n1' });
  planner.update(tracker.take().services);
  return planner.plans.values();
}

/** A flow from 10.66.0.9 to a place, answered by `by` (that place itself: not translated). */
const line = (to: string, port: number, by: string, byPort: number, state = ' [UNREPLIED]'): string =>
  `udp      17 29 src=10.66.0.9 dst=${to} sport=4000 dport=${port}${state} src=${by} dst=10.66.0.9 sport=${byPort} dport=4000 mark=0 use=1`;

test('reads flows with and without answer, and skips what it does not know', () => {
  const text = [
    line('10.96.0.10', 53, '10.66.0.1', 5353),
    line('10.96.0.10', 53, '10.66.0.1', 5353, ''),
    'udp      17 170 src=fd00::0001 dst=fd00:96::10 sport=1 dport=53 src=fd00::2 dst=fd00::1 sport=53 dport=1 [ASSURED] mark=0 use=1',
    'tcp      6 100 ESTABLISHED src=10.66.0.9 dst=10.96.0.10 sport=1 dport=53 src=10.66.0.1 dst=10.66.0.9 sport=53 dport=1',
    'conntrack v1.4.7: 3 flow entries have been shown.',
    '',
  ].join('\n');
  const flows = parseFlows(text);
  expect(flows).toHaveLength(3);
  expect(flows[0]).toEqual({
    protocol: 'udp',
    source: '10.66.0.9',
    sourcePort: 4000,
    destination: '10.96.0.10',
    destinationPort: 53,
    replySource: '10.66.0.1',
    replySourcePort: 5353,
  });
  expect(flows[2]?.source).toBe('fd00::1');
});

test.each([
  ['to an endpoint that is still there', ['10.66.0.1'], line('10.96.0.10', 53, '10.66.0.1', 5353), false],
  ['to an endpoint that is gone', ['10.66.0.2'], line('10.96.0.10', 53, '10.66.0.1', 5353), true],
  ['to another port of an endpoint', ['10.66.0.1'], line('10.96.0.10', 53, '10.66.0.1', 5354), true],
  ['to nobody, and now there is somebody', ['10.66.0.1'], line('10.96.0.10', 53, '10.96.0.10', 53), true],
  ['to nobody, and there is nobody', [], line('10.96.0.10', 53, '10.96.0.10', 53), false],
  ['to an endpoint, and now there is none', [], line('10.96.0.10', 53, '10.66.0.1', 5353), true],
  ['external IP, endpoint gone', ['10.66.0.2'], line('192.0.2.1', 53, '10.66.0.1', 5353), true],
  ['node port, endpoint gone', ['10.66.0.2'], line(NODE_IP, 30053, '10.66.0.1', 5353), true],
  ['same port elsewhere in the world', ['10.66.0.2'], line('8.8.8.8', 30053, '8.8.8.8', 30053), false],
  ['same address, another port', ['10.66.0.2'], line('10.96.0.10', 54, '10.66.0.1', 5353), false],
  ['a TCP Service of that address', ['10.66.0.2'], line('10.96.0.11', 53, '10.66.0.1', 5353), false],
  ['straight to a pod', ['10.66.0.2'], line('10.66.0.1', 5353, '10.66.0.1', 5353), false],
])('P6: %s: stale %s', (_name, endpoints, text, stale) => {
  const found = new UdpFrontends(plans(...endpoints)).stale(parseFlows(text), (ip) => ip === NODE_IP);
  expect(found).toHaveLength(stale ? 1 : 0);
});

test('P6: flows of one place to one endpoint are deleted by one call that names both', () => {
  const flows = parseFlows(
    [
      line('10.96.0.10', 53, '10.66.0.1', 5353),
      line('10.96.0.10', 53, '10.66.0.1', 5353),
      line('192.0.2.1', 53, '10.66.0.1', 5353),
    ].join('\n'),
  );
  expect(deletions(flows, 'IPv4').map((argv) => argv.join(' '))).toEqual([
    'conntrack -D -f ipv4 -p udp --orig-dst 10.96.0.10 --orig-port-dst 53 --reply-src 10.66.0.1 --reply-port-src 5353',
    'conntrack -D -f ipv4 -p udp --orig-dst 192.0.2.1 --orig-port-dst 53 --reply-src 10.66.0.1 --reply-port-src 5353',
  ]);
});

describe('cleaner', () => {
  const cleaner = (answers: Array<{ exitCode: number; stdout?: string; stderr?: string }>) => {
    const calls: string[] = [];
    const c = new ConntrackCleaner({
      family: 'IPv4',
      nodeAddresses: () => new Set([NODE_IP]),
      run: async (argv) => {
        calls.push(argv.join(' '));
        return { stdout: '', stderr: '', exitCode: 0, ...answers.shift() };
      },
    });
    return { c, calls };
  };

  test('without UDP Services nothing is listed', async () => {
    const { c, calls } = cleaner([]);
    expect(await c.clean([])).toBe(0);
    expect(calls).toEqual([]);
  });

  test('a flow that ended between listing and deleting is no error', async () => {
    const { c, calls } = cleaner([
      { exitCode: 0, stdout: line('10.96.0.10', 53, '10.66.0.1', 5353) },
      { exitCode: 1, stderr: 'conntrack v1.4.7 (conntrack-tools): 0 flow entries have been deleted.' },
    ]);
    expect(await c.clean(plans('10.66.0.2'))).toBe(1);
    expect(calls).toHaveLength(2);
  });

  test('a failure names the command and what it said', async () => {
    const { c } = cleaner([{ exitCode: 1, stderr: 'Operation not permitted' }]);
    await expect(c.clean(plans('10.66.0.2'))).rejects.toThrow(/conntrack -L .*Operation not permitted/);
  });
});

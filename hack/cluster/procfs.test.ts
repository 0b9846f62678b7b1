import { hasCapability, hasEnded, parseListening, parseMountinfo, parseStat, processStat } from './procfs.ts';

test.each([
  [
    '12 (bash) S 1 12 12 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4711 9 9',
    { pid: 12, name: 'bash', state: 'S', parent: 1, threads: 1, startTicks: 4711 },
  ],
  [
    '12 (a) b (c)) R 3 12 12 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 7 0 42 9 9',
    { pid: 12, name: 'a) b (c)', state: 'R', parent: 3, threads: 7, startTicks: 42 },
  ],
])('stat line %p', (text, want) => {
  expect(parseStat(text)).toEqual(want);
});

test.each(['', '12 bash S 1', '12 (bash) S 1'])('torn stat line %p', (text) => {
  expect(parseStat(text)).toBeUndefined();
});

test.each([
  ['S', 1, false],
  ['Z', 1, true],
  // Killed, but a thread has not let go of the files yet.
  ['Z', 3, false],
  ['X', 1, true],
])('state %s with %i threads: ended %p', (state, threads, want) => {
  expect(hasEnded({ state, threads })).toBe(want);
});

test('this process is alive, pid 0 is nobody', () => {
  expect(processStat(process.pid)?.pid).toBe(process.pid);
  expect(processStat(0)).toBeUndefined();
});

const HEAD =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode';
const row = (local: string, state: string): string =>
  `   0: ${local} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000     0        0 4242 1 0000 100 0`;

test.each([
  ['0100007F:192B', '127.0.0.1', 6443],
  ['00000000:192B', '0.0.0.0', 6443],
  ['0100640A:0947', '10.100.0.1', 2375],
  ['00000000000000000000000000000000:192B', '::', 6443],
  ['0000000000000000FFFF00000100007F:0016', '127.0.0.1', 22],
  ['000080FE000000000000000001000000:0016', 'fe80:0:0:0:0:0:0:1', 22],
])('%p listens at %s port %i', (local, address, port) => {
  expect(parseListening(`${HEAD}\n${row(local, '0A')}\n`)).toEqual([{ address, port, inode: '4242' }]);
});

test('connections are no listeners', () => {
  expect(parseListening(`${HEAD}\n${row('0100007F:192B', '01')}\n`)).toEqual([]);
});

test('mountinfo with optional fields and escapes', () => {
  const text =
    '36 35 98:0 / /mnt/a\\040b rw,noatime shared:1 master:2 - ext4 /dev/root rw,errors=continue\n' +
    '37 35 0:4 net:[4026532008] /run/netns/x rw - nsfs nsfs rw\n\n';
  expect(parseMountinfo(text)).toEqual([
    {
      mountPoint: '/mnt/a b',
      root: '/',
      fsType: 'ext4',
      source: '/dev/root',
      superOptions: 'rw,errors=continue',
    },
    {
      mountPoint: '/run/netns/x',
      root: 'net:[4026532008]',
      fsType: 'nsfs',
      source: 'nsfs',
      superOptions: 'rw',
    },
  ]);
});

test.each([
  ['CapEff:\t000001fffeffffff\n', 24, false],
  ['CapEff:\t000001ffffffffff\n', 24, true],
  ['CapEff:\t0000000000000000\n', 21, false],
  ['nothing', 21, false],
])('capabilities in %p: number %i %p', (text, bit, want) => {
  expect(hasCapability(bit, text)).toBe(want);
});

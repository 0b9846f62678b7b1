/** Datagrams to real sockets, received by a perl process (it is on every Debian): Node cannot receive them itself. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openUnixDatagram } from './unix_datagram.ts';

const RECEIVER = `
use Socket;
$| = 1;
my $path = shift;
socket(my $socket, AF_UNIX, SOCK_DGRAM, 0) or die "socket: $!";
$path =~ s/^@/\\0/;
bind($socket, pack_sockaddr_un($path)) or die "bind: $!";
print "bound\\n";
recv($socket, my $datagram, 4096, 0);
print "$datagram\\n";
`;

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'tsk-datagram-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

test.each(['path', 'abstract'])('K30: reach a socket with an %s name', async (kind) => {
  const name = kind === 'path' ? join(dir, 'notify.sock') : `@tsk-test-${process.pid}`;
  const receiver = spawn('perl', ['-e', RECEIVER, name], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  const ended = once(receiver, 'close');
  const bound = new Promise<void>((resolve, reject) => {
    receiver.on('error', reject);
    receiver.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      if (output.startsWith('bound\n')) resolve();
    });
  });
  await bound;
  const sender = openUnixDatagram(name);
  sender.send(Buffer.from('READY=1'));
  sender.close();
  await ended;
  expect(output).toBe('bound\nREADY=1\n');
});

test('K30: a socket that nobody listens on is an error with its code', () => {
  const sender = openUnixDatagram(join(dir, 'none.sock'));
  expect(() => sender.send(Buffer.from('x'))).toThrow(/sendto .*none\.sock: ENOENT/);
  sender.close();
});

test('K30: a path that does not fit is refused', () => {
  expect(() => openUnixDatagram(`/${'x'.repeat(108)}`)).toThrow(RangeError);
});

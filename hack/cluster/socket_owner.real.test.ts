import { spawn } from 'node:child_process';
import { listeningSockets, socketOwner } from './procfs.ts';

/** Listens, prints the port, and opens and closes files, of lower numbers than the socket, as fast as it can. */
const BUSY = `
  const { openSync, closeSync } = require('node:fs');
  const open = () => Array.from({ length: 50 }, () => openSync('/dev/null'));
  const low = open();
  const server = require('node:net').createServer().listen(0, '127.0.0.1', () => {
    console.log(server.address().port);
    low.forEach((fd) => closeSync(fd));
    const churn = () => {
      for (let i = 0; i < 20; i++) open().forEach((fd) => closeSync(fd));
      setImmediate(churn);
    };
    churn();
  });`;

test('the owner of a port is found although it opens and closes files all the time', async () => {
  const child = spawn(process.execPath, ['-e', BUSY], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const port = await new Promise<number>((resolve) => {
      child.stdout.once('data', (line: Buffer) => resolve(Number(line.toString())));
    });
    const socket = listeningSockets().find((one) => one.port === port);
    const owners = Array.from({ length: 20 }, () => socketOwner(socket?.inode ?? '')?.pid);
    expect(new Set(owners)).toEqual(new Set([child.pid]));
  } finally {
    child.kill('SIGKILL');
  }
});

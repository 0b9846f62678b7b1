/**
 * Sockets to the kernel's netfilter, which Node has no interface for: the C library's calls, made through koffi. What a
 * transaction costs the kernel is spent in its `send`, some milliseconds with 10,000 Services: it runs on a thread of
 * its own.
 */
import koffi from 'koffi';
import type { KoffiFunc } from 'koffi';
import { cFunctions, errnoSymbol } from '../../../base/c_library.ts';
import { NetlinkError } from './error.ts';

export interface NetlinkSocket {
  /** Sends a request or a batch; the kernel has carried it out when this resolves. @throws NetlinkError */
  send(bytes: Uint8Array): Promise<void>;
  /** Next datagram that the kernel has answered; undefined: none is there. @throws NetlinkError */
  receive(): Buffer | undefined;
  close(): void;
}

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const NETLINK_NETFILTER = 12;
const SOL_SOCKET = 1;
const SO_SNDBUFFORCE = 32;
const SO_RCVBUFFORCE = 33;
const MSG_DONTWAIT = 0x40;
const EAGAIN = 11;
/** A batch must fit, and so must what the kernel says about it. */
const BUFFER_BYTES = 4 * 1024 * 1024;
const DATAGRAM_BYTES = 64 * 1024;

interface Calls {
  readonly socket: (domain: number, type: number, protocol: number) => number;
  readonly setsockopt: (fd: number, level: number, name: number, value: Uint8Array, length: number) => number;
  readonly send: KoffiFunc<(fd: number, data: Uint8Array, length: number, flags: number) => number>;
  readonly recv: (fd: number, buffer: Uint8Array, length: number, flags: number) => number;
  readonly close: (fd: number) => number;
}

const calls = cFunctions((library): Calls => ({
  socket: library.func('int socket(int domain, int type, int protocol)'),
  setsockopt: library.func('int setsockopt(int fd, int level, int name, const void *value, uint32_t length)'),
  send: library.func('long send(int fd, const void *data, size_t length, int flags)'),
  recv: library.func('long recv(int fd, void *buffer, size_t length, int flags)'),
  close: library.func('int close(int fd)'),
}));

/** In the network namespace of this process. @throws NetlinkError */
export function openNetlinkSocket(): NetlinkSocket {
  const { socket, setsockopt, send, recv, close } = calls();
  let fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
  if (fd < 0) throw failure('socket');
  const size = Buffer.from(new Int32Array([BUFFER_BYTES]).buffer);
  // Refused without CAP_NET_ADMIN, and then nothing else is allowed either.
  for (const name of [SO_SNDBUFFORCE, SO_RCVBUFFORCE]) setsockopt(fd, SOL_SOCKET, name, size, size.length);
  const datagram = Buffer.alloc(DATAGRAM_BYTES);
  return {
    send: (bytes) =>
      new Promise((resolve, reject) => {
        send.async(fd, bytes, bytes.length, 0, (err: unknown, sent: number) => {
          if (err === null && sent === bytes.length) resolve();
          else reject(new NetlinkError('send: refused by the kernel', { cause: err ?? undefined }));
        });
      }),
    receive() {
      const length = recv(fd, datagram, datagram.length, MSG_DONTWAIT);
      if (length >= 0) return Buffer.from(datagram.subarray(0, length));
      if (koffi.errno() === EAGAIN) return undefined;
      throw failure('recv');
    },
    close() {
      if (fd >= 0) close(fd);
      fd = -1;
    },
  };
}

function failure(call: string): NetlinkError {
  return new NetlinkError(`${call}: ${errnoSymbol(koffi.errno())}`);
}

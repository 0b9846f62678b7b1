/**
 * Datagrams over AF_UNIX sockets, which Node has no interface for. The C library's socket calls are made through koffi;
 * a send takes some 20 microseconds and never blocks.
 */
import koffi from 'koffi';
import { cFunctions, errnoSymbol } from '../base/c_library.ts';

export interface DatagramSender {
  /** @throws UnixDatagramError when the kernel refuses (no listener, queue full) */
  send(datagram: Uint8Array): void;
  close(): void;
}

/** A socket call failed; `code` is the symbolic errno, such as ECONNREFUSED. */
export class UnixDatagramError extends Error {
  override readonly name = 'UnixDatagramError';
  readonly code: string;

  constructor(call: string, path: string, errno: number) {
    const code = errnoSymbol(errno);
    super(`${call} ${path}: ${code}`);
    this.code = code;
  }
}

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const SUN_PATH_MAX = 108;

interface SocketCalls {
  readonly socket: (domain: number, type: number, protocol: number) => number;
  readonly sendto: (
    fd: number,
    data: Uint8Array,
    length: number,
    flags: number,
    address: Uint8Array,
    addressLength: number,
  ) => number;
  readonly close: (fd: number) => number;
}

const calls = cFunctions((library): SocketCalls => ({
  socket: library.func('int socket(int domain, int type, int protocol)'),
  sendto: library.func(
    'long sendto(int fd, const void *data, size_t length, int flags, const void *address, uint32_t addressLength)',
  ),
  close: library.func('int close(int fd)'),
}));

/** @param path a path in the file system, or `@name` for a socket of the abstract name space */
export function openUnixDatagram(path: string): DatagramSender {
  const { socket, sendto, close } = calls();
  const address = socketAddress(path);
  let fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) throw new UnixDatagramError('socket', path, koffi.errno());
  return {
    send(datagram) {
      const sent = sendto(
        fd,
        datagram,
        datagram.length,
        MSG_DONTWAIT | MSG_NOSIGNAL,
        address,
        address.length,
      );
      if (sent < 0) throw new UnixDatagramError('sendto', path, koffi.errno());
    },
    close() {
      if (fd >= 0) close(fd);
      fd = -1;
    },
  };
}

/** struct sockaddr_un: the family in host byte order, then the path; abstract names begin with a zero byte and end with their length. */
function socketAddress(path: string): Buffer {
  const name = Buffer.from(path);
  if (name.length >= SUN_PATH_MAX)
    throw new RangeError(`socket path "${path}" is longer than ${SUN_PATH_MAX - 1} bytes`);
  const abstract = path.startsWith('@');
  const address = Buffer.alloc(2 + name.length + (abstract ? 0 : 1));
  new Uint16Array(address.buffer, address.byteOffset, 1)[0] = AF_UNIX;
  name.copy(address, 2);
  if (abstract) address[2] = 0;
  return address;
}

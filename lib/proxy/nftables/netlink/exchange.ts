/** A request to the kernel's netfilter and what it answers. */
import { NetlinkError } from './error.ts';
import type { Message } from './message.ts';
import { NLMSG_ERROR, decodeMessages, errorNumber } from './message.ts';
import type { NetlinkSocket } from './socket.ts';

/** Opens a socket of its own for each exchange. */
export type OpenSocket = () => Promise<NetlinkSocket>;

/** In the network namespace of this process. Not loaded before it is needed. */
export const openSocket: OpenSocket = async () => (await import('./socket.ts')).openNetlinkSocket();

/**
 * @param isLast of the answer
 * @throws NetlinkError when the kernel refuses, or does not answer
 */
export async function exchange(
  open: OpenSocket,
  request: Buffer,
  isLast: (message: Message) => boolean,
): Promise<Message[]> {
  const socket = await open();
  try {
    await socket.send(request);
    const answer: Message[] = [];
    for (;;) {
      const bytes = socket.receive();
      if (bytes === undefined) throw new NetlinkError('the kernel did not answer');
      for (const message of decodeMessages(bytes)) {
        const errno = message.type === NLMSG_ERROR ? errorNumber(message) : 0;
        if (errno !== 0) throw new NetlinkError(`message ${message.sequence}: error ${errno}`, { errno });
        answer.push(message);
      }
      if (answer.some(isLast)) return answer;
    }
  } finally {
    socket.close();
  }
}

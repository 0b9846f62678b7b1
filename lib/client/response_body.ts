import type { IncomingMessage } from 'node:http';
import { abortReason, errorMessage } from '../base/errors.ts';
import type { Deadline } from './call_deadline.ts';
import { TransportError } from './errors.ts';

/** The whole body. Rejects as {@link streamBody} throws. */
export async function readAll(message: IncomingMessage, deadline: Deadline, what: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of chunksOf(message, deadline, what)) chunks.push(chunk);
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
}

/**
 * The body as it arrives; ends the deadline with it.
 *
 * @throws TransportError when the connection died before the end, the signal's reason when aborted
 */
export async function* streamBody(
  message: IncomingMessage,
  deadline: Deadline,
  what: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* chunksOf(message, deadline, what);
  } finally {
    deadline.end();
  }
}

async function* chunksOf(
  message: IncomingMessage,
  deadline: Deadline,
  what: string,
): AsyncGenerator<Buffer, void, undefined> {
  const { signal } = deadline;
  const onAbort = (): void => {
    message.destroy(abortReason(signal));
  };
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort, { once: true });
  try {
    // The body of an http message yields Buffers as long as no encoding is set.
    for await (const chunk of message as AsyncIterable<Buffer>) yield chunk;
    if (!message.complete) throw new Error('connection closed in the middle of the answer');
  } catch (err) {
    if (signal.aborted) throw abortReason(signal);
    if (err instanceof TransportError) throw err;
    throw new TransportError(`${what}: ${errorMessage(err)}`, { cause: err });
  } finally {
    signal.removeEventListener('abort', onAbort);
    if (!message.complete) message.destroy();
  }
}

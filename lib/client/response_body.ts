import type { IncomingMessage } from 'node:http';
import { abortReason, errorMessage } from '../base/errors.ts';
import { onAbort } from '../base/on_abort.ts';
import type { Deadline } from './call_deadline.ts';
import { TransportError } from './errors.ts';

/** The whole body. Rejects as {@link streamBody} throws. By events, as iterating costs a small answer more than all else. */
export function readAll(message: IncomingMessage, { signal }: Deadline, what: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const leave = onAbort(signal, () => message.destroy(abortReason(signal)));
    let failure: Error | undefined;
    message.on('data', (chunk: Buffer) => chunks.push(chunk));
    message.on('error', (err) => (failure = err));
    message.on('close', () => {
      leave();
      const [first] = chunks;
      if (signal.aborted) reject(abortReason(signal));
      else if (!message.complete) reject(bodyError(failure ?? cutShort(), what));
      else resolve(chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks));
    });
  });
}

// Made only when it happens: the trace of its stack costs more than reading a small answer does.
function cutShort(): Error {
  return new Error('connection closed in the middle of the answer');
}

function bodyError(err: unknown, what: string): TransportError {
  return err instanceof TransportError
    ? err
    : new TransportError(`${what}: ${errorMessage(err)}`, { cause: err });
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
  const leave = onAbort(signal, () => message.destroy(abortReason(signal)));
  try {
    // The body of an http message yields Buffers as long as no encoding is set.
    for await (const chunk of message as AsyncIterable<Buffer>) yield chunk;
    if (!message.complete) throw cutShort();
  } catch (err) {
    throw signal.aborted ? abortReason(signal) : bodyError(err, what);
  } finally {
    leave();
    if (!message.complete) message.destroy();
  }
}

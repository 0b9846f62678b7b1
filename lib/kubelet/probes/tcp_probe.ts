import { connect } from 'node:net';
import { dialMessage, joinHostPort, type ProbeOutcome } from './outcome.ts';
import { timeLimit } from './time_limit.ts';

/** Success when a connection can be opened; it is closed at once. */
export function tcpProbe(
  host: string,
  port: number,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<ProbeOutcome> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const address = joinHostPort(host, port);
    const finish = (outcome: ProbeOutcome): void => {
      endLimit();
      signal?.removeEventListener('abort', abort);
      socket.destroy();
      resolve(outcome);
    };
    const abort = (): void => finish({ result: 'error', message: 'the probe was stopped' });
    const endLimit = timeLimit(timeoutMs, () =>
      finish({ result: 'failure', message: `dial tcp ${address}: i/o timeout` }),
    );
    socket.on('connect', () => finish({ result: 'success', message: '' }));
    socket.on('error', (err) => finish({ result: 'failure', message: dialMessage(err, address) }));
    signal?.addEventListener('abort', abort, { once: true });
    if (signal?.aborted === true) abort();
  });
}

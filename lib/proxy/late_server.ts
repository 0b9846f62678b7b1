/** A server whose address is taken when it shall start: it is tried again until it is free. */
import type { Clock } from '../base/clock.ts';
import type { RunningServer } from '../component/serving/server.ts';

const RETRY_MS = 5000;

export interface LateServerOptions {
  readonly port: number;
  readonly clock: Clock;
  /** @throws ListenError for as long as the address is taken */
  readonly open: () => Promise<RunningServer>;
  readonly onOpened: () => void;
}

/** Closing it ends the trying, too. */
export function openLater({ port, clock, open, onOpened }: LateServerOptions): RunningServer {
  const stop = new AbortController();
  const attempt = async (): Promise<RunningServer | undefined> => {
    for (;;) {
      try {
        await clock.sleep(RETRY_MS, stop.signal);
      } catch {
        return undefined; // closed
      }
      try {
        const server = await open();
        onOpened();
        return server;
      } catch {
        // Said when it was tried first.
      }
    }
  };
  const opened = attempt();
  return {
    port,
    async close(graceMs) {
      stop.abort();
      await (await opened)?.close(graceMs);
    },
  };
}

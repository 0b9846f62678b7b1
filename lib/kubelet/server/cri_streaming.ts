/** {@link StreamingRuntime} over CRI. */
import type { RuntimeClient } from '../../cri/runtime_client.ts';
import type { StreamingRuntime } from './view.ts';

/** Long enough for a busy runtime, short enough that `kubectl exec` says something before its user gives up. */
const TIMEOUT_MS = 30_000;

export function criStreaming(
  client: Pick<RuntimeClient, 'exec' | 'attach' | 'portForward'>,
): StreamingRuntime {
  return {
    async exec({ containerId, argv, stdin, stdout, stderr, tty }, signal) {
      const { url } = await client.exec(
        { containerId, cmd: argv, stdin, stdout, stderr, tty },
        { timeoutMs: TIMEOUT_MS, signal },
      );
      return url;
    },
    async attach({ containerId, stdin, stdout, stderr, tty }, signal) {
      const { url } = await client.attach(
        { containerId, stdin, stdout, stderr, tty },
        { timeoutMs: TIMEOUT_MS, signal },
      );
      return url;
    },
    async portForward({ sandboxId, ports }, signal) {
      const { url } = await client.portForward(
        { podSandboxId: sandboxId, port: ports },
        { timeoutMs: TIMEOUT_MS, signal },
      );
      return url;
    },
  };
}

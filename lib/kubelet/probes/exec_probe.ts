import type { Container } from '../../api/types.ts';
import { errorMessage } from '../../base/errors.ts';
import { isCriError } from '../../cri/errors.ts';
import type { ContainerExec } from '../contracts.ts';
import { expandVariables } from '../env/expansion.ts';
import { MAX_OUTPUT_BYTES, type ProbeOutcome } from './outcome.ts';

/** Runs a command in the container: exit code 0 is success. */
export async function execProbe(
  exec: ContainerExec,
  containerId: string,
  command: readonly string[],
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<ProbeOutcome> {
  try {
    const done = await exec.execSync(containerId, command, {
      timeoutMs,
      ...(signal === undefined ? {} : { signal }),
    });
    const message = output(done.stdout, done.stderr);
    return { result: done.exitCode === 0 ? 'success' : 'failure', message };
  } catch (err) {
    signal?.throwIfAborted();
    if (isCriError(err, 'DEADLINE_EXCEEDED')) {
      return {
        result: 'failure',
        message: `command timed out: "${command.join(' ')}" timed out after ${timeoutMs / 1000}s`,
      };
    }
    return { result: 'error', message: isCriError(err) ? err.rpcMessage : errorMessage(err) };
  }
}

function output(stdout: Uint8Array, stderr: Uint8Array): string {
  return Buffer.concat([stdout, stderr]).subarray(0, MAX_OUTPUT_BYTES).toString('utf8');
}

/** References in a probe's command see the variables that the spec gives literally. */
export function expandCommand(
  command: readonly string[],
  container: Pick<Container, 'env'>,
): readonly string[] {
  const env = new Map((container.env ?? []).map((v) => [v.name, v.value ?? ''] as const));
  return command.map((word) => expandVariables(word, env));
}

/** postStart and preStop: exec, httpGet and sleep. */
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type * as k8s from '@kubernetes/client-node';
import type { Plain } from '../../api/types.ts';
import type { Clock } from '../../base/clock.ts';
import type { AnyContainer, ContainerExec } from '../contracts.ts';

export type LifecycleHandler = Plain<k8s.V1LifecycleHandler>;

/** A hook did not succeed; the message says how. */
export class HookError extends Error {
  override readonly name = 'HookError';
}

export interface HookTarget {
  readonly container: AnyContainer;
  readonly containerId: string;
  /** Where httpGet goes when it names no host. */
  readonly podIP: string | undefined;
}

const MAX_BODY = 10 * 1024;

const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Runs the hook to its end. Rejects with {@link HookError}, or with the signal's reason. */
export async function runHook(
  handler: LifecycleHandler,
  target: HookTarget,
  exec: ContainerExec,
  clock: Clock,
  options: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<void> {
  if (handler.exec !== undefined) {
    const argv = handler.exec.command ?? [];
    const result = await exec.execSync(target.containerId, argv, options);
    if (result.exitCode === 0) return;
    const output = Buffer.from(result.stdout.length > 0 ? result.stdout : result.stderr)
      .toString()
      .slice(0, MAX_BODY);
    throw new HookError(
      `command '${argv.join(' ')}' exited with ${result.exitCode}: ${JSON.stringify(output)}`,
    );
  }
  if (handler.sleep !== undefined) {
    const ms = handler.sleep.seconds * 1000;
    await clock.sleep(Math.min(ms, options.timeoutMs), options.signal);
    return;
  }
  if (handler.httpGet !== undefined) {
    await get(handler.httpGet, target, options);
    return;
  }
  throw new HookError('the handler has neither exec, httpGet nor sleep');
}

function get(
  action: NonNullable<LifecycleHandler['httpGet']>,
  target: HookTarget,
  options: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<void> {
  const host = action.host ?? target.podIP;
  if (host === undefined) throw new HookError('the pod has no IP to send httpGet to');
  const port = portOf(action.port, target.container);
  const https = action.scheme?.toUpperCase() === 'HTTPS';
  const headers: Record<string, string> = {};
  for (const { name, value } of action.httpHeaders ?? []) headers[name] = value;
  return new Promise((resolve, reject) => {
    const request = (https ? httpsRequest : httpRequest)({
      host,
      port,
      path: action.path === undefined || action.path === '' ? '/' : action.path,
      headers: { 'User-Agent': 'kube-lifecycle/1.36', Accept: '*/*', ...headers },
      signal: AbortSignal.any([
        options.signal,
        // A longer timer fires at once (Node keeps delays in 31 bits).
        AbortSignal.timeout(Math.min(LONGEST_TIMER_MS, Math.max(1, Math.round(options.timeoutMs)))),
      ]),
      // As for probes: the kubelet does not know the pod's CA.
      ...(https ? { rejectUnauthorized: false } : {}),
    });
    request.on('response', (response) => {
      response.resume();
      response.on('end', () => {
        // Whatever the answer: stock calls any answer a success, and pods rely on it.
        resolve();
      });
      response.on('error', (error) => reject(new HookError(error.message, { cause: error })));
    });
    request.on('error', (error) => reject(new HookError(error.message, { cause: error })));
    request.end();
  });
}

function portOf(port: unknown, container: AnyContainer): number {
  if (typeof port === 'number') return port;
  const named = container.ports?.find(({ name }) => name === port)?.containerPort;
  const number = named ?? Number(port);
  if (Number.isInteger(number) && number > 0) return number;
  throw new HookError(`no port named "${String(port)}" in container ${container.name}`);
}

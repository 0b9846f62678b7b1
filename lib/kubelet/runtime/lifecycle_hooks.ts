/** postStart and preStop: exec, httpGet and sleep. */
import { request as httpRequest } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import type * as k8s from '@kubernetes/client-node';
import type { Plain, Pod } from '../../api/types.ts';
import type { Clock } from '../../base/clock.ts';
import type { AnyContainer, ContainerExec, KubeletEvents } from '../contracts.ts';

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

/** Something about a hook that its outcome does not show. */
export type HookNote =
  /** Asked by HTTPS, the server answered in HTTP, by which it was asked again. */
  { readonly kind: 'http fallback'; readonly host: string } | { readonly kind: 'sleep cut short' };

/** Takes notes of a pod's hooks: who changes its server or its hook is told. */
export function noteTaker(
  pod: Pod | undefined,
  { events, observeHook }: { events: Pick<KubeletEvents, 'pod'>; observeHook?: (note: HookNote) => void },
): (note: HookNote) => void {
  return (note) => {
    observeHook?.(note);
    if (note.kind !== 'http fallback' || pod === undefined) return;
    const message = `request to HTTPS lifecycle hook ${note.host} got HTTP response, retry with HTTP succeeded`;
    events.pod(pod, 'Warning', 'LifecycleHTTPFallback', message);
  };
}

interface HookOptions {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly note?: (note: HookNote) => void;
}

const MAX_BODY = 10 * 1024;

const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Runs the hook to its end. Rejects with {@link HookError}, or with the signal's reason. */
export async function runHook(
  handler: LifecycleHandler,
  target: HookTarget,
  exec: ContainerExec,
  clock: Clock,
  options: HookOptions,
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
    if (ms > options.timeoutMs) options.note?.({ kind: 'sleep cut short' });
    return;
  }
  if (handler.httpGet !== undefined) {
    await get(handler.httpGet, target, options);
    return;
  }
  throw new HookError('the handler has neither exec, httpGet nor sleep');
}

async function get(
  action: NonNullable<LifecycleHandler['httpGet']>,
  target: HookTarget,
  options: HookOptions,
): Promise<void> {
  const host = action.host ?? target.podIP;
  if (host === undefined) throw new HookError('the pod has no IP to send httpGet to');
  const port = portOf(action.port, target.container);
  const headers: Record<string, string> = {};
  for (const { name, value } of action.httpHeaders ?? []) headers[name] = value;
  const request = {
    host,
    port,
    path: action.path === undefined || action.path === '' ? '/' : action.path,
    headers: { 'User-Agent': 'kube-lifecycle/1.36', Accept: '*/*', ...headers },
    signal: AbortSignal.any([
      options.signal,
      // A longer timer fires at once (Node keeps delays in 31 bits).
      AbortSignal.timeout(Math.min(LONGEST_TIMER_MS, Math.max(1, Math.round(options.timeoutMs)))),
    ]),
  };
  if (action.scheme?.toUpperCase() !== 'HTTPS') return send(httpRequest, request);
  try {
    // As for probes: the kubelet does not know the pod's CA.
    await send(httpsRequest, { ...request, rejectUnauthorized: false });
  } catch (error) {
    if (!(error instanceof HookError) || !SPOKE_HTTP.test(error.message)) throw error;
    // Servers from when hooks were sent by HTTP whatever they said; what is secret does not go there.
    const plain = Object.entries(request.headers).filter(([name]) => name.toLowerCase() !== 'authorization');
    await send(httpRequest, { ...request, headers: Object.fromEntries(plain) });
    options.note?.({ kind: 'http fallback', host: `${host}:${port}` });
  }
}

/** What OpenSSL says of an answer that is none of TLS. */
const SPOKE_HTTP = /wrong version number|packet length too long/;

/** Whatever the answer: stock calls any answer a success, and pods rely on it. */
function send(by: typeof httpRequest, options: RequestOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error): void => reject(new HookError(error.message, { cause: error }));
    const request = by(options);
    request.on('response', (response) => {
      response.resume();
      response.on('end', () => resolve());
      response.on('error', failed);
    });
    request.on('error', failed);
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

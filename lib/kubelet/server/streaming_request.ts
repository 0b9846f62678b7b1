/** Requests for /exec, /attach and /portForward: what they ask for, and the runtime's URL for the session. */
import { isCriError } from '../../cri/errors.ts';
import type { RequestTarget } from '../../component/serving/exchange.ts';
import { findPod, podPath, runningContainer } from './pod_path.ts';
import { RequestError } from './request_error.ts';
import type { KubeletView, StreamRequest } from './view.ts';

/**
 * The URL of the session.
 *
 * @throws RequestError with the status and words of the stock kubelet
 */
export async function sessionUrl(
  view: KubeletView,
  target: RequestTarget,
  signal: AbortSignal,
): Promise<string> {
  const [, what] = target.path.split('/');
  try {
    if (what === 'exec') return await execUrl(view, target, signal);
    if (what === 'attach') return await attachUrl(view, target, signal);
    if (what === 'portForward') return await portForwardUrl(view, target, signal);
    throw notFound();
  } catch (err) {
    // What the runtime says about the container (gone, not running) is for the user.
    if (isCriError(err))
      throw new RequestError(err.code === 'NOT_FOUND' ? 404 : 500, err.rpcMessage, { cause: err });
    throw err;
  }
}

async function execUrl(
  view: KubeletView,
  { path, query }: RequestTarget,
  signal: AbortSignal,
): Promise<string> {
  const where = podPath(path, { container: true });
  if (where === undefined) throw notFound();
  const streams = streamOptions(query);
  const pod = findPod(view, where, 'pod does not exist');
  const container = runningContainer(view, pod, where.container);
  if (container === undefined) throw new RequestError(500, `container not found ("${where.container}")`);
  const argv = query.getAll('command');
  return view.streaming.exec({ ...streams, containerId: container.id, argv }, signal);
}

async function attachUrl(
  view: KubeletView,
  { path, query }: RequestTarget,
  signal: AbortSignal,
): Promise<string> {
  const where = podPath(path, { container: true });
  if (where === undefined) throw notFound();
  const streams = streamOptions(query);
  const pod = findPod(view, where, 'pod does not exist');
  const container = runningContainer(view, pod, where.container);
  if (container === undefined)
    throw new RequestError(
      500,
      `container ${where.container} not found in pod ${where.name}_${where.namespace}`,
    );
  // A terminal was or was not given to the container when it was created; the session must agree.
  const spec = [
    ...pod.spec.containers,
    ...(pod.spec.initContainers ?? []),
    ...(pod.spec.ephemeralContainers ?? []),
  ].find((c) => c.name === where.container);
  const tty = spec?.tty ?? streams.tty;
  return view.streaming.attach(
    { ...streams, tty, stderr: streams.stderr && !tty, containerId: container.id },
    signal,
  );
}

async function portForwardUrl(
  view: KubeletView,
  { path, query }: RequestTarget,
  signal: AbortSignal,
): Promise<string> {
  const where = podPath(path, { container: false });
  if (where === undefined) throw notFound();
  const pod = findPod(view, where, 'pod does not exist');
  const sandboxes = view.runtime.podStatus(pod.metadata.uid ?? '')?.sandboxes ?? [];
  const sandbox = sandboxes.find((s) => s.state === 'ready');
  if (sandbox === undefined)
    throw new RequestError(500, `pod not found ("${where.name}_${where.namespace}")`);
  // SPDY clients name the port per stream; WebSocket clients in the query.
  const ports = query
    .getAll('port')
    .flatMap((p) => p.split(','))
    .map((text) => {
      const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
      if (port < 1 || port > 65535)
        throw new RequestError(400, `invalid port "${text}": want a number from 1 to 65535`);
      return port;
    });
  return view.streaming.portForward({ sandboxId: sandbox.id, ports }, signal);
}

/** @throws RequestError 400 */
function streamOptions(query: URLSearchParams): Omit<StreamRequest, 'containerId'> {
  const on = (name: string): boolean => ['1', 'true'].includes(query.get(name) ?? '');
  const [stdin, stdout, tty] = [on('input'), on('output'), on('tty')];
  // A terminal has one output: the runtime refuses a second.
  const stderr = on('error') && !tty;
  if (!stdin && !stdout && !stderr)
    throw new RequestError(400, 'you must specify at least 1 of stdin, stdout, stderr');
  return { stdin, stdout, stderr, tty };
}

function notFound(): RequestError {
  return new RequestError(404, '404: Page Not Found');
}

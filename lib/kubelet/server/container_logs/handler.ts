/** GET /containerLogs/<namespace>/<pod>/<container> */
import { once } from 'node:events';
import type { Clock } from '../../../base/clock.ts';
import { errorCode, errorMessage } from '../../../base/errors.ts';
import type { Log } from '../../../base/log.ts';
import type { Exchange } from '../../../component/serving/exchange.ts';
import { podPath } from '../pod_path.ts';
import { RequestError } from '../request_error.ts';
import type { KubeletView } from '../view.ts';
import { parseLogOptions } from './log_options.ts';
import { readContainerLog } from './log_reader.ts';
import { logContainerId } from './log_target.ts';

export interface LogServing {
  readonly clock: Clock;
  readonly log: Log;
  /** Ends all following. */
  readonly signal: AbortSignal;
}

/** @throws RequestError before anything is written */
export async function serveContainerLogs(
  view: KubeletView,
  exchange: Exchange,
  serving: LogServing,
): Promise<void> {
  const { res, path, query } = exchange;
  const where = podPath(path, { container: true });
  if (where === undefined) throw new RequestError(404, '404: Page Not Found');
  const options = parseLogOptions(query, serving.clock.now());
  const pod = view.pods.podByName(where.namespace, where.name);
  const uid = pod?.metadata.uid ?? '';
  if (pod === undefined || (where.uid !== undefined && where.uid !== uid))
    throw new RequestError(404, `pod "${where.name}" does not exist`);
  const id = logContainerId(pod, view.pods.status(uid) ?? pod.status, where.container, options.previous);
  const container = (): ReturnType<typeof findContainer> => findContainer(view, uid, id);
  const logPath = container()?.logPath ?? '';
  if (logPath === '') throw new RequestError(400, `unable to retrieve container logs for ${id}`);

  const gone = new AbortController();
  res.once('close', () => gone.abort());
  const signal = AbortSignal.any([serving.signal, gone.signal]);
  const begin = (): void => {
    if (!res.headersSent) res.writeHead(200, { 'content-type': 'text/plain' });
  };
  try {
    // A follower learns at once that there is nothing yet, rather than with the first line.
    if (options.follow) {
      begin();
      res.flushHeaders();
    }
    await readContainerLog({
      path: logPath,
      options,
      running: () => ['running', 'created'].includes(container()?.state ?? ''),
      write: async (chunk) => {
        begin();
        if (!res.write(chunk) && !signal.aborted) await once(res, 'drain', { signal }).catch(() => undefined);
      },
      clock: serving.clock,
      log: serving.log,
      signal,
    });
    begin();
    res.end();
  } catch (err) {
    if (gone.signal.aborted) return;
    const what = errorCode(err) === 'ENOENT' ? 'the log file does not exist (any more)' : errorMessage(err);
    if (!res.headersSent)
      throw new RequestError(500, `unable to retrieve container logs for ${id}: ${what}`, { cause: err });
    serving.log.error(err, 'Container log ended early', { path: logPath });
    res.end(`\nfailed to read the container log: ${what}\n`);
  }
}

function findContainer(view: KubeletView, uid: string, id: string) {
  return view.runtime.podStatus(uid)?.containers.find((c) => c.id === id);
}

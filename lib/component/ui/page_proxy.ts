/**
 * A page of a daemon for the browser of whoever may see it: a server on a loopback address that asks the daemon with the
 * credentials of a kubeconfig, as `kubectl proxy` does for the apiserver.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { ApiClient } from '../../client/client.ts';
import { ApiError } from '../../client/errors.ts';
import { errorMessage } from '../../base/errors.ts';
import { requestTarget, textError } from '../serving/exchange.ts';

const TYPES: readonly (readonly [RegExp, string])[] = [
  [/\.js$/, 'text/javascript; charset=utf-8'],
  [/\.css$/, 'text/css; charset=utf-8'],
  [/^\/[^/]*$/, 'text/html; charset=utf-8'],
];

/**
 * Not listening yet. Only `path` and what is below it is asked for, only read, and only for requests that were meant for a
 * loopback address: a page from elsewhere cannot use it (DNS rebinding).
 */
export function pageProxy(client: Pick<ApiClient, 'requestText'>, path: string): Server {
  return createServer((req, res) => {
    void answer(client, path, req, res);
  });
}

async function answer(
  client: Pick<ApiClient, 'requestText'>,
  page: string,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  const target = requestTarget(req.url);
  if (!/^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/.test(req.headers.host ?? ''))
    textError(res, 403, 'want a loopback address as host');
  else if (req.method !== 'GET') textError(res, 405, 'want GET');
  else if (target?.path === '/') res.writeHead(302, { location: page }).end();
  else if (target === undefined || !(target.path === page || target.path.startsWith(`${page}/`)))
    textError(res, 404, '404 page not found');
  else
    try {
      const { path, query } = target;
      const body = await client.requestText({ method: 'GET', path, query: Object.fromEntries(query) });
      const type = TYPES.find(([pattern]) => pattern.test(path))?.[1] ?? 'application/json';
      res.writeHead(200, {
        'content-type': type,
        'x-content-type-options': 'nosniff',
        'cache-control': 'no-store',
      });
      res.end(body);
    } catch (err) {
      textError(res, err instanceof ApiError ? err.status : 502, errorMessage(err));
    }
}

/** /logs/: files and folders of the host's log directory, read only. */
import { createReadStream } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { errorCode } from '../../base/errors.ts';
import type { Exchange } from '../../component/serving/exchange.ts';
import { text } from '../../component/serving/exchange.ts';
import { RequestError } from './request_error.ts';

/**
 * @param root the folder; nothing outside is served, not by a symbolic link either: pods may be able to write below it
 * @throws RequestError 404, 403
 */
export async function serveHostLogs({ res, path }: Exchange, root: string): Promise<void> {
  const relative = decodeURIComponent(path.replace(/^\/logs\/?/, ''));
  let file: string;
  let folder: string;
  try {
    folder = await realpath(root);
    file = await realpath(join(folder, relative));
  } catch (err) {
    throw new RequestError(errorCode(err) === 'EACCES' ? 403 : 404, '404 page not found\n', { cause: err });
  }
  if (file !== folder && !file.startsWith(folder + sep)) throw new RequestError(404, '404 page not found\n');
  const info = await stat(file);
  if (info.isDirectory()) {
    if (!path.endsWith('/')) {
      res.writeHead(301, { location: `${path.slice(path.lastIndexOf('/') + 1)}/` }).end();
      return;
    }
    const entries = await readdir(file, { withFileTypes: true });
    const names = entries.map((e) => (e.isDirectory() ? `${e.name}/` : e.name)).sort();
    const links = names.map((n) => `<a href="${encodeURI(n).replaceAll('"', '%22')}">${escapeHtml(n)}</a>\n`);
    const head = '<!doctype html>\n<meta name="viewport" content="width=device-width">\n';
    text(res, `${head}<pre>\n${links.join('')}</pre>\n`, 'text/html; charset=utf-8');
    return;
  }
  // Pipes and devices would block for ever.
  if (!info.isFile()) throw new RequestError(403, '403 Forbidden\n');
  res.writeHead(200, {
    'content-type': 'text/plain; charset=utf-8',
    'last-modified': info.mtime.toUTCString(),
  });
  await pipeline(createReadStream(file), res);
}

function escapeHtml(value: string): string {
  return value
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

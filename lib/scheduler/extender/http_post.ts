/** The HTTP side of extenders. */
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { abortReason } from '../../base/errors.ts';
import { Transport } from '../../client/transport.ts';
import type { ExtenderConfig } from './extender_config.ts';
import type { PostJson } from './extender.ts';

const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

/** A connection pool for one extender. `close` ends it. Throws when a file of its TLS settings cannot be read. */
export function httpPost(config: Pick<ExtenderConfig, 'urlPrefix' | 'tlsConfig'>): {
  readonly post: PostJson;
  close(): Promise<void>;
} {
  const { tlsConfig: tls } = config;
  const pem = (field: 'ca' | 'cert' | 'key', data = '', file = ''): { [F in typeof field]?: string } => {
    if (data !== '') return { [field]: Buffer.from(data, 'base64').toString() };
    return file === '' ? {} : { [field]: readFileSync(file, 'utf8') };
  };
  const material = {
    ...pem('ca', tls?.caData, tls?.caFile),
    ...pem('cert', tls?.certData, tls?.certFile),
    ...pem('key', tls?.keyData, tls?.keyFile),
  };
  const transport = new Transport(new URL(config.urlPrefix).origin, {
    ...(tls?.serverName === undefined || tls.serverName === '' ? {} : { serverName: tls.serverName }),
    insecureSkipVerify: tls?.insecure === true,
  });
  return {
    async post(url, body, { timeoutMs, signal }) {
      const { pathname, search } = new URL(url);
      const what = `POST ${url}`;
      const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
      const answer = await transport.send({
        method: 'POST',
        path: `${pathname}${search}`,
        headers: { 'content-type': 'application/json' },
        body: Buffer.from(JSON.stringify(body)),
        tls: material,
        stream: false,
        signal: limit,
      });
      const text = await readText(answer, what, limit);
      if (answer.statusCode !== 200)
        throw new Error(`${what}: HTTP ${answer.statusCode}: ${text.slice(0, 200)}`);
      const parsed: unknown = text === '' ? undefined : JSON.parse(text);
      return parsed;
    },
    close: () => {
      transport.close();
      return Promise.resolve();
    },
  };
}

async function readText(answer: IncomingMessage, what: string, signal: AbortSignal): Promise<string> {
  const cut = (): void => {
    answer.destroy(abortReason(signal));
  };
  signal.addEventListener('abort', cut, { once: true });
  try {
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > MAX_ANSWER_BYTES)
        throw new Error(`${what}: the answer has more than ${MAX_ANSWER_BYTES} bytes`);
      chunks.push(chunk);
    }
    return Buffer.concat(chunks).toString();
  } finally {
    signal.removeEventListener('abort', cut);
  }
}

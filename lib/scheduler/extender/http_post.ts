/** The HTTP side of extenders. */
import { readFileSync } from 'node:fs';
import { Agent, request } from 'undici';
import type { ExtenderConfig } from './extender_config.ts';
import type { PostJson } from './extender.ts';

const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

/** A connection pool for one extender. `close` ends it. Throws when a file of its TLS settings cannot be read. */
export function httpPost(config: ExtenderConfig): { readonly post: PostJson; close(): Promise<void> } {
  const { tlsConfig: tls } = config;
  const either = (data = '', file = ''): Buffer | undefined => {
    if (data !== '') return Buffer.from(data, 'base64');
    return file === '' ? undefined : readFileSync(file);
  };
  const ca = either(tls?.caData, tls?.caFile);
  const cert = either(tls?.certData, tls?.certFile);
  const key = either(tls?.keyData, tls?.keyFile);
  const agent = new Agent({
    maxResponseSize: MAX_ANSWER_BYTES,
    connect: {
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      ...(tls?.serverName === undefined || tls.serverName === '' ? {} : { servername: tls.serverName }),
      rejectUnauthorized: tls?.insecure !== true,
    },
  });
  return {
    async post(url, body, { timeoutMs, signal }) {
      const answer = await request(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
        dispatcher: agent,
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      });
      const text = await answer.body.text();
      if (answer.statusCode !== 200)
        throw new Error(`POST ${url}: HTTP ${answer.statusCode}: ${text.slice(0, 200)}`);
      const parsed: unknown = text === '' ? undefined : JSON.parse(text);
      return parsed;
    },
    close: () => agent.close(),
  };
}

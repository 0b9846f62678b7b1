/** A minimal client of the apiserver for hack/up itself: JSON over TLS with a client certificate. */
import { request } from 'node:https';
import type { KeyPair } from './pki/certificate.ts';

/** JSON as it comes off the wire: to be looked into with {@link field}. */
export type Json = unknown;

export interface Api {
  /** Rejects with {@link ApiFailure} on every status but 2xx. */
  call(method: string, path: string, body?: { type: string; content: Json }): Promise<Json>;
}

export class ApiFailure extends Error {
  override readonly name = 'ApiFailure';
  readonly status: number;
  constructor(method: string, path: string, status: number, message: string) {
    super(`${method} ${path}: ${status} ${message}`);
    this.status = status;
  }
}

/** An API at `server`, trusted through `authority`, as the holder of `pair`. */
export function createApi(server: string, authority: string, pair: KeyPair): Api {
  return {
    call: (method, path, body) =>
      new Promise((resolve, reject) => {
        const payload = body === undefined ? undefined : JSON.stringify(body.content);
        const call = request(
          `${server}${path}`,
          {
            method,
            ca: authority,
            cert: pair.certificate,
            key: pair.key,
            agent: false,
            timeout: 15_000,
            headers: {
              accept: 'application/json',
              ...(body === undefined
                ? {}
                : { 'content-type': body.type, 'content-length': Buffer.byteLength(payload ?? '') }),
            },
          },
          (response) => {
            const chunks: Buffer[] = [];
            response.on('data', (chunk: Buffer) => chunks.push(chunk));
            response.once('error', reject);
            response.once('end', () => {
              const text = Buffer.concat(chunks).toString();
              const status = response.statusCode ?? 0;
              try {
                const answer: Json = text === '' ? undefined : JSON.parse(text);
                if (status >= 200 && status < 300) resolve(answer);
                else reject(new ApiFailure(method, path, status, messageOf(answer) ?? text));
              } catch (error) {
                reject(
                  new ApiFailure(method, path, status, `no JSON: ${text.slice(0, 200)} (${String(error)})`),
                );
              }
            });
          },
        );
        call.once('timeout', () => call.destroy(new Error(`${method} ${path}: no answer within 15 s`)));
        call.once('error', reject);
        call.end(payload);
      }),
  };
}

// A failed call answers with a Status object (meta/v1).
function messageOf(answer: Json): string | undefined {
  const message = field(answer, 'message');
  return typeof message === 'string' ? message : undefined;
}

/** The value at `keys` inside `value`, or `undefined` wherever the way ends. */
export function field(value: Json, ...keys: readonly (string | number)[]): Json {
  let here: unknown = value;
  for (const key of keys) {
    if (typeof here !== 'object' || here === null) return undefined;
    here = Object.hasOwn(here, key) ? Reflect.get(here, key) : undefined;
  }
  return here;
}

/** The list at `keys`, empty when there is none. */
export function listAt(value: Json, ...keys: readonly (string | number)[]): readonly Json[] {
  const found = field(value, ...keys);
  return Array.isArray(found) ? found : [];
}

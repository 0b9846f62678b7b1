import type { IncomingMessage } from 'node:http';
import type { KubeObject } from '../api/types.ts';
import type { Clock, Timer } from '../base/clock.ts';
import { systemClock } from '../base/clock.ts';
import { Deadline } from './call_deadline.ts';
import type {
  ApiClient,
  CallOptions,
  CreatedSubresource,
  KubeList,
  NewObject,
  ObjectKey,
  PatchType,
  QueryValue,
  RawRequest,
  StreamResponse,
  WriteOptions,
} from './client.ts';
import type { ClientConfig } from './client_config.ts';
import { Credentials } from './credentials.ts';
import { errorFromResponse, TransportError } from './errors.ts';
import { TokenBucket } from './rate_limit.ts';
import { apiVersionOf, resourcePath } from './resource.ts';
import type { ResourceType } from './resource.ts';
import { asList, asObject, isRecord } from './decode.ts';
import { readAll, streamBody } from './response_body.ts';
import { Transport } from './transport.ts';

export interface ClientOptions {
  /** Calls a second on average; 0 or less: no limit. Default 50 (upstream's for node components). */
  readonly qps?: number;
  /** Calls at once before the limit is felt. Default 100. */
  readonly burst?: number;
  /** Default `ts-kubernetes`. */
  readonly userAgent?: string;
  readonly clock?: Clock;
  /** Told of things that did not fail a call but should be known: a token file unreadable, ... */
  readonly onError?: (err: unknown) => void;
  /** Asked right before each request is sent, when it has waited for its turn: what it throws fails the call. */
  readonly beforeSend?: (method: string) => void;
  /** Told of every request that was sent when it has ended, repeated ones each time; of a watch when it begins. */
  readonly observe?: (request: ObservedRequest) => void;
}

/** A request that was sent, and how it was answered. */
export interface ObservedRequest {
  readonly method: string;
  /** `HOST:PORT` of the server. */
  readonly host: string;
  /** `undefined`: there was no answer. */
  readonly status: number | undefined;
  /** Until the answer began. */
  readonly durationMs: number;
  /** How long it was held back by the client's own limit. */
  readonly waitedMs: number;
  readonly requestBytes: number;
  /** `undefined`: the answer has no end yet (a watch), or broke off. */
  readonly responseBytes: number | undefined;
}

interface Answer {
  readonly message: IncomingMessage;
  readonly observed: Omit<ObservedRequest, 'responseBytes'>;
}

// How often the server may put a call off (429, 503) before that is its answer.
const MAX_RETRIES = 10;
// While streams are open their credentials are looked at that often, so that a rotation reaches them.
const STREAM_CREDENTIAL_CHECK_MS = 10_000;

/** A client of the apiserver that `config` names. Nothing is sent, and no file is read, before the first call. */
export function createClient(config: ClientConfig, options: ClientOptions = {}): ApiClient {
  return new HttpClient(config, options);
}

const PATCH_CONTENT_TYPES: Readonly<Record<PatchType, string>> = {
  merge: 'application/merge-patch+json',
  'strategic-merge': 'application/strategic-merge-patch+json',
  json: 'application/json-patch+json',
  apply: 'application/apply-patch+yaml', // JSON is YAML
};

interface Call {
  readonly method: string;
  readonly path: string;
  readonly query?: Readonly<Record<string, QueryValue>>;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

class HttpClient implements ApiClient {
  readonly #transport: Transport;
  readonly #credentials: Credentials;
  readonly #bucket: TokenBucket;
  readonly #clock: Clock;
  readonly #userAgent: string;
  readonly #onError: (err: unknown) => void;
  readonly #beforeSend: (method: string) => void;
  readonly #observe: (request: ObservedRequest) => void;
  readonly #host: string;
  #streamCheck: Timer | undefined;

  constructor(config: ClientConfig, options: ClientOptions) {
    this.#clock = options.clock ?? systemClock;
    this.#onError = options.onError ?? (() => undefined);
    this.#transport = new Transport(config.server, config.tls, config.proxyUrl);
    this.#credentials = new Credentials(config, this.#clock, this.#onError);
    this.#bucket = new TokenBucket(options.qps ?? 50, options.burst ?? 100, this.#clock);
    this.#userAgent = options.userAgent ?? 'ts-kubernetes';
    this.#beforeSend = options.beforeSend ?? (() => undefined);
    this.#host = new URL(config.server).host;
    this.#observe = options.observe ?? (() => undefined);
  }

  async get<T extends KubeObject>(
    r: ResourceType<T>,
    key: ObjectKey,
    opts: Parameters<ApiClient['get']>[2] = {},
  ): Promise<T> {
    const { subresource, resourceVersion } = opts;
    const path = resourcePath(r, { ...key, ...(subresource === undefined ? {} : { subresource }) });
    return this.#object(r, { method: 'GET', path, query: { resourceVersion } }, opts);
  }

  async list<T extends KubeObject>(
    r: ResourceType<T>,
    opts: Parameters<ApiClient['list']>[1] = {},
  ): Promise<KubeList<T>> {
    const call: Call = {
      method: 'GET',
      path: resourcePath(r, { namespace: opts.namespace }),
      query: {
        labelSelector: opts.labelSelector,
        fieldSelector: opts.fieldSelector,
        limit: opts.limit,
        continue: opts.continue,
        resourceVersion: opts.resourceVersion,
        resourceVersionMatch: opts.resourceVersionMatch,
      },
    };
    return asList(await this.#json(call, opts), r, describe(call));
  }

  async create<T extends KubeObject>(
    r: ResourceType<T>,
    object: NewObject<T>,
    opts: WriteOptions = {},
  ): Promise<T> {
    if (r.namespaced && (object.metadata.namespace ?? '') === '') {
      throw new TypeError(`${r.kind} to create: metadata.namespace is required`);
    }
    const path = resourcePath(r, { namespace: object.metadata.namespace });
    return this.#object(r, { method: 'POST', path, query: writeQuery(opts), body: typed(r, object) }, opts);
  }

  async update<T extends KubeObject>(
    r: ResourceType<T>,
    object: T,
    opts: Parameters<ApiClient['update']>[2] = {},
  ): Promise<T> {
    const { subresource } = opts;
    const { namespace, name } = object.metadata;
    const path = resourcePath(r, { namespace, name, ...(subresource === undefined ? {} : { subresource }) });
    return this.#object(r, { method: 'PUT', path, query: writeQuery(opts), body: typed(r, object) }, opts);
  }

  async patch<T extends KubeObject>(
    r: ResourceType<T>,
    key: ObjectKey,
    body: unknown,
    opts: Parameters<ApiClient['patch']>[3],
  ): Promise<T> {
    const { type, subresource, force } = opts;
    if (type === 'apply' && (opts.fieldManager ?? '') === '') {
      throw new TypeError('patch of type "apply": fieldManager is required');
    }
    return this.#object(
      r,
      {
        method: 'PATCH',
        path: resourcePath(r, { ...key, ...(subresource === undefined ? {} : { subresource }) }),
        query: { ...writeQuery(opts), force },
        body,
        contentType: PATCH_CONTENT_TYPES[type],
      },
      opts,
    );
  }

  async delete(
    r: ResourceType<KubeObject>,
    key: ObjectKey,
    opts: Parameters<ApiClient['delete']>[2] = {},
  ): Promise<void> {
    const { gracePeriodSeconds, preconditions, propagationPolicy, dryRun } = opts;
    const body = {
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      gracePeriodSeconds,
      preconditions,
      propagationPolicy,
      ...(dryRun === true ? { dryRun: ['All'] } : {}),
    };
    await this.#json({ method: 'DELETE', path: resourcePath(r, key), body }, opts);
  }

  async createSubresource<S extends keyof CreatedSubresource>(
    r: ResourceType<KubeObject>,
    key: ObjectKey,
    subresource: S,
    body: unknown,
    opts: WriteOptions = {},
  ): Promise<CreatedSubresource[S]> {
    const path = resourcePath(r, { ...key, subresource });
    const call: Call = { method: 'POST', path, query: writeQuery(opts), body };
    const answer = await this.#json(call, opts);
    if (!isCreated(answer, subresource)) {
      throw new TransportError(`${describe(call)}: the answer is neither a Status nor the ${subresource}`);
    }
    return answer;
  }

  async request<R>(request: RawRequest): Promise<R> {
    // The one place where a caller's word is taken for the type: it names a path that we know nothing about.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    return (await this.#json(request, request)) as R;
  }

  async requestText(request: RawRequest): Promise<string> {
    const bytes = await this.#bytes({ ...request, headers: { accept: '*/*', ...request.headers } }, request);
    return bytes.toString('utf8');
  }

  async stream(request: RawRequest): Promise<StreamResponse> {
    const call = new Deadline(request, this.#clock, describe(request));
    try {
      const { message, observed } = await this.#send(request, call, true);
      this.#observe({ ...observed, responseBytes: undefined });
      call.headerArrived();
      this.#watchCredentials();
      return {
        status: message.statusCode ?? 0,
        headers: flatHeaders(message),
        body: streamBody(message, call, describe(request)),
      };
    } catch (err) {
      call.end();
      throw err;
    }
  }

  close(): Promise<void> {
    this.#streamCheck?.cancel();
    this.#transport.close();
    return Promise.resolve();
  }

  async #object<T extends KubeObject>(r: ResourceType<T>, call: Call, opts: CallOptions): Promise<T> {
    return asObject(await this.#json(call, opts), r, describe(call));
  }

  async #json(call: Call, opts: CallOptions): Promise<unknown> {
    const bytes = await this.#bytes(call, opts);
    try {
      return JSON.parse(bytes.toString('utf8')) as unknown;
    } catch (err) {
      const start = bytes.toString('utf8', 0, 100);
      throw new TransportError(`${describe(call)}: the answer is not JSON: ${start}`, { cause: err });
    }
  }

  async #bytes(call: Call, opts: CallOptions): Promise<Buffer> {
    const deadline = new Deadline(opts, this.#clock, describe(call));
    try {
      return await this.#readObserved(await this.#send(call, deadline, false), deadline, describe(call));
    } finally {
      deadline.end();
    }
  }

  async #readObserved({ message, observed }: Answer, deadline: Deadline, what: string): Promise<Buffer> {
    let responseBytes: number | undefined;
    try {
      const body = await readAll(message, deadline, what);
      responseBytes = body.length;
      return body;
    } finally {
      this.#observe({ ...observed, responseBytes });
    }
  }

  /** Resolves with an answer of 2xx, tries again where the server says so; anything else is thrown. */
  async #send(call: Call, deadline: Deadline, stream: boolean): Promise<Answer> {
    const what = describe(call);
    const path = call.path + queryString(call.query);
    const body = call.body === undefined ? undefined : Buffer.from(JSON.stringify(call.body));
    let renewed = false;
    for (let attempt = 0; ; attempt++) {
      const asked = this.#clock.monotonic();
      await this.#bucket.take(deadline.signal);
      const waitedMs = this.#clock.monotonic() - asked;
      const identity = await deadline.race(this.#credentials.current());
      const began = this.#clock.monotonic();
      const sending = this.#transport.send({
        method: call.method,
        path,
        headers: {
          accept: 'application/json',
          'user-agent': this.#userAgent,
          ...(body === undefined ? {} : { 'content-type': call.contentType ?? 'application/json' }),
          ...call.headers,
          ...identity.headers,
        },
        ...(body === undefined ? {} : { body }),
        tls: identity.tls,
        stream,
        signal: deadline.signal,
        beforeSend: () => this.#beforeSend(call.method),
      });
      const observed = (status: number | undefined): Answer['observed'] => ({
        method: call.method,
        host: this.#host,
        status,
        durationMs: this.#clock.monotonic() - began,
        waitedMs,
        requestBytes: body?.length ?? 0,
      });
      const message = await sending.catch((err: unknown) => {
        this.#observe({ ...observed(undefined), responseBytes: undefined });
        throw err;
      });
      const answer = { message, observed: observed(message.statusCode) };
      const status = message.statusCode ?? 0;
      if (status >= 200 && status < 300) return answer;
      const text = (await this.#readObserved(answer, deadline, what)).toString('utf8');
      const header = message.headers['retry-after'];
      const error = errorFromResponse(status, text, what, header, this.#clock.now());
      if (status === 401 && this.#credentials.renewable && !renewed) {
        renewed = true;
        this.#credentials.invalidate();
        continue;
      }
      const wait = header === undefined ? undefined : error.retryAfterMs;
      if ((status !== 429 && status < 500) || wait === undefined || attempt >= MAX_RETRIES) throw error;
      // No use in waiting past the deadline: the refusal says more than a timeout would.
      if (wait >= deadline.leftMs) throw error;
      await this.#clock.sleep(Math.max(wait, 50), deadline.signal);
    }
  }

  // A client that only watches makes no calls that would notice new credentials.
  #watchCredentials(): void {
    this.#streamCheck ??= this.#clock.setTimer(STREAM_CREDENTIAL_CHECK_MS, () => {
      this.#streamCheck = undefined;
      if (!this.#transport.streaming) return;
      this.#watchCredentials();
      Promise.resolve(this.#credentials.current()).then(
        (identity) => this.#transport.useMaterial(identity.tls),
        (err: unknown) => this.#onError(err),
      );
    });
  }
}

function isCreated<S extends keyof CreatedSubresource>(
  value: unknown,
  subresource: S,
): value is CreatedSubresource[S] {
  return (
    isRecord(value) && (subresource === 'token' ? isRecord(value['status']) : value['kind'] === 'Status')
  );
}

function writeQuery(opts: WriteOptions): Record<string, QueryValue> {
  const { fieldManager, dryRun, fieldValidation } = opts;
  return { fieldManager, fieldValidation, dryRun: dryRun === true ? 'All' : undefined };
}

// The server wants both, and objects out of lists come without.
function typed<T extends KubeObject>(r: ResourceType<T>, object: NewObject<T>): unknown {
  return { apiVersion: apiVersionOf(r), kind: r.kind, ...object };
}

function queryString(query: Readonly<Record<string, QueryValue>> | undefined): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value === undefined || value === '') continue;
    for (const v of Array.isArray(value) ? (value as readonly string[]) : [String(value)])
      params.append(name, v);
  }
  const text = params.toString();
  return text === '' ? '' : `?${text}`;
}

function describe(call: { readonly method: string; readonly path: string }): string {
  return `${call.method} ${call.path}`;
}

function flatHeaders(message: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(message.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return headers;
}

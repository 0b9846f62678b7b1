import { Client, Metadata, connectivityState, credentials, type ServiceError } from '@grpc/grpc-js';
import { type CriCode, CriError, codeName } from './errors.ts';

/** Largest message either way: as stock (16 MiB). */
export const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

const OPTIONS = {
  'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
  'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
  // The runtime is local: be back within a second after it is.
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.min_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 1000,
  // A call is repeated by whoever knows whether it may be, never by the channel.
  'grpc.enable_retries': 0,
  'grpc.service_config_disable_resolution': 1,
} as const;

/** The wire form of one method. */
export interface Method<Req, Res> {
  readonly name: string;
  readonly path: string;
  readonly encode: (request: Req) => Buffer;
  readonly decode: (bytes: Buffer) => Res;
}

export interface CallOptions {
  /** Milliseconds; `undefined` for no deadline. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * One connection to a gRPC server on a unix socket. It connects at the first call and again, with back-off
 * from 100 ms to 1 s, whenever the server went away; while it is away calls fail at once with `UNAVAILABLE`.
 */
export class Channel {
  readonly #client: Client;
  readonly #unimplemented = new Set<string>();
  #connected = false;
  #watching = true;

  /** `endpoint`: `unix:///path`, `unix:path` or an absolute path. */
  constructor(endpoint: string) {
    this.#client = new Client(target(endpoint), credentials.createInsecure(), OPTIONS);
    this.#watch();
  }

  /** True while the connection stands. */
  get connected(): boolean {
    return this.#connected;
  }

  /** True once the server answered `UNIMPLEMENTED` for the method; forgotten when it reconnects (it may be newer then). */
  unimplemented(method: string): boolean {
    return this.#unimplemented.has(method);
  }

  unary<Req, Res>(method: Method<Req, Res>, request: Req, options: CallOptions): Promise<Res> {
    const refused = this.#refusal(method.name, options.signal);
    if (refused !== undefined) return Promise.reject(refused);
    return new Promise((resolve, reject) => {
      const call = this.#client.makeUnaryRequest<Req, Res>(
        method.path,
        method.encode,
        method.decode,
        request,
        new Metadata(),
        deadline(options.timeoutMs),
        (error, response) => {
          options.signal?.removeEventListener('abort', cancel);
          if (error !== null) reject(this.#failure(method.name, error, options));
          else if (response === undefined) reject(new CriError(method.name, 'INTERNAL', 'empty response'));
          else resolve(response);
        },
      );
      const cancel = (): void => call.cancel();
      options.signal?.addEventListener('abort', cancel, { once: true });
    });
  }

  /** Messages of a server stream in order; ends when the server ends it, throws {@link CriError} when it fails. */
  async *stream<Req, Res>(method: Method<Req, Res>, request: Req, options: CallOptions): AsyncGenerator<Res> {
    const refused = this.#refusal(method.name, options.signal);
    if (refused !== undefined) throw refused;
    const call = this.#client.makeServerStreamRequest<Req, Res>(
      method.path,
      method.encode,
      method.decode,
      request,
      new Metadata(),
      deadline(options.timeoutMs),
    );
    const cancel = (): void => call.cancel();
    options.signal?.addEventListener('abort', cancel, { once: true });
    try {
      // oxlint-disable-next-line no-unsafe-type-assertion -- messages come from `decode`; the library types its iterator loosely
      for await (const message of call as AsyncIterable<Res>) yield message;
    } catch (error) {
      throw isServiceError(error) ? this.#failure(method.name, error, options) : error;
    } finally {
      options.signal?.removeEventListener('abort', cancel);
      call.cancel();
    }
  }

  close(): void {
    this.#watching = false;
    this.#client.close();
  }

  #refusal(method: string, signal: AbortSignal | undefined): Error | undefined {
    if (signal?.aborted === true)
      return new CriError(method, 'CANCELLED', 'aborted', { cause: signal.reason });
    return this.#unimplemented.has(method)
      ? new CriError(method, 'UNIMPLEMENTED', `the runtime does not implement ${method}`)
      : undefined;
  }

  #failure(method: string, error: ServiceError, options: CallOptions): CriError {
    const code: CriCode = codeName(error.code);
    if (code === 'UNIMPLEMENTED') this.#unimplemented.add(method);
    const details = error.details === '' ? error.message : error.details;
    if (code === 'DEADLINE_EXCEEDED' && options.timeoutMs !== undefined) {
      return new CriError(method, code, `${method} took longer than ${options.timeoutMs} ms`, {
        cause: error,
      });
    }
    return new CriError(method, code, details, { cause: error });
  }

  #watch(): void {
    const channel = this.#client.getChannel();
    const state = channel.getConnectivityState(false);
    const connected = state === connectivityState.READY;
    if (connected && !this.#connected) this.#unimplemented.clear();
    this.#connected = connected;
    if (state === connectivityState.SHUTDOWN) return;
    channel.watchConnectivityState(state, Infinity, (error) => {
      if (error === undefined && this.#watching) this.#watch();
    });
  }
}

function target(endpoint: string): string {
  if (endpoint.startsWith('/')) return `unix:${endpoint}`;
  if (endpoint.startsWith('unix:')) return endpoint;
  throw new TypeError(`runtime endpoint "${endpoint}": want unix:///path/to/socket`);
}

function deadline(timeoutMs: number | undefined): { deadline?: Date } {
  return timeoutMs === undefined ? {} : { deadline: new Date(Date.now() + timeoutMs) };
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' && 'details' in error;
}

/**
 * Typed client for CRI v1 (k8s.io/cri-api): one method per call of RuntimeService and ImageService.
 *
 * Requests may leave out any field (protobuf defaults are filled in). Every call has a deadline; errors are
 * {@link CriError} by gRPC code. Calls that a runtime may lack answer `UNIMPLEMENTED` once over the wire and from
 * memory after that, until the runtime comes back as perhaps another version.
 */
import { type CallOptions, Channel, type Method } from './channel.ts';
import { ImageServiceDefinition, RuntimeServiceDefinition } from './generated/api.ts';

export type * from './generated/api.ts';

/** `T` with every field optional, at any depth. */
export type Partially<T> = T extends Uint8Array | bigint | string | number | boolean | undefined
  ? T
  : T extends readonly (infer U)[]
    ? readonly Partially<U>[]
    : T extends object
      ? { readonly [K in keyof T]?: Partially<T[K]> | undefined }
      : T;

interface MessageType<T> {
  encode(message: T): { finish(): Uint8Array };
  decode(bytes: Uint8Array): T;
}
type Definition = typeof RuntimeServiceDefinition.methods & typeof ImageServiceDefinition.methods;
type Message<T> = T extends MessageType<infer M> ? M : never;
type Call<D> = D extends { requestType: infer Q; responseType: infer R; responseStream: infer S }
  ? S extends true
    ? (request?: Partially<Message<Q>>, options?: CallOptions) => AsyncGenerator<Message<R>>
    : (request?: Partially<Message<Q>>, options?: CallOptions) => Promise<Message<R>>
  : never;

/** All calls of CRI v1, camelCase as in the definition (`runPodSandbox`, `pullImage`, ...). */
export type CriCalls = { readonly [K in keyof Definition]: Call<Definition[K]> };

export interface RuntimeClient extends CriCalls {
  /** True while the socket is connected. */
  readonly connected: boolean;
  /** False once the runtime said that it does not implement the call. */
  supports(call: keyof CriCalls): boolean;
  close(): void;
}

export interface RuntimeClientOptions {
  /** `unix:///run/containerd/containerd.sock`. */
  readonly endpoint: string;
  /** When images are served elsewhere. */
  readonly imageEndpoint?: string;
  /** Deadline of calls that name none (kubelet's `runtimeRequestTimeout`). Default 2 min. */
  readonly requestTimeoutMs?: number;
  /** Told of every call (streams left out) when it has ended, by its CRI name (`RunPodSandbox`), for metrics. */
  readonly observe?: (call: {
    readonly name: string;
    readonly durationMs: number;
    readonly failed: boolean;
  }) => void;
}

/** Connects lazily: nothing is sent before the first call, and a runtime that is away now may come later. */
export function connectRuntime(options: RuntimeClientOptions): RuntimeClient {
  const runtime = new Channel(options.endpoint);
  const image =
    options.imageEndpoint === undefined || options.imageEndpoint === options.endpoint
      ? runtime
      : new Channel(options.imageEndpoint);
  const timeoutMs = options.requestTimeoutMs ?? 120_000;
  const calls: Record<string, unknown> = {};
  const channelOf = new Map<string, { channel: Channel; name: string }>();
  const services: readonly (readonly [Channel, AnyService])[] = [
    [runtime, RuntimeServiceDefinition],
    [image, ImageServiceDefinition],
  ];
  for (const [channel, service] of services) {
    for (const [key, definition] of Object.entries(service.methods)) {
      const call = callOf(channel, service.fullName, definition, defaultTimeout(definition.name, timeoutMs));
      calls[key] = definition.responseStream ? call : observed(definition.name, call, options.observe);
      channelOf.set(key, { channel, name: definition.name });
    }
  }
  return Object.defineProperties(
    {
      // oxlint-disable-next-line no-unsafe-type-assertion -- filled from the definitions that the type is derived from
      ...(calls as CriCalls),
      connected: false,
      supports(call: keyof CriCalls): boolean {
        const at = channelOf.get(call);
        return at !== undefined && !at.channel.unimplemented(at.name);
      },
      close(): void {
        runtime.close();
        if (image !== runtime) image.close();
      },
    },
    { connected: { get: () => runtime.connected } },
  );
}

interface AnyService {
  readonly fullName: string;
  readonly methods: Readonly<Record<string, AnyDefinition>>;
}
interface AnyDefinition {
  readonly name: string;
  readonly requestType: {
    encode(message: never): { finish(): Uint8Array };
    fromPartial(object: never): unknown;
  };
  readonly responseType: { decode(bytes: Uint8Array): unknown };
  readonly responseStream: boolean;
}

function callOf(
  channel: Channel,
  service: string,
  definition: AnyDefinition,
  timeoutMs: number | undefined,
): (request?: object, options?: CallOptions) => unknown {
  const { requestType, responseType } = definition;
  const method: Method<object, unknown> = {
    name: definition.name,
    path: `/${service}/${definition.name}`,
    encode: (request) => {
      // oxlint-disable-next-line no-unsafe-type-assertion -- `fromPartial` makes the complete message that `encode` takes
      const message = requestType.fromPartial(request as never) as never;
      return Buffer.from(requestType.encode(message).finish());
    },
    decode: (bytes) => responseType.decode(bytes),
  };
  return definition.responseStream
    ? (request = {}, options = {}) => channel.stream(method, request, options)
    : (request = {}, options = {}) =>
        channel.unary(method, request, 'timeoutMs' in options ? options : { ...options, timeoutMs });
}

function observed(
  name: string,
  call: (request?: object, options?: CallOptions) => unknown,
  observe: RuntimeClientOptions['observe'],
): (request?: object, options?: CallOptions) => unknown {
  if (observe === undefined) return call;
  return async (request, options) => {
    const began = performance.now();
    let failed = true;
    try {
      const answer = await call(request, options);
      failed = false;
      return answer;
    } finally {
      observe({ name, durationMs: performance.now() - began, failed });
    }
  };
}

/** Pulls take as long as they take (the caller watches progress); creating a sandbox waits for the network plugin. */
function defaultTimeout(method: string, timeoutMs: number): number | undefined {
  switch (method) {
    case 'PullImage':
      return undefined;
    case 'RunPodSandbox':
      return 2 * timeoutMs;
    default:
      return timeoutMs;
  }
}

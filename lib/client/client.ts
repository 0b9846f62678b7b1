/**
 * The interface through which everything talks to the apiserver. {@link createClient} makes the real one; tests of
 * code above may implement the few methods they need.
 */
import type { KubeObject, ObjectMeta, Status, TokenRequest } from '../api/types.ts';
import type { ResourceType } from './resource.ts';

/** Options of every call. */
export interface CallOptions {
  readonly signal?: AbortSignal;
  /** Deadline of the whole call, waiting for the rate limit and retries included. Default 30,000 ms. */
  readonly timeoutMs?: number;
}

/** Addresses one object. */
export interface ObjectKey {
  /** Required for namespaced resources. */
  readonly namespace?: string | undefined;
  readonly name: string;
}

/** An object as it is sent to be created: the server fills in the rest of the metadata (or the name itself). */
export type NewObject<T extends KubeObject> =
  T | (Omit<T, 'metadata'> & { readonly metadata: Partial<ObjectMeta> });

/** A list as the server sends it. */
export interface KubeList<T extends KubeObject> {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: {
    readonly resourceVersion?: string;
    /** Token for the next page; absent on the last one. */
    readonly continue?: string;
    readonly remainingItemCount?: number;
  };
  readonly items: readonly T[];
}

/** Which objects to list or watch. */
export interface ListSelection {
  /** Left out: all namespaces. */
  readonly namespace?: string | undefined;
  /** In the syntax of the API: `app=web,tier in (a,b)`. */
  readonly labelSelector?: string | undefined;
  /** In the syntax of the API: `spec.nodeName=n1`. */
  readonly fieldSelector?: string | undefined;
}

export interface ListOptions extends CallOptions, ListSelection {
  readonly limit?: number;
  readonly continue?: string;
  readonly resourceVersion?: string;
  readonly resourceVersionMatch?: 'Exact' | 'NotOlderThan';
}

export interface GetOptions extends CallOptions {
  readonly resourceVersion?: string;
  /** Reads a subresource, e.g. `status` or `scale`; the answer must be of the same type. */
  readonly subresource?: string;
}

export interface WriteOptions extends CallOptions {
  /** Name under which field ownership is recorded (metadata.managedFields). */
  readonly fieldManager?: string;
  /** Everything but storing: admission and validation run. */
  readonly dryRun?: boolean;
  readonly fieldValidation?: 'Ignore' | 'Warn' | 'Strict';
}

export interface UpdateOptions extends WriteOptions {
  readonly subresource?: string;
}

/** `apply` is server-side apply and requires `fieldManager`. */
export type PatchType = 'merge' | 'strategic-merge' | 'json' | 'apply';

export interface PatchOptions extends WriteOptions {
  readonly type: PatchType;
  readonly subresource?: string;
  /** Server-side apply only: take over fields that another manager owns. */
  readonly force?: boolean;
}

export interface DeleteOptions extends CallOptions {
  readonly gracePeriodSeconds?: number;
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly propagationPolicy?: 'Orphan' | 'Background' | 'Foreground';
  readonly dryRun?: boolean;
}

/** What the server returns for each subresource that is only ever created. */
export interface CreatedSubresource {
  readonly binding: Status;
  readonly eviction: Status;
  readonly token: TokenRequest;
}

export type QueryValue = string | number | boolean | undefined | readonly string[];

/** A request for what the typed methods do not cover. */
export interface RawRequest extends CallOptions {
  /** GET, POST, PUT, PATCH, DELETE. */
  readonly method: string;
  /** Absolute path on the server, already percent-encoded. */
  readonly path: string;
  readonly query?: Readonly<Record<string, QueryValue>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An answer whose body arrives over time (watch). */
export interface StreamResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /**
   * The body as it arrives, chunk boundaries anywhere. Ends normally when the server ended it properly; throws
   * {@link TransportError} when the connection died. Leaving the loop closes the stream.
   */
  readonly body: AsyncIterable<Uint8Array>;
}

/**
 * Access to the apiserver. Objects returned are plain JSON as the server sent them and must not be changed.
 *
 * Every method rejects with {@link ApiError} when the server refuses, {@link TransportError} when no complete
 * answer came ({@link TimeoutError} past the deadline), {@link CredentialError} when credentials cannot be had, and
 * with the signal's reason when aborted. Answers of 429 and 503 that name a Retry-After are waited for and tried
 * again within the deadline.
 */
export interface ApiClient {
  get<T extends KubeObject>(r: ResourceType<T>, key: ObjectKey, opts?: GetOptions): Promise<T>;
  /** One page (all, without `limit`). `listAll` (list_all.ts) follows `continue`. */
  list<T extends KubeObject>(r: ResourceType<T>, opts?: ListOptions): Promise<KubeList<T>>;
  /** Creates the object in `metadata.namespace`. */
  create<T extends KubeObject>(r: ResourceType<T>, object: NewObject<T>, opts?: WriteOptions): Promise<T>;
  /** Replaces the object (or the subresource); with `metadata.resourceVersion` only if unchanged since. */
  update<T extends KubeObject>(r: ResourceType<T>, object: T, opts?: UpdateOptions): Promise<T>;
  patch<T extends KubeObject>(
    r: ResourceType<T>,
    key: ObjectKey,
    body: unknown,
    opts: PatchOptions,
  ): Promise<T>;
  delete(r: ResourceType<KubeObject>, key: ObjectKey, opts?: DeleteOptions): Promise<void>;
  /** POST to `.../NAME/binding`, `/eviction` or `/token`. `apiVersion` and `kind` of the body are the caller's. */
  createSubresource<S extends keyof CreatedSubresource>(
    r: ResourceType<KubeObject>,
    key: ObjectKey,
    subresource: S,
    body: unknown,
    opts?: WriteOptions,
  ): Promise<CreatedSubresource[S]>;
  /** Any request with a JSON answer. The caller vouches for `R`. */
  request<R = unknown>(request: RawRequest): Promise<R>;
  /** Any request with a text answer, e.g. `/readyz?verbose` or `/metrics`. */
  requestText(request: RawRequest): Promise<string>;
  /** Any request whose answer is read as it arrives. `timeoutMs` limits the wait for the header only. */
  stream(request: RawRequest): Promise<StreamResponse>;
  /** Closes all connections; calls under way fail. */
  close(): Promise<void>;
}

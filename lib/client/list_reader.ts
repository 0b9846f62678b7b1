import type { KubeObject } from '../api/types.ts';
import { asList } from './decode.ts';
import { TransportError } from './errors.ts';
import { withoutAnyManagedFields } from './managed_fields.ts';
import type { ResourceType } from './resource.ts';

/** A list read to its end. */
export interface ReadList<T> {
  readonly items: readonly T[];
  readonly resourceVersion: string;
}

/** Bytes that are decoded at a time. */
const BLOCK_BYTES = 64 * 1024;

// How the server begins the list of a built-in type. Others are decoded when they are there as a whole.
const HEAD =
  /^\{"kind":"\w+","apiVersion":"[^"]*","metadata":\{"resourceVersion":"(\d+)"[^{}]*\},"items":\[(?=\{)/;
const HEAD_BYTES = 1024;
// Where an item may end and the next one begin. It may be inside an item, too: what is before it is no JSON then.
const BOUNDARY = '},{"metadata":{';

/**
 * Decodes a list while it arrives, without `managedFields`: neither its text nor all that decoding it needs is ever there as a
 * whole, and the server encodes the rest meanwhile. Works on bytes: chunks may end anywhere.
 */
export class ListReader<T extends KubeObject> {
  readonly #r: ResourceType<T>;
  readonly #what: string;
  readonly #items: T[] = [];
  /** Of the head; undefined while it has not been seen, null where there is none of this form. */
  #resourceVersion: string | null | undefined;
  #chunks: Uint8Array[] = [];
  #size = 0;
  #wanted = BLOCK_BYTES;

  /** @param what the request, for messages */
  constructor(r: ResourceType<T>, what: string) {
    this.#r = r;
    this.#what = what;
  }

  /** @throws ApiError when an item is no object of the type */
  push(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    if (this.#size >= this.#wanted && this.#resourceVersion !== null) this.#decodeSome();
  }

  /**
   * The body is at its end.
   *
   * @throws TransportError when it was no JSON, ApiError when it was no list of the type
   */
  end(): ReadList<T> {
    const rest = Buffer.concat(this.#chunks).toString('utf8');
    const inItems = typeof this.#resourceVersion === 'string';
    const value = parsed(inItems ? `{"metadata":{},"items":[${rest}` : rest);
    if (value === undefined)
      throw new TransportError(`${this.#what}: the answer is not JSON: ${rest.slice(0, 100)}`);
    const { items, metadata } = asList(value, this.#r, this.#what);
    this.#take(items);
    return {
      items: this.#items,
      resourceVersion: this.#resourceVersion ?? metadata.resourceVersion ?? '0',
    };
  }

  #decodeSome(): void {
    let block = Buffer.concat(this.#chunks);
    if (this.#resourceVersion === undefined) {
      const head = HEAD.exec(block.toString('latin1', 0, HEAD_BYTES));
      this.#resourceVersion = head?.[1] ?? null;
      block = block.subarray(head?.[0].length ?? 0);
    }
    const end = this.#resourceVersion === null ? -1 : block.lastIndexOf(BOUNDARY);
    const value = end === -1 ? undefined : parsed(`[${block.toString('utf8', 0, end + 1)}]`);
    if (value !== undefined) {
      this.#take(asList({ metadata: {}, items: value }, this.#r, this.#what).items);
      block = block.subarray(end + 2);
    }
    this.#chunks = [block];
    this.#size = block.length;
    // What cannot be told apart yet is tried again with twice as much, so that all tries together stay linear.
    this.#wanted = Math.max(BLOCK_BYTES, 2 * block.length);
  }

  #take(items: readonly T[]): void {
    for (const item of items) this.#items.push(item);
  }
}

/** Undefined for what is no JSON: text cut in the middle of an object never is. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(withoutAnyManagedFields(text));
  } catch {
    return undefined;
  }
}

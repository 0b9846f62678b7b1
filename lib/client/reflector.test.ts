import type { ConfigMap } from '../api/types.ts';
import { FakeClock } from '../base/fake_clock.ts';
import type { RawRequest } from './client.ts';
import { ApiError, TransportError } from './errors.ts';
import { fakeClient } from './fake_client.ts';
import { Reflector } from './reflector.ts';
import { CONFIG_MAPS } from './resource.ts';

/** One watch that the reflector opened, steered by the test. */
class Watch {
  readonly query: NonNullable<RawRequest['query']>;
  readonly #signal: AbortSignal | undefined;
  readonly #chunks: (Buffer | Error | 'end')[] = [];
  #wake: () => void = () => undefined;

  constructor(request: RawRequest) {
    this.query = request.query ?? {};
    this.#signal = request.signal;
    request.signal?.addEventListener('abort', () => {
      const reason: unknown = request.signal?.reason;
      this.#push(reason instanceof Error ? reason : new Error('aborted'));
    });
  }

  get aborted(): boolean {
    return this.#signal?.aborted === true;
  }

  send(...events: readonly unknown[]): void {
    this.#push(Buffer.from(events.map((e) => `${JSON.stringify(e)}\n`).join('')));
  }

  sendBytes(text: string): void {
    this.#push(Buffer.from(text));
  }

  end(): void {
    this.#push('end');
  }

  fail(err: Error): void {
    this.#push(err);
  }

  async *body(): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      const next = this.#chunks.shift();
      if (next === undefined) await new Promise<void>((resolve) => (this.#wake = resolve));
      else if (next === 'end') return;
      else if (next instanceof Error) throw next;
      else yield next;
    }
  }

  #push(chunk: Buffer | Error | 'end'): void {
    this.#chunks.push(chunk);
    this.#wake();
  }
}

const object = (name: string, resourceVersion: string): ConfigMap => ({
  kind: 'ConfigMap',
  metadata: { name, namespace: 'ns', uid: name, resourceVersion },
});
const added = (name: string, rv: string) => ({ type: 'ADDED', object: object(name, rv) });
const bookmark = (resourceVersion: string, ends = false) => ({
  type: 'BOOKMARK',
  object: { metadata: { resourceVersion, annotations: ends ? { 'k8s.io/initial-events-end': 'true' } : {} } },
});
const gone = { type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' } };

let clock: FakeClock;
let watches: Watch[];
let refusals: Error[];
let lists: (string | Error)[];
let listQueries: RawRequest['query'][];
let seen: string[];
let errors: unknown[];
let stop: AbortController;
let done: Promise<void>;

function start(options: { paginatedList?: boolean; wholeList?: boolean } = {}): void {
  const client = fakeClient({
    stream: (request) => {
      const refusal = refusals.shift();
      if (refusal !== undefined) return Promise.reject(refusal);
      const watch = new Watch(request);
      watches.push(watch);
      return Promise.resolve({ status: 200, headers: {}, body: watch.body() });
    },
    requestText: (request) => {
      listQueries.push(request.query);
      const list = lists.shift() ?? new Error('no list given');
      return typeof list === 'string' ? Promise.resolve(list) : Promise.reject(list);
    },
  });
  const names = (objects: readonly ConfigMap[]) => objects.map((o) => o.metadata.name).join(',');
  const sink = {
    replace: (objects: readonly ConfigMap[]) => seen.push(`replace ${names(objects)}`),
    put: (o: ConfigMap) => seen.push(`put ${o.metadata.name}`),
    remove: (o: ConfigMap) => seen.push(`remove ${o.metadata.name}`),
  };
  const reflector = new Reflector(client, CONFIG_MAPS, sink, {
    clock,
    onError: (err) => errors.push(err),
    random: () => 0,
    namespace: 'ns',
    ...options,
  });
  done = reflector.run(stop.signal);
}

function watch(n: number): Watch {
  const found = watches[n];
  if (found === undefined) throw new Error(`${watches.length} watches opened, want number ${n}`);
  return found;
}

beforeEach(() => {
  clock = new FakeClock();
  watches = [];
  refusals = [];
  lists = [];
  listQueries = [];
  seen = [];
  errors = [];
  stop = new AbortController();
});
afterEach(async () => {
  stop.abort();
  await clock.advance(0);
  await done;
  expect(clock.pending).toBe(0); // no timer outlives it
});

/** Streams a first list of `a`, complete at resourceVersion 10. */
async function synced(): Promise<void> {
  start();
  await clock.advance(0);
  watch(0).send(added('a', '5'), bookmark('10', true));
  await clock.advance(0);
}

test('a streamed list counts when it is complete, and goes over into the watch', async () => {
  start();
  await clock.advance(0);
  expect(watch(0).query).toMatchObject({ sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan' });
  expect(watch(0).query['resourceVersion']).toBeUndefined();
  watch(0).send(added('a', '5'), added('b', '6'), bookmark('7'), {
    type: 'DELETED',
    object: object('b', '8'),
  });
  await clock.advance(0);
  expect(seen).toEqual([]);
  watch(0).send(bookmark('10', true), added('c', '11'), { type: 'DELETED', object: object('a', '12') });
  await clock.advance(0);
  expect(seen).toEqual(['replace a', 'put c', 'remove a']);
});

test('a stream that dies before the list is complete leaves no trace, and is begun anew', async () => {
  start();
  await clock.advance(0);
  watch(0).send(added('a', '5'));
  watch(0).end();
  await clock.advance(200);
  watch(1).send(added('b', '6'), bookmark('10', true));
  await clock.advance(0);
  expect(seen).toEqual(['replace b']);
  expect(watch(1).query).toMatchObject({ sendInitialEvents: true });
});

test.each([
  ['an event', [added('b', '11')], '11'],
  ['a bookmark', [bookmark('15')], '15'],
  ['a line cut short', [added('b', '11')], '11'],
])('after %s a dead watch is resumed from there', async (name, events, resourceVersion) => {
  await synced();
  watch(0).send(...events);
  if (name.includes('cut'))
    watch(0).sendBytes('{"type":"ADDED","object":{"metadata":{"name":"c","resourceVers');
  watch(0).fail(new TransportError('reset'));
  await clock.advance(200);
  expect(watch(1).query).toMatchObject({ resourceVersion, allowWatchBookmarks: true });
  expect(watch(1).query['sendInitialEvents']).toBeUndefined();
  expect(listQueries).toEqual([]);
});

test('a watch past its timeout is opened again without a relist', async () => {
  await synced();
  const timeoutSeconds = Number(watch(0).query['timeoutSeconds']);
  await clock.advance(timeoutSeconds * 1_000);
  expect(watches).toHaveLength(1);
  await clock.advance(20_000);
  expect(watch(0).aborted).toBe(true);
  expect(watch(1).query).toMatchObject({ resourceVersion: '10' });
  expect(String(errors)).toMatch('not ended by the server');
});

test.each([
  ['an ERROR event', true],
  ['the HTTP status', false],
])('410 by %s leads to a new list', async (_name, byEvent) => {
  await synced();
  if (byEvent) {
    watch(0).send(gone);
  } else {
    refusals.push(new ApiError('too old', { status: 410, reason: 'Expired' }));
    watch(0).fail(new TransportError('reset'));
  }
  await clock.advance(1_000);
  watch(1).send(added('b', '20'), bookmark('21', true));
  await clock.advance(0);
  expect(watch(1).query).toMatchObject({ sendInitialEvents: true });
  expect(seen).toEqual(['replace a', 'replace b']);
});

const list = (names: readonly string[], fields: object) =>
  JSON.stringify({
    kind: 'ConfigMapList',
    apiVersion: 'v1',
    metadata: { resourceVersion: '30', ...fields },
    items: names.map((n) => object(n, '9')),
  });

test.each([
  ['does not know it', new ApiError('invalid', { status: 422, reason: 'Invalid' })],
  ['calls it bad', new ApiError('bad', { status: 400, reason: 'BadRequest' })],
])('a server that %s is asked for pages at once, and that is no error', async (_name, refusal) => {
  refusals.push(refusal);
  lists.push(list(['a'], { continue: 'token-1' }), list(['b'], {}));
  start();
  await clock.advance(0);
  expect(seen).toEqual(['replace a,b']);
  expect(listQueries.map((q) => q?.['continue'])).toEqual([undefined, 'token-1']);
  expect(watch(0).query).toMatchObject({ resourceVersion: '30' });
  expect(errors).toEqual([]);
});

test('a streamed list from which nothing comes, twice, is given up for pages', async () => {
  lists.push(list(['a'], {}));
  start();
  await clock.advance(31_000);
  expect(watch(0).aborted).toBe(true);
  expect(seen).toEqual([]);
  await clock.advance(31_000);
  expect(seen).toEqual(['replace a']);
});

describe('a list asked for in one answer', () => {
  test('is read to its end, and watched from there', async () => {
    start({ wholeList: true });
    await clock.advance(0);
    expect(watch(0).query).toEqual({ labelSelector: undefined, fieldSelector: undefined });
    const text = list(['a', 'b'], {});
    watch(0).sendBytes(text.slice(0, 60));
    await clock.advance(29_000);
    watch(0).sendBytes(text.slice(60));
    await clock.advance(29_000);
    expect(seen).toEqual([]);
    watch(0).end();
    await clock.advance(0);
    expect(seen).toEqual(['replace a,b']);
    expect(watch(1).query).toMatchObject({ watch: true, resourceVersion: '30' });
    watch(1).send(added('c', '31'), gone);
    await clock.advance(1_000);
    expect(watch(2).query).toEqual({ labelSelector: undefined, fieldSelector: undefined });
    expect(seen).toEqual(['replace a,b', 'put c']);
  });

  test.each<[string, (w: Watch) => void, number]>([
    ['is cut short', (w) => w.fail(new TransportError('reset')), 1_000],
    ['is no JSON', (w) => w.end(), 1_000],
    ['falls silent', () => undefined, 30_500],
  ])('that %s leaves no trace, and is streamed then', async (_, spoil, afterMs) => {
    start({ wholeList: true });
    await clock.advance(0);
    watch(0).sendBytes(list(['a'], {}).slice(0, 100));
    spoil(watch(0));
    await clock.advance(afterMs);
    watch(1).send(added('b', '6'), bookmark('10', true));
    await clock.advance(0);
    expect(watch(1).query).toMatchObject({ sendInitialEvents: true });
    expect(seen).toEqual(['replace b']);
    expect(errors).toHaveLength(1);
  });

  test.each([
    ['cannot be reached', new TransportError('connect ECONNREFUSED', { sent: false })],
    ['is busy', new ApiError('busy', { status: 429, reason: 'TooManyRequests' })],
    ['is starting', new ApiError('starting', { status: 503, reason: 'ServiceUnavailable' })],
  ])('of a server that %s is asked for again', async (_, refusal) => {
    refusals.push(refusal);
    start({ wholeList: true });
    await clock.advance(1_000);
    expect(watch(0).query['watch']).toBeUndefined();
  });

  test('that takes the server too long is streamed, then asked for in pages if it cannot stream', async () => {
    refusals.push(new ApiError('too long', { status: 504, reason: 'Timeout' }));
    refusals.push(new ApiError('invalid', { status: 422, reason: 'Invalid' }));
    lists.push(list(['a'], {}));
    start({ wholeList: true });
    await clock.advance(1_000);
    expect(seen).toEqual(['replace a']);
  });
});

test('a page token that expired begins the list anew', async () => {
  lists.push(list(['a'], { continue: 'token-1' }), new ApiError('x', { status: 410, reason: 'Expired' }));
  lists.push(list(['b'], {}));
  start({ paginatedList: true });
  await clock.advance(1_000);
  expect(seen).toEqual(['replace b']);
});

test('failures wait longer each time, as long as the server says, and start over after a success', async () => {
  await synced();
  for (let i = 0; i < 4; i++) refusals.push(new TransportError('refused'));
  refusals.push(new ApiError('busy', { status: 429, reason: 'TooManyRequests', retryAfterMs: 20_000 }));
  watch(0).fail(new TransportError('reset'));
  await clock.advance(0);
  const waited: number[] = [];
  for (let at = 0, before = errors.length; at < 40_000 && watches.length < 2; at += 100) {
    await clock.advance(100);
    if (errors.length > before) {
      waited.push(at + 100);
      before = errors.length;
    }
  }
  expect(waited).toEqual([100, 300, 700, 1_500, 3_100]);
  expect(clock.monotonic()).toBe(23_100);
  watch(1).send(added('b', '11'));
  watch(1).end();
  await clock.advance(0);
  expect(watches).toHaveLength(3); // ended in good order after an event: no wait
});

const refused = () => new TransportError('connect ECONNREFUSED', { sent: false });
const starting = () => new ApiError('starting', { status: 503, reason: 'ServiceUnavailable' });

/** Lets time pass in steps of 100 ms until the watch opens again; when the refusals were, by the clock. */
async function attempts(forMs: number): Promise<number[]> {
  const began = clock.monotonic();
  const at: number[] = [];
  let left = refusals.length;
  while (watches.length < 2 && clock.monotonic() - began < forMs) {
    await clock.advance(100);
    for (; left > refusals.length; left--) at.push(clock.monotonic() - began);
  }
  return at;
}

test('a server that cannot be reached is tried every five seconds at least, and reported now and then', async () => {
  await synced();
  refusals.push(...Array.from({ length: 20 }, refused));
  watch(0).fail(new TransportError('reset'));
  await clock.advance(0);
  const at = await attempts(200_000);
  expect(at).toHaveLength(20);
  expect(at.slice(0, 7)).toEqual([100, 200, 400, 800, 1_600, 3_200, 6_400]);
  expect(at.slice(7).map((time, i) => time - (at[i + 6] ?? 0))).toEqual(
    Array.from({ length: 13 }, () => 5_000),
  );
  expect(errors.map((err) => (err instanceof Error ? err.message : ''))).toEqual([
    'reset',
    'connect ECONNREFUSED',
    'connect ECONNREFUSED (12 attempts in a row)',
    'connect ECONNREFUSED (18 attempts in a row)',
  ]);
});

test('a server that begins to answer after an outage is not waited for as after old trouble', async () => {
  await synced();
  refusals.push(...Array.from({ length: 8 }, starting), refused(), refused(), refused(), starting());
  watch(0).fail(new TransportError('reset'));
  await clock.advance(0);
  const at = await attempts(200_000);
  expect(at).toHaveLength(12);
  expect((at[8] ?? 0) - (at[7] ?? 0)).toBe(25_600); // trouble inside the server: it is left in peace
  expect(at.slice(9).map((time, i) => time - (at[i + 8] ?? 0))).toEqual([100, 200, 400]);
  expect(clock.monotonic() - (at[11] ?? 0)).toBe(100);
});

test('a server that answers now and then is left in peace', async () => {
  await synced();
  refusals.push(...Array.from({ length: 10 }, (_, i) => (i % 2 === 0 ? starting() : refused())));
  watch(0).fail(new TransportError('reset'));
  await clock.advance(0);
  const at = await attempts(200_000);
  expect(at.map((time, i) => time - (at[i - 1] ?? 0))).toEqual([
    100, 200, 100, 400, 100, 800, 100, 1_600, 100, 3_200,
  ]);
});

test('watches that end at once are not opened again in a tight loop', async () => {
  await synced();
  watch(0).end();
  await clock.advance(0);
  for (let i = 0; i < 100; i++) {
    watches.at(-1)?.end();
    await clock.advance(100);
  }
  // Of ten seconds: after 0.1, 0.2, 0.4, ... s each.
  expect(watches.length).toBeGreaterThan(5);
  expect(watches.length).toBeLessThan(10);
});

test('a server that does not know the version yet is asked again, then listed', async () => {
  await synced();
  const details = { causes: [{ reason: 'ResourceVersionTooLarge' }] };
  for (let i = 0; i < 3; i++)
    refusals.push(new ApiError('ahead', { status: 504, reason: 'Timeout', details }));
  watch(0).fail(new TransportError('reset'));
  await clock.advance(5_000);
  expect(watch(1).query).toMatchObject({ sendInitialEvents: true });
});

import { FakeClock } from '../base/fake_clock.ts';
import type { Correlated, ReportedEvent } from './event_correlator.ts';
import { DEFAULT_LIMITS, EventCorrelator } from './event_correlator.ts';

const event = (fields: Partial<ReportedEvent> = {}): ReportedEvent => ({
  regarding: { apiVersion: 'v1', kind: 'Pod', namespace: 'ns', name: 'a', uid: 'u1' },
  type: 'Normal',
  reason: 'Pulled',
  action: 'Pulled',
  message: 'm',
  ...fields,
});

let clock: FakeClock;
let correlator: EventCorrelator;
beforeEach(() => {
  clock = new FakeClock();
  correlator = new EventCorrelator(clock, (e: Correlated) => e);
});

test('the same event again is the same object, counted and timed', async () => {
  const first = correlator.correlate(event());
  await clock.advance(500);
  expect(correlator.correlate(event())).toBe(first);
  expect(first).toMatchObject({ count: 2, firstAtMs: Date.UTC(2026), lastAtMs: Date.UTC(2026) + 500 });
});

test.each<[string, Partial<ReportedEvent>]>([
  ['message', { message: 'other' }],
  ['reason', { reason: 'Other' }],
  ['type', { type: 'Warning' }],
  ['action', { action: 'Other' }],
  ['object', { regarding: { kind: 'Pod', namespace: 'ns', name: 'a', uid: 'u2' } }],
  ['related object', { related: { kind: 'Node', name: 'n' } }],
])('another %s makes another event', (_name, fields) => {
  const first = correlator.correlate(event());
  const second = correlator.correlate(event(fields));
  expect(second).not.toBe(first);
  expect(second?.count).toBe(1);
});

test('the resourceVersion of the object does not', () => {
  const { regarding } = event();
  const first = correlator.correlate(event({ regarding: { ...regarding, resourceVersion: '1' } }));
  expect(correlator.correlate(event({ regarding: { ...regarding, resourceVersion: '2' } }))).toBe(first);
});

test('from the 11th different message on they are one event, until ten minutes passed without any', async () => {
  const messages = Array.from(
    { length: 13 },
    (_, i) => correlator.correlate(event({ message: `m${i}` }))?.message,
  );
  expect(messages.slice(0, 11)).toEqual([
    ...Array.from({ length: 10 }, (_, i) => `m${i}`),
    '(combined from similar events): m10',
  ]);
  expect(messages[12]).toBe('(combined from similar events): m12');
  await clock.advance(DEFAULT_LIMITS.similarIntervalMs + 1);
  expect(correlator.correlate(event({ message: 'm99' }))?.message).toBe('m99');
});

test('an object has 25 writes at once, then one in five minutes; others have their own; what is held back counts', async () => {
  const results = Array.from({ length: 30 }, () => correlator.correlate(event()));
  expect(results.filter((r) => r !== undefined)).toHaveLength(25);
  const other = event({ regarding: { kind: 'Pod', namespace: 'ns', name: 'b', uid: 'u9' } });
  expect(correlator.correlate(other)).toBeDefined();
  await clock.advance(299_000);
  expect(correlator.correlate(event())).toBeUndefined();
  await clock.advance(1_000);
  expect(correlator.correlate(event())?.count).toBe(32);
  expect(correlator.correlate(event())).toBeUndefined();
});

test('what was not seen for long is forgotten once there is too much', () => {
  const small = new EventCorrelator(clock, (e: Correlated) => e, { ...DEFAULT_LIMITS, maxRemembered: 2 });
  small.correlate(event({ message: 'a' }));
  small.correlate(event({ message: 'b' }));
  small.correlate(event({ message: 'a' }));
  small.correlate(event({ message: 'c' }));
  expect(small.correlate(event({ message: 'a' }))?.count).toBe(3);
  expect(small.correlate(event({ message: 'b' }))?.count).toBe(1);
});

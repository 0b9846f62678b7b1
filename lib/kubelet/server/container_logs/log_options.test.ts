import { parseLogOptions } from './log_options.ts';

const NOW = Date.UTC(2026, 0, 1);
const plain = { follow: false, previous: false, timestamps: false };

test.each([
  ['', plain],
  ['follow=true&previous=1&timestamps=true', { follow: true, previous: true, timestamps: true }],
  ['follow=false&previous=0&timestamps=False', plain],
  ['tailLines=0', { ...plain, tailLines: 0 }],
  ['limitBytes=1', { ...plain, limitBytes: 1 }],
  ['sinceSeconds=60', { ...plain, sinceMs: NOW - 60_000 }],
  ['sinceTime=2025-12-31T23:59:30Z', { ...plain, sinceMs: NOW - 30_000 }],
  ['sinceTime=2026-01-01T01:59:30.5%2B02:00', { ...plain, sinceMs: NOW - 29_500 }],
  ['stream=Stderr', { ...plain, stream: 'stderr' }],
  ['stream=All&tailLines=3', { ...plain, tailLines: 3 }],
  ['unknown=1', plain],
])('K24: "%s" is read', (query, want) => {
  expect(parseLogOptions(new URLSearchParams(query), NOW)).toEqual(want);
});

test.each([
  ['tailLines=a', 400],
  ['tailLines=1.5', 400],
  ['sinceTime=yesterday', 400],
  ['sinceTime=2026-01-01', 400],
  ['tailLines=-1', 422],
  ['limitBytes=0', 422],
  ['sinceSeconds=0', 422],
  ['sinceSeconds=5&sinceTime=2026-01-01T00:00:00Z', 422],
  ['stream=Foo', 422],
  ['stream=Stdout&tailLines=1', 422],
])('K24: "%s" is refused with %i', (query, status) => {
  let refusal: unknown;
  try {
    parseLogOptions(new URLSearchParams(query), NOW);
  } catch (err) {
    refusal = err;
  }
  expect(refusal).toMatchObject({ name: 'RequestError', status });
});

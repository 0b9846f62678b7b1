import { FakeClock } from './fake_clock.ts';
import { TimerWheel } from './timer_wheel.ts';

function wheelOf(options: { tickMs?: number; slots?: number } = {}): {
  clock: FakeClock;
  wheel: TimerWheel;
  fired: string[];
  errors: unknown[];
} {
  const clock = new FakeClock(0);
  const errors: unknown[] = [];
  const wheel = new TimerWheel(clock, { ...options, onError: (err) => errors.push(err) });
  return { clock, wheel, fired: [], errors };
}

test.each([
  { ms: 0, at: 10 },
  { ms: 1, at: 10 },
  { ms: 10, at: 10 },
  { ms: 11, at: 20 },
  { ms: 1000, at: 1000 },
  { ms: 25_000, at: 25_000 },
])('a timer of $ms ms fires at $at, never early', async ({ ms, at }) => {
  const { clock, wheel } = wheelOf({ slots: 64 });
  const fired: number[] = [];
  wheel.setTimer(ms, () => fired.push(clock.monotonic()));
  await clock.advance(at - 1);
  expect(fired).toEqual([]);
  await clock.advance(1);
  expect(fired).toEqual([at]);
  expect(wheel.size).toBe(0);
  expect(clock.pending).toBe(0);
});

test('a cancelled timer does not fire, also when cancelled by another of the same tick', async () => {
  const { clock, wheel, fired } = wheelOf();
  wheel.setTimer(5, () => {
    fired.push('a');
    b.cancel();
    b.cancel();
  });
  const b = wheel.setTimer(6, () => fired.push('b'));
  wheel.setTimer(7, () => fired.push('c'));
  await clock.advance(20);
  expect(fired).toEqual(['a', 'c']);
  expect(wheel.size).toBe(0);
});

test('a callback may set timers again; a thousand timers need one timer of the clock', async () => {
  const { clock, wheel } = wheelOf();
  let runs = 0;
  for (let i = 0; i < 1000; i++) {
    const again = (): void => {
      runs++;
      wheel.setTimer(1000, again);
    };
    wheel.setTimer(i, again);
  }
  expect(clock.pending).toBe(1);
  await clock.advance(3500);
  expect(runs).toBe(3 * 1000 + 501);
  expect(clock.pending).toBe(1);
});

test('a callback that throws is reported and the others of its tick run', async () => {
  const { clock, wheel, fired, errors } = wheelOf();
  wheel.setTimer(1, () => {
    throw new Error('boom');
  });
  wheel.setTimer(2, () => fired.push('after'));
  await clock.advance(10);
  expect(fired).toEqual(['after']);
  expect(errors).toEqual([new Error('boom')]);
});

test('an earlier timer set later is not delayed by the one waited for', async () => {
  const { clock, wheel, fired } = wheelOf();
  wheel.setTimer(5000, () => fired.push('late'));
  wheel.setTimer(50, () => fired.push('early'));
  await clock.advance(60);
  expect(fired).toEqual(['early']);
});

test('after a long sleep of the process everything due fires in order, the rest waits', () => {
  let now = 0;
  let wake: (() => void) | undefined;
  const clock = new FakeClock();
  const wheel = new TimerWheel(
    {
      now: () => now,
      monotonic: () => now,
      setTimer: (_ms, fn) => {
        wake = fn;
        return { cancel: () => undefined };
      },
      sleep: (ms) => clock.sleep(ms),
    },
    { slots: 16, onError: () => undefined },
  );
  const fired: number[] = [];
  for (const ms of [500, 30, 3000, 170, 160]) wheel.setTimer(ms, () => fired.push(ms));
  now = 2000;
  wake?.();
  expect(fired).toEqual([30, 160, 170, 500]);
  now = 3000;
  wake?.();
  expect(fired).toEqual([30, 160, 170, 500, 3000]);
});

test('clear drops everything', async () => {
  const { clock, wheel, fired } = wheelOf();
  wheel.setTimer(5, () => fired.push('never'));
  wheel.clear();
  await clock.advance(100);
  expect(fired).toEqual([]);
  expect(clock.pending).toBe(0);
});

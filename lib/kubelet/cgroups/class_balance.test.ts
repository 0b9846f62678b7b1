import { FakeClock } from '../../base/fake_clock.ts';
import { ClassBalance } from './class_balance.ts';

function scene(balance: () => Promise<void> = () => Promise.resolve()) {
  const clock = new FakeClock();
  const at: number[] = [];
  const errors: unknown[] = [];
  const stop = new AbortController();
  const classes = new ClassBalance({
    clock,
    balance: () => {
      at.push(clock.monotonic());
      return balance();
    },
    onError: (error) => errors.push(error),
  });
  classes.start(stop.signal);
  return { clock, at, errors, classes, stop };
}

test('K20: pods that come together are one round, half a second later; without change it is once a minute', async () => {
  const { clock, at, classes } = scene();
  for (let i = 0; i < 50; i++) {
    classes.changed();
    await clock.advance(5);
  }
  await clock.advance(250);
  expect(at).toEqual([500]);
  await clock.advance(120_000);
  expect(at).toEqual([500, 60_500, 120_500]);
});

test('K20: a change while a round is under way has its own; failures are told and do not end it', async () => {
  let slow = Promise.withResolvers<void>();
  const { clock, at, errors, classes } = scene(() => slow.promise);
  classes.changed();
  await clock.advance(500);
  classes.changed();
  await clock.advance(10_000);
  expect(at).toEqual([500]);
  slow.reject(new Error('no cgroup'));
  slow = Promise.withResolvers();
  slow.resolve();
  await clock.advance(500);
  expect(at).toEqual([500, 11_000]);
  expect(errors).toEqual([new Error('no cgroup')]);
});

test('K20: nothing after the end', async () => {
  const { clock, at, classes, stop } = scene();
  classes.changed();
  stop.abort();
  await clock.advance(120_000);
  expect(at).toEqual([]);
});

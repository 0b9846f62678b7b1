import { FakeClock } from './fake_clock.ts';
import { WallStamps } from './wall_stamps.ts';

const HOUR = 3_600_000;
const START = Date.UTC(2026, 0, 1);

async function scene() {
  const clock = new FakeClock(START);
  await clock.advance(60_000);
  const stamps = new WallStamps(clock);
  const age = (stampMs: number): number => clock.now() - stamps.present(stampMs);
  return { clock, stamps, age };
}

test('a clock that nobody sets leaves stamps as they are, those of before the process too', async () => {
  const { clock, stamps } = await scene();
  for (const stamp of [0, -62_135_596_800_000, START - HOUR, START, clock.now()])
    expect(stamps.present(stamp)).toBe(stamp);
});

test.each([HOUR, -HOUR, 24 * HOUR, -10_000])('ages outlast a step of %d ms', async (step) => {
  const { clock, stamps, age } = await scene();
  const before = START - 5000; // of a process before this one
  await clock.advance(10_000);
  const during = clock.now();
  await clock.advance(20_000);
  clock.stepWall(step);
  expect(stamps.look()).toBe(step);
  await clock.advance(1000);
  const after = clock.now();
  await clock.advance(4000);
  expect([before, during, after].map(age)).toEqual([100_000, 25_000, 4000]);
});

test('a step is noticed by the first who asks', async () => {
  const { clock, age } = await scene();
  const stamp = clock.now();
  await clock.advance(3000);
  clock.stepWall(-HOUR);
  expect(age(stamp)).toBe(3000);
});

test('steps add up, there and back again', async () => {
  const { clock, age } = await scene();
  const made: number[] = [];
  for (const step of [HOUR, -HOUR, -2 * HOUR, 5 * HOUR]) {
    made.push(clock.now());
    await clock.advance(10_000);
    clock.stepWall(step);
    age(0.5); // somebody looks
    await clock.advance(10_000);
  }
  expect(made.map(age)).toEqual([80_000, 60_000, 40_000, 20_000]);
});

test('a clock that is slewed is followed without a step', async () => {
  const { clock, stamps, age } = await scene();
  const stamp = clock.now();
  for (let i = 0; i < 100; i++) {
    await clock.advance(1000);
    clock.stepWall(-100);
    expect(stamps.look()).toBe(0);
  }
  expect(age(stamp)).toBe(90_000);
});

test('set back before the process began: a stamp that lies ahead counts from the beginning of the process', async () => {
  const { clock, age } = await scene();
  const stamp = clock.now() + HOUR;
  await clock.advance(7000);
  expect(age(stamp)).toBe(7000);
  clock.stepWall(-HOUR);
  expect(age(stamp)).toBe(7000);
});

test('only so many steps are remembered', async () => {
  const { clock, stamps, age } = await scene();
  for (let i = 0; i < 100; i++) {
    await clock.advance(1000);
    clock.stepWall(i % 2 === 0 ? HOUR : -HOUR);
    stamps.look();
  }
  const stamp = clock.now();
  await clock.advance(1000);
  expect(age(stamp)).toBe(1000);
});

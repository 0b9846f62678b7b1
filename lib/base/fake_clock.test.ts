import { FakeClock } from './fake_clock.ts';

test('timers fire in order of their due time, cancelled ones never', async () => {
  const clock = new FakeClock(0);
  const fired: string[] = [];
  clock.setTimer(20, () => fired.push('b@' + clock.now()));
  clock.setTimer(10, () => fired.push('a@' + clock.now()));
  clock.setTimer(15, () => fired.push('never')).cancel();
  await clock.advance(30);
  expect(fired).toEqual(['a@10', 'b@20']);
  expect(clock.pending).toBe(0);
});

test('sleep rejects with the reason of the signal', async () => {
  const clock = new FakeClock();
  const stop = new AbortController();
  const slept = clock.sleep(1000, stop.signal);
  stop.abort(new Error('stopping'));
  await expect(slept).rejects.toThrow('stopping');
  expect(clock.pending).toBe(0);
});

test('a loop that sleeps again is woken as often as the interval holds', async () => {
  const clock = new FakeClock();
  let turns = 0;
  const stop = new AbortController();
  const loop = (async () => {
    while (!stop.signal.aborted) {
      await clock.sleep(100, stop.signal);
      turns++;
    }
  })();
  await clock.advance(350);
  expect(turns).toBe(3);
  stop.abort(new Error('done'));
  await expect(loop).rejects.toThrow('done');
});

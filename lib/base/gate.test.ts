import { FakeClock } from './fake_clock.ts';
import { Gate, inTurn } from './gate.ts';

test('lets so many in, the others in order, and forgets who gave up', async () => {
  const gate = new Gate(1);
  const order: string[] = [];
  const signal = new AbortController().signal;
  const first = await gate.enter(signal);
  const impatient = new AbortController();
  const gaveUp = gate.enter(impatient.signal);
  const second = gate.enter(signal).then((release) => {
    order.push('second');
    return release;
  });
  impatient.abort(new Error('enough'));
  await expect(gaveUp).rejects.toThrow('enough');
  order.push('first');
  first();
  first(); // a second release is none
  (await second)();
  const third = await gate.enter(signal);
  third();
  expect(order).toEqual(['first', 'second']);
});

test('work that hangs keeps its place for so long only; what it comes to is still told', async () => {
  const [gate, clock, { signal }] = [new Gate(1), new FakeClock(), new AbortController()];
  const hangs = Promise.withResolvers<string>();
  const did: string[] = [];
  const work = (name: string, wait?: Promise<string>) => async (): Promise<string> => {
    did.push(name);
    return (await wait) ?? name;
  };
  const options = { clock, holdMs: 3000, signal };
  const first = inTurn(gate, options, work('first', hangs.promise));
  const second = inTurn(gate, options, work('second'));
  await clock.advance(2999);
  expect(did).toEqual(['first']);
  await clock.advance(1);
  expect(did).toEqual(['first', 'second']);
  expect(await second).toBe('second');
  hangs.resolve('late');
  expect(await first).toBe('late');
  expect(clock.pending).toBe(0);
  // One place, not two: it was given back once.
  const leave = await gate.enter(signal);
  let entered = false;
  const enter = async (): Promise<void> => {
    const leaveOther = await gate.enter(signal);
    entered = true;
    leaveOther();
  };
  const other = enter();
  await clock.advance(1);
  expect(entered).toBe(false);
  leave();
  await other;
});

test('work that fails gives its place back', async () => {
  const [gate, clock, { signal }] = [new Gate(1), new FakeClock(), new AbortController()];
  const options = { clock, holdMs: 3000, signal };
  await expect(inTurn(gate, options, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(await inTurn(gate, options, () => Promise.resolve('yes'))).toBe('yes');
});

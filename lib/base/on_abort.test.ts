import { getEventListeners } from 'node:events';
import { onAbort } from './on_abort.ts';

describe('onAbort', () => {
  it('calls all that wait, once, in their order, from one listener', () => {
    const controller = new AbortController();
    const called: string[] = [];
    for (const name of ['a', 'b', 'c']) onAbort(controller.signal, () => called.push(name));
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(1);
    controller.abort();
    controller.abort();
    expect(called).toEqual(['a', 'b', 'c']);
  });

  it('does not call what was taken back, by another of them too', () => {
    const controller = new AbortController();
    const called: string[] = [];
    const takeBack = onAbort(controller.signal, () => called.push('a'));
    onAbort(controller.signal, () => takeBackLast());
    const takeBackLast = onAbort(controller.signal, () => called.push('c'));
    takeBack();
    takeBack();
    controller.abort();
    expect(called).toEqual([]);
  });

  it('calls at once when the signal has aborted, also from within an abort', () => {
    const controller = new AbortController();
    const called: string[] = [];
    onAbort(controller.signal, () => onAbort(controller.signal, () => called.push('within')));
    controller.abort();
    onAbort(controller.signal, () => called.push('after'))();
    expect(called).toEqual(['within', 'after']);
  });
});

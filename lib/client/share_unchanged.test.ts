import { shareUnchanged } from './share_unchanged.ts';

const known = () => ({
  metadata: { name: 'a', labels: { app: 'web', tier: 'front' } },
  spec: {
    containers: [
      { name: 'one', ports: [{ port: 1 }] },
      { name: 'two', ports: [] },
    ],
    priority: null,
  },
});

describe('shareUnchanged', () => {
  it('shares the branches that are the same and leaves those that are not', () => {
    const before = known();
    const now = known();
    now.metadata.name = 'b';
    now.spec.containers[1] = { name: 'two', ports: [{ port: 2 }] };
    const wanted = structuredClone(now);
    expect(shareUnchanged(before, now)).toBe(false);
    expect(now).toEqual(wanted);
    expect(before).toEqual(known());
    expect(now.metadata.labels).toBe(before.metadata.labels);
    expect(now.spec.containers[0]).toBe(before.spec.containers[0]);
    expect(now.spec.containers[1]).not.toBe(before.spec.containers[1]);
  });

  it('takes a different order of members for the same', () => {
    expect(shareUnchanged({ a: 1, b: { c: 2, d: 3 } }, { b: { d: 3, c: 2 }, a: 1 })).toBe(true);
  });

  test.each<[string, object, object]>([
    ['a member more', { a: 1 }, { a: 1, b: 2 }],
    ['a member less', { a: 1, b: 2 }, { a: 1 }],
    ['a member of another name', { a: 1 }, { b: 1 }],
    ['an element more', [{ a: 1 }], [{ a: 1 }, { a: 1 }]],
    ['elements that changed places', ['a', 'b'], ['b', 'a']],
    ['a list instead of an object', { a: {} }, { a: [] }],
    ['nothing instead of an object', { a: {} }, { a: null }],
    ['an object instead of nothing', { a: null }, { a: {} }],
    ['a number instead of a text', { a: '1' }, { a: 1 }],
    ['a member that all objects have', {}, JSON.parse('{"__proto__": {"a": 1}, "toString": "b"}')],
  ])('leaves %s', (_, before, now) => {
    const [wanted, was] = [JSON.stringify(now), JSON.stringify(before)];
    expect(shareUnchanged(before, now)).toBe(false);
    expect(JSON.stringify(now)).toBe(wanted);
    expect(JSON.stringify(before)).toBe(was);
  });
});

import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { MAX_SLOTS } from './address_plan.ts';
import { chooseSlot, parseSlotTable, readSlots, withSlots } from './slots.ts';

const free = (): boolean => false;

test.each([
  ['the first', {}, 'a', free, 0],
  ['its own again', { a: 5 }, 'a', () => true, 5],
  ['the lowest gap', { a: 0, b: 2 }, 'c', free, 1],
  ['not one that something else has', { a: 0 }, 'b', (slot: number) => slot < 4, 4],
  ['none when all are taken', {}, 'a', () => true, undefined],
  ['a name like a property of every object', {}, 'constructor', free, 0],
])('%s', (_, table, name, taken, want) => {
  expect(chooseSlot(table, name, taken)).toBe(want);
});

test.each(['[]x', 'null', '{"a":"0"}', '{"a":-1}', `{"a":${MAX_SLOTS}}`])('%p is no slot table', (text) => {
  expect(() => parseSlotTable(text)).toThrow('slots: ');
});

describe('on disk', () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(path.join(os.tmpdir(), 'tsk-slots-'));
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));

  test('claims made at the same time get different slots', async () => {
    const claim = (name: string): Promise<number> =>
      withSlots(dir, (table) => {
        const slot = chooseSlot(table, name, free) ?? -1;
        return Promise.resolve({ table: { ...table, [name]: slot }, result: slot });
      });
    const slots = await Promise.all(['a', 'b', 'c', 'd'].map(claim));
    expect(slots.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3]);
    expect(Object.keys(readSlots(dir)).toSorted()).toEqual(['a', 'b', 'c', 'd']);
  });

  test('a failed change leaves the table and frees the lock', async () => {
    await expect(withSlots(dir, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    await withSlots(dir, (table) => Promise.resolve({ table: { ...table, a: 1 }, result: undefined }));
    expect(readSlots(dir)).toEqual({ a: 1 });
  });

  test('without a cluster there is no file', async () => {
    await withSlots(dir, () => Promise.resolve({ table: { a: 1 }, result: undefined }));
    await withSlots(dir, () => Promise.resolve({ table: {}, result: undefined }));
    expect(readSlots(dir)).toEqual({});
  });
});

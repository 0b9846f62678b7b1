import type { ConfigMap } from '../api/types.ts';
import { ListReader } from './list_reader.ts';
import { CONFIG_MAPS } from './resource.ts';

const HEAD = '{"kind":"ConfigMapList","apiVersion":"v1","metadata":{"resourceVersion":"77"},"items":';

const item = (name: string, more: object = {}): object => ({
  metadata: { name, namespace: 'ns', managedFields: [{ manager: 'x' }], labels: { app: name } },
  ...more,
});

/** The list that is read when its text comes in pieces of so many bytes. */
function read(
  text: string,
  pieces: number,
): { names: string[]; items: readonly ConfigMap[]; version: string } {
  const reader = new ListReader(CONFIG_MAPS, 'list it');
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += pieces) reader.push(bytes.subarray(at, at + pieces));
  const { items, resourceVersion } = reader.end();
  return { names: items.map(({ metadata }) => metadata.name), items, version: resourceVersion };
}

const many = Array.from({ length: 2000 }, (_, i) =>
  item(`cm-${i}`, { data: { text: 'Straße-日本語'.repeat(i % 9) } }),
);
const names = many.map((_, i) => `cm-${i}`);

test.each([
  ['one piece', 1e9],
  ['pieces of 4096 bytes', 4096],
  ['pieces that end inside characters', 1001],
])('a list of many blocks in %s', (_, pieces) => {
  const found = read(`${HEAD}${JSON.stringify(many)}}\n`, pieces);
  expect(found.names).toEqual(names);
  expect(found.version).toBe('77');
  expect(found.items[1999]).toEqual({
    kind: 'ConfigMap',
    apiVersion: 'v1',
    metadata: { name: 'cm-1999', namespace: 'ns', labels: { app: 'cm-1999' } },
    data: { text: 'Straße-日本語'.repeat(1) },
  });
});

test('what looks like the end of an item inside one is none', () => {
  const nested = Array.from({ length: 700 }, (_, i) => ({ metadata: { name: `inner-${i}` } }));
  const told = 'said },{"metadata":{ once';
  // Each has more of such places than a block is long.
  const items = ['a', 'b', 'c', 'd'].map((name) =>
    item(name, { templates: [...nested, ...nested], data: { told } }),
  );
  const found = read(`${HEAD}${JSON.stringify([...items, ...many])}}`, 4096);
  expect(found.names).toEqual(['a', 'b', 'c', 'd', ...names]);
  expect(found.items[0]).toMatchObject({ data: { told } });
});

test.each([
  ['no items', `${HEAD}[]}`, []],
  ['items of null', `${HEAD}null}`, []],
  ['one item', `${HEAD}${JSON.stringify([item('a')])}}`, ['a']],
  ['a space after the head', `${HEAD} ${JSON.stringify([item('a')])}}`, ['a']],
  [
    'the metadata at the end, as of custom resources',
    `{"apiVersion":"v1","items":${JSON.stringify(many)},"kind":"ConfigMapList","metadata":{"resourceVersion":"77"}}`,
    names,
  ],
  ['more metadata', `${HEAD.replace('"77"', '"77","remainingItemCount":5')}${JSON.stringify(many)}}`, names],
])('%s', (_, text, want) => {
  const found = read(text, 4096);
  expect(found.names).toEqual(want);
  expect(found.version).toBe('77');
});

test.each([
  ['cut short at once', HEAD.slice(0, 30), 'list it: the answer is not JSON: {"kind"'],
  [
    'cut short between items',
    `${HEAD}${JSON.stringify(many).slice(0, -1)}`,
    'list it: the answer is not JSON',
  ],
  ['empty', '', 'list it: the answer is not JSON: '],
  ['a page of a proxy', '<html>', 'list it: the answer is not JSON: <html>'],
  ['no list of objects', `${HEAD}[{"name":"a"}]}`, 'not a list of configmaps'],
  [
    'no list of objects far behind',
    `${HEAD}${JSON.stringify([...many, { metadata: {} }, ...many])}}`,
    'not a list of configmaps',
  ],
])('an answer that is %s', (_, text, message) => {
  expect(() => read(text, 4096)).toThrow(message);
});

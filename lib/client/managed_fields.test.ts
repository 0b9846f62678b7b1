import * as fc from 'fast-check';
import { withoutAnyManagedFields, withoutManagedFields } from './managed_fields.ts';

const fields = [{ manager: 'a"]},[\\"', fieldsV1: { 'f:metadata': { 'k:{"x":"]"}': [[], [1]] } } }];

test.each([
  ['last', { metadata: { name: 'a', managedFields: fields }, spec: {} }],
  ['first', { metadata: { managedFields: fields, name: 'a' }, spec: {} }],
  ['alone', { metadata: { managedFields: fields } }],
  ['empty', { metadata: { name: 'a', managedFields: [] } }],
])('%s in the metadata, it is cut and the rest stays', (_name, object) => {
  const { managedFields: _cut, ...metadata } = { name: undefined, ...object.metadata };
  const parsed: unknown = JSON.parse(withoutManagedFields(JSON.stringify(object)));
  expect(parsed).toEqual(JSON.parse(JSON.stringify({ ...object, metadata })));
});

test('its name inside a string is not it', () => {
  const text = JSON.stringify({ metadata: { annotations: { a: '{"managedFields":[1]}' } } });
  expect(withoutManagedFields(text)).toBe(text);
  expect(withoutAnyManagedFields(text)).toBe(text);
});

test('text that ends inside it is left for the decoder to refuse', () => {
  expect(withoutManagedFields('{"managedFields":[{"a":"')).toBe('{"managedFields":[{"a":"');
});

test('every item of a list loses its own', () => {
  const item = (name: string) => ({
    metadata: { name, managedFields: fields },
    data: { k: '…"managedFields":[' },
  });
  const text = JSON.stringify({ kind: 'List', items: [item('a'), item('b')] });
  const parsed: unknown = JSON.parse(withoutAnyManagedFields(text));
  const left = (name: string) => ({ metadata: { name }, data: { k: '…"managedFields":[' } });
  expect(parsed).toEqual({ kind: 'List', items: [left('a'), left('b')] });
});

test('any JSON around it survives', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (before, after) => {
      const text = JSON.stringify({ before, managedFields: fields, after });
      const parsed: unknown = JSON.parse(withoutManagedFields(text));
      expect(parsed).toEqual(JSON.parse(JSON.stringify({ before, after })));
    }),
  );
});

import { EMPTY_TRANSACTION, restoreText } from './restore_text.ts';

test('a Service that gains endpoints is translated before it is no longer refused, one that loses them the other way round', () => {
  const text = restoreText({
    ...EMPTY_TRANSACTION,
    changes: [
      { table: 'filter', chain: 'KUBE-SERVICES', kind: 'edit', remove: ['gained'], insert: ['lost'] },
      { table: 'nat', chain: 'KUBE-SERVICES', kind: 'edit', remove: ['lost'], insert: ['gained'] },
    ],
  });
  expect(text.split('\n')).toEqual([
    '*filter',
    '-I KUBE-SERVICES lost',
    'COMMIT',
    '*nat',
    '-D KUBE-SERVICES lost',
    '-I KUBE-SERVICES gained',
    'COMMIT',
    '*filter',
    '-D KUBE-SERVICES gained',
    'COMMIT',
    '',
  ]);
});

test('nothing to do is an empty text', () => {
  expect(restoreText(EMPTY_TRANSACTION)).toBe('');
});

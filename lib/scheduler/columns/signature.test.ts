import type { Pod } from '../../api/types.ts';
import type { SignPlugin } from '../framework/plugin.ts';
import { ColumnWorld, profileOf } from '../testing/column_world.ts';
import { pod } from '../testing/objects.ts';
import { signatureOf } from './signature.ts';

/** Takes a part in the signature: the label of its own name. */
function signer(name: string, sign?: (of: Pod) => string | undefined): SignPlugin & { filter(): undefined } {
  return { name, filter: () => undefined, signPod: sign ?? ((of) => of.metadata.labels?.[name] ?? '') };
}

function signed(labels: Readonly<Record<string, string>>, priority = 0): string | undefined {
  const plan = new ColumnWorld().plan(profileOf(signer('A'), signer('B')));
  return signatureOf(pod('p', { metadata: { labels }, spec: { priority } }), plan);
}

test('S5: is the same for pods that no plugin can tell apart', () => {
  expect(signed({ A: 'x', other: '1' })).toBe(signed({ A: 'x', other: '2' }));
});

test.each([
  ['what a plugin sees', signed({ A: 'x' }), signed({ A: 'y' })],
  ['which plugin sees it', signed({ A: 'x' }), signed({ B: 'x' })],
  ['where a part ends', signed({ A: 'x', B: 'y' }), signed({ A: 'x|B 1 y' })],
  ['where a part begins', signed({ A: 'x', B: 'y' }), signed({ A: 'x|B y' })],
  ['the priority', signed({ A: 'x' }, 0), signed({ A: 'x' }, 1)],
])('S5: differs by %s', (_what, a, b) => {
  expect(a).not.toBe(b);
});

test('S5: there is none where a plugin wants to see every node itself', () => {
  const plan = new ColumnWorld().plan(
    profileOf(
      signer('A'),
      signer('B', () => undefined),
    ),
  );
  expect(signatureOf(pod('p'), plan)).toBeUndefined();
});

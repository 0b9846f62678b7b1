import type { Pod } from '../../api/types.ts';
import { pod } from '../testing/objects.ts';
import { NominatedPods } from './nominated_pods.ts';

const saying = (p: Pod, nominatedNodeName?: string): Pod => ({
  ...p,
  status: nominatedNodeName === undefined ? {} : { nominatedNodeName },
});
const names = (pods: readonly Pod[]): string[] => pods.map((p) => p.metadata.name);

test('S5: a pod waits for one node at a time', () => {
  const nominated = new NominatedPods();
  const p = pod('p');
  nominated.set(p, 'a');
  nominated.set(p, 'b');
  expect([names(nominated.on('a')), names(nominated.on('b')), nominated.nodeOf(p)]).toEqual([[], ['p'], 'b']);
  nominated.remove(p);
  expect([nominated.on('b'), nominated.nodeOf(p)]).toEqual([[], undefined]);
});

test('S5: the status says it after a restart', () => {
  const nominated = new NominatedPods();
  nominated.add(saying(pod('p'), 'a'));
  nominated.add(pod('q'));
  expect(names(nominated.on('a'))).toEqual(['p']);
});

test('S5: an update that does not know the nomination yet leaves it; one that takes it away ends it', () => {
  const nominated = new NominatedPods();
  const p = pod('p');
  nominated.set(p, 'a'); // decided here, not written yet
  nominated.update(saying(p), saying(p));
  expect(nominated.nodeOf(p)).toBe('a');
  nominated.update(saying(p), saying(p, 'a'));
  nominated.update(saying(p, 'a'), saying(p));
  expect(nominated.nodeOf(p)).toBeUndefined();
});

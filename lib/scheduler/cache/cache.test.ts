import type { Pod } from '../../api/types.ts';
import { node, pod } from '../testing/objects.ts';
import { SchedulerCache } from './cache.ts';

const on = (p: Pod, nodeName: string): Pod => ({ ...p, spec: { ...p.spec, nodeName } });
const cpu = (cache: SchedulerCache, name: string): number | undefined => cache.node(name)?.requested('cpu');

test('S5: an assumed pod counts at once, and once after it is confirmed', () => {
  const cache = new SchedulerCache();
  cache.setNode(node('a'));
  const p = pod('p', { requests: { cpu: '1' } });
  cache.assumePod(p, 'a');
  expect([cpu(cache, 'a'), cache.isAssumed(p), cache.assumedCount]).toEqual([1000, true, 1]);
  cache.addPod(on(p, 'a'));
  expect([cpu(cache, 'a'), cache.isAssumed(p), cache.assumedCount]).toEqual([1000, false, 0]);
});

test('S5: forgetting takes an assumed pod back, but not a confirmed one', () => {
  const cache = new SchedulerCache();
  cache.setNode(node('a'));
  const p = pod('p', { requests: { cpu: '1' } });
  cache.assumePod(p, 'a');
  cache.forgetPod(p);
  expect(cpu(cache, 'a')).toBe(0);
  cache.assumePod(p, 'a');
  cache.addPod(on(p, 'a'));
  cache.forgetPod(p);
  expect(cpu(cache, 'a')).toBe(1000);
});

test('S5: a pod that another scheduler bound elsewhere moves', () => {
  const cache = new SchedulerCache();
  cache.setNode(node('a'));
  cache.setNode(node('b'));
  const p = pod('p', { requests: { cpu: '1' } });
  cache.assumePod(p, 'a');
  cache.addPod(on(p, 'b'));
  expect([cpu(cache, 'a'), cpu(cache, 'b')]).toEqual([0, 1000]);
});

test('S5: a changed pod is counted by its new requests, a removed one not at all', () => {
  const cache = new SchedulerCache();
  cache.setNode(node('a'));
  const p = on(pod('p', { requests: { cpu: '1' } }), 'a');
  cache.addPod(p);
  const resized: Pod = {
    ...p,
    spec: { ...p.spec, containers: [{ name: 'c', resources: { requests: { cpu: '2' } } }] },
  };
  cache.addPod(resized);
  expect(cpu(cache, 'a')).toBe(2000);
  cache.removePod(resized);
  expect([cpu(cache, 'a'), cache.podCount]).toEqual([0, 0]);
});

test('S5: pods seen before their node, or across its deletion, count when it is there', () => {
  const cache = new SchedulerCache();
  cache.addPod(on(pod('p', { requests: { cpu: '1' } }), 'a'));
  cache.setNode(node('a'));
  expect(cpu(cache, 'a')).toBe(1000);
  cache.removeNode('a');
  expect(cache.nodes()).toHaveLength(0);
  cache.setNode(node('a'));
  expect(cpu(cache, 'a')).toBe(1000);
});

test('S5: a pod of the same name with another uid is another pod', () => {
  const cache = new SchedulerCache();
  cache.setNode(node('a'));
  cache.addPod(on(pod('p', { requests: { cpu: '1' } }), 'a'));
  cache.addPod(on(pod('p', { requests: { cpu: '1' } }), 'a'));
  expect(cpu(cache, 'a')).toBe(2000);
});

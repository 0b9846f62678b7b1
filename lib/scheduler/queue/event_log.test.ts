import type { ClusterEvent } from '../framework/plugin.ts';
import { EventLog } from './event_log.ts';

const is = (wanted: ClusterEvent) => (event: ClusterEvent) => event === wanted;

test('S5: only what happened since counts', () => {
  const log = new EventLog();
  log.record('NodeAdd', {});
  const since = log.position;
  log.record('NodeDelete', {});
  expect([is('NodeAdd'), is('NodeDelete')].map((one) => log.someSince(since, one))).toEqual([false, true]);
});

test('S5: what is forgotten counts as anything', () => {
  const log = new EventLog(8);
  const since = log.position;
  for (let i = 0; i < 9; i++) log.record('NodeAdd', {});
  expect(log.someSince(since, is('NodeDelete'))).toBe(true);
  expect(log.someSince(log.position, is('NodeAdd'))).toBe(false);
});

test('S5: positions stay when what nobody asks for any more is forgotten', () => {
  const log = new EventLog(4096);
  for (let i = 0; i < 300; i++) log.record('NodeAdd', {});
  const since = log.position;
  log.record('NodeDelete', {});
  log.forget(since);
  expect(log.position).toBe(301);
  expect(log.someSince(since, is('NodeDelete'))).toBe(true);
  expect(log.someSince(since, is('NodeAdd'))).toBe(false);
});

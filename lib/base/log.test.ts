import { nullLog, RecordingLog } from './log.ts';

test('a recording log keeps severity, level and values, also through derived logs', () => {
  const log = new RecordingLog(2);
  log.info('started', { port: 1 });
  log.with({ pod: 'ns/a' }).with({ n: 1 }).warn('slow', { n: 2 });
  log.error(new Error('boom'), 'failed');
  log.v(2).info('detail');
  log.v(3).info('too much');
  expect(log.messages).toEqual(['started', 'slow', 'failed', 'detail']);
  expect(log.entries[1]).toEqual({ severity: 'warn', level: 0, msg: 'slow', kv: { pod: 'ns/a', n: 2 } });
  expect(log.entries[2]?.err).toEqual(new Error('boom'));
  expect(log.v(2).enabled).toBe(true);
  expect(log.v(3).enabled).toBe(false);
});

test('the null log accepts everything and is never enabled', () => {
  nullLog.info('x');
  nullLog.warn('x');
  nullLog.error(undefined, 'x');
  nullLog.with({ a: 1 }).v(0).info('x');
  expect(nullLog.v(0).enabled).toBe(false);
});

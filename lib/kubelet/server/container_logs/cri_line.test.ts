import { parseLogLine } from './cri_line.ts';

const AT = '2026-11-21T05:58:58.745014578Z';

test.each([
  [`${AT} stdout F hello world`, { stream: 'stdout', partial: false, content: 'hello world' }],
  [`${AT} stderr P part`, { stream: 'stderr', partial: true, content: 'part' }],
  [`${AT} stdout F `, { stream: 'stdout', partial: false, content: '' }],
  [`${AT} stdout F`, { stream: 'stdout', partial: false, content: '' }],
  [`${AT} stdout P:more:tags x`, { stream: 'stdout', partial: true, content: 'x' }],
  [`${AT} stdout F  leading space`, { stream: 'stdout', partial: false, content: ' leading space' }],
])('K24: %s', (line, want) => {
  const parsed = parseLogLine(Buffer.from(line));
  expect(parsed && { ...parsed, content: parsed.content.toString() }).toEqual({ timestamp: AT, ...want });
});

test.each([
  '',
  'x',
  `${AT} stdout`,
  `${AT} stdin F x`,
  `${AT} stdout X x`,
  `${'x'.repeat(50)} stdout F x`,
  ' stdout F x',
])('K24: "%s" is no log line', (line) => {
  expect(parseLogLine(Buffer.from(line))).toBeUndefined();
});

test('K24: bytes that are no UTF-8 stay as they are', () => {
  const line = Buffer.concat([Buffer.from(`${AT} stdout F `), Buffer.from([0xff, 0x00, 0xfe])]);
  expect(parseLogLine(line)?.content).toEqual(Buffer.from([0xff, 0x00, 0xfe]));
});

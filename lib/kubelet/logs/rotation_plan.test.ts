import { rotatedName, rotationPlan } from './rotation_plan.ts';

test.each<[string, string[], number, string[], string[]]>([
  ['nothing but the log', ['0.log'], 5, [], []],
  [
    'the last rotated one is compressed',
    ['0.log', '0.log.20260101-000001'],
    5,
    [],
    ['0.log.20260101-000001'],
  ],
  [
    'what is compressed stays',
    ['0.log', '0.log.20260101-000001.gz', '0.log.20260101-000002'],
    5,
    [],
    ['0.log.20260101-000002'],
  ],
  [
    'a compression cut short is thrown away and done again',
    ['0.log', '0.log.20260101-000001', '0.log.20260101-000001.tmp'],
    5,
    ['0.log.20260101-000001.tmp'],
    ['0.log.20260101-000001'],
  ],
  [
    'a compressed one that also lies there plain',
    ['0.log', '0.log.20260101-000001', '0.log.20260101-000001.gz'],
    5,
    ['0.log.20260101-000001'],
    [],
  ],
  [
    'the oldest go so that with the next rotation there are as many as allowed',
    ['0.log.20260101-000003', '0.log', '0.log.20260101-000001.gz', '0.log.20260101-000002.gz'],
    4,
    ['0.log.20260101-000001.gz'],
    ['0.log.20260101-000003'],
  ],
  [
    'two files are the log and one rotated',
    ['0.log', '0.log.20260101-000001'],
    2,
    ['0.log.20260101-000001'],
    [],
  ],
  ['other incarnations are not touched', ['0.log', '1.log', '1.log.20260101-000001', '10.log'], 2, [], []],
])('K24: %s', (_what, names, maxFiles, remove, compress) => {
  expect(rotationPlan(names, '0.log', maxFiles)).toEqual({ remove, compress });
});

test('K24: rotated names carry the local time and sort by age', () => {
  const at = new Date(2026, 0, 2, 3, 4, 5).getTime();
  expect(rotatedName('3.log', at)).toBe('3.log.20260102-030405');
});

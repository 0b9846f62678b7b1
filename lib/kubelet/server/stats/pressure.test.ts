import { nodeWithPressure, parsePressure, podWithPressure, type PressureFiles } from './pressure.ts';

const text = (total: number): string =>
  `some avg10=1.50 avg60=0.25 avg300=0.01 total=${total}\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=2\n`;
const NONE = { total: 0, avg10: 0, avg60: 0, avg300: 0 };
const psi = (total: number) => ({
  full: { ...NONE, total: 2000 },
  some: { total: total * 1000, avg10: 1.5, avg60: 0.25, avg300: 0.01 },
});

test.each([
  ['both lines', text(7), psi(7)],
  [
    'a kernel that tells only of some',
    'some avg10=0.00 avg60=0.00 avg300=0.00 total=1\n',
    { full: NONE, some: { ...NONE, total: 1000 } },
  ],
  ['nothing', '', undefined],
  ['something else', 'total=1\n', undefined],
])('K27: pressure: %s', (_, given, want) => {
  expect(parsePressure(given)).toEqual(want);
});

const totals = { cpu: 1, memory: 2, io: 3 };
const files: PressureFiles = {
  node: (resource) => text(totals[resource]),
  pod: (uid) =>
    uid === 'u'
      ? {
          read: (resource) => text(totals[resource] * 10),
          container: (name) => (name === 'a' ? (resource) => text(totals[resource] * 100) : undefined),
        }
      : undefined,
};
const TIME = '2026-01-01T00:00:00Z';
const usage = { cpu: { time: TIME }, memory: { time: TIME } };

test('K27: the machine, pods and containers have the pressure of their groups in the summary', () => {
  const container = { name: 'a', startTime: TIME, ...usage };
  const pod = {
    podRef: { name: 'p', namespace: 'ns', uid: 'u' },
    startTime: TIME,
    containers: [container, { ...container, name: 'gone' }],
    ...usage,
  };
  const own = (factor: number) => ({
    cpu: { time: TIME, psi: psi(factor) },
    memory: { time: TIME, psi: psi(2 * factor) },
    io: { time: TIME, psi: psi(3 * factor) },
  });
  expect(nodeWithPressure({ nodeName: 'n', startTime: TIME, ...usage }, files, TIME)).toMatchObject(own(1));
  expect(podWithPressure(pod, files, TIME)).toEqual({
    ...pod,
    ...own(10),
    containers: [
      { ...container, ...own(100) },
      { ...container, name: 'gone' },
    ],
  });
  const other = { ...pod, podRef: { ...pod.podRef, uid: 'other' } };
  expect(podWithPressure(other, files, TIME)).toEqual(other);
});

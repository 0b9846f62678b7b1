import type { Pod } from '../../api/types.ts';
import { nullLog } from '../../base/log.ts';
import { Preemptions, preempting, victimsFor } from './preemption.ts';

const CRITICAL = 2_000_001_000;

function pod(name: string, cpu: string | undefined, more: Partial<Pod['spec']> = {}, limited = false): Pod {
  const requests = cpu === undefined ? {} : { cpu, memory: '10Mi' };
  const resources = { requests, ...(limited ? { limits: requests } : {}) };
  return {
    metadata: { name, uid: name },
    spec: { containers: [{ name: 'c', resources }], ...more },
  };
}

const critical = pod('critical', '1', { priority: CRITICAL });
const names = (pods: readonly Pod[] | undefined): string[] | undefined =>
  pods?.map(({ metadata }) => metadata.name);

test.each<[string, readonly (readonly [string, number])[], Pod[], string[] | undefined]>([
  ['one is enough', [['cpu', 300]], [pod('a', '500m'), pod('b', '500m')], ['a']],
  ['nobody is enough', [['cpu', 3000]], [pod('a', '500m')], undefined],
  ['a pod without requests frees no CPU', [['cpu', 100]], [pod('a', undefined)], undefined],
  ['but a place', [['pods', 1]], [pod('guaranteed', '1', {}, true), pod('a', undefined)], ['a']],
  ['burstable before guaranteed', [['cpu', 100]], [pod('g', '1', {}, true), pod('b', '1')], ['b']],
  ['low priority first', [['cpu', 100]], [pod('high', '1', { priority: 7 }), pod('low', '1')], ['low']],
  ['critical ones stay', [['cpu', 100]], [pod('c', '1', { priority: CRITICAL })], undefined],
  [
    'what is not needed stays',
    [['cpu', 900]],
    [pod('small', '100m', { priority: -1 }), pod('big', '1')],
    ['big'],
  ],
  [
    'two resources',
    [
      ['cpu', 900],
      ['pods', 2],
    ],
    [pod('a', '1'), pod('b', undefined), pod('c', undefined)],
    ['b', 'a'],
  ],
])('K12: %s', (_, shortage, active, wanted) => {
  expect(names(victimsFor(critical, new Map(shortage), active))).toEqual(wanted);
});

test('K11: those that give way are told why, fail for the sake of others, and are counted', () => {
  const told: string[] = [];
  const preemptions = new Preemptions();
  const preempt = preempting(preemptions, {
    events: {
      pod: (victim, type, reason, message) =>
        void told.push(`${victim.metadata.name}: ${type} ${reason} ${message}`),
    },
    timeline: { record: ({ name }, { what, why }) => void told.push(`${name}: ${what} ${why}`) },
    log: nullLog,
    counted: (what) => void told.push(`counted ${what}`),
    fail: (victim, verdict) => void told.push(`${victim.metadata.name}: ${JSON.stringify(verdict)}`),
  });
  preempt(
    [pod('a', '1')],
    critical,
    new Map([
      ['cpu', 300],
      ['memory', 1],
    ]),
  );
  expect(told).toEqual([
    'a: Warning Preempting Preempted in order to admit critical pod',
    'a: preempted in favour of critical',
    'a: {"phase":"Failed","reason":"Preempting","message":"Preempted in order to admit critical pod","disruption":"TerminationByKubelet"}',
    'counted cpu',
  ]);
  expect(preemptions.waits(critical, () => false)).toBe(true);
});

test('K12: a critical pod waits until those it replaces have ended', () => {
  const preemptions = new Preemptions();
  const ended = new Set<string>();
  const waits = (): boolean => preemptions.waits(critical, (uid) => ended.has(uid));
  expect(waits()).toBe(false);
  preemptions.begun(critical, [pod('a', '1'), pod('b', '1')]);
  ended.add('a');
  expect(waits()).toBe(true);
  ended.add('b');
  expect(waits()).toBe(false);
});

/** How pods end: SIGTERM, grace, preStop, force. */
import { closeApi } from './support/cluster.ts';
import { eventually } from './support/eventually.ts';
import { startKubectl } from './support/cluster.ts';
import { TestNamespace } from './support/namespace.ts';
import { printed } from './support/program.ts';
import { scriptPod } from './support/workloads.ts';

let ns: TestNamespace;
beforeAll(async () => {
  ns = await TestNamespace.create('termination');
});
afterAll(async () => {
  await ns[Symbol.asyncDispose]();
  await closeApi();
});

/** Seconds that `work` takes. */
async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  await work();
  return (performance.now() - begin) / 1000;
}

test('SIGTERM reaches the program, which ends at its leisure within the grace period', async () => {
  await ns.apply(
    scriptPod(
      'polite',
      'trap "echo SIGTERM seen; sleep 2; echo done; exit 0" TERM; echo up; while :; do sleep 0.1; done',
      {
        spec: { terminationGracePeriodSeconds: 30 },
      },
    ),
  );
  await ns.ready('polite');
  await using logs = startKubectl(['-n', ns.name, 'logs', '-f', 'polite']);
  await printed(logs, 'up\n');
  const seconds = await secondsOf(() => ns.kubectl('delete', 'pod', 'polite', '--timeout=60s'));
  expect(await logs.exitedWithin(10_000)).toBe(0);
  expect(logs.stdout).toBe('up\nSIGTERM seen\ndone\n');
  expect(seconds).toBeGreaterThan(1.9);
  expect(seconds).toBeLessThan(20);
});

test('a program that ignores SIGTERM is killed when the grace period is over', async () => {
  await ns.apply(
    scriptPod('stubborn', 'trap "" TERM; while :; do sleep 1; done', {
      spec: { terminationGracePeriodSeconds: 4 },
    }),
  );
  await ns.ready('stubborn');
  const seconds = await secondsOf(() => ns.kubectl('delete', 'pod', 'stubborn', '--timeout=60s'));
  expect(seconds).toBeGreaterThan(3.5);
  expect(seconds).toBeLessThan(20);
});

test('--grace-period on the command line wins over the pod’s own', async () => {
  await ns.apply(
    scriptPod('shortened', 'trap "" TERM; while :; do sleep 1; done', {
      spec: { terminationGracePeriodSeconds: 600 },
    }),
  );
  await ns.ready('shortened');
  const seconds = await secondsOf(() =>
    ns.kubectl('delete', 'pod', 'shortened', '--grace-period=2', '--timeout=60s'),
  );
  expect(seconds).toBeLessThan(20);
});

test('preStop runs before SIGTERM, within the grace period', async () => {
  await ns.apply(
    scriptPod('hooked', 'trap "echo SIGTERM; exit 0" TERM; echo up; while :; do sleep 0.1; done', {
      spec: { terminationGracePeriodSeconds: 30 },
      container: {
        lifecycle: {
          preStop: {
            exec: {
              command: [
                'sh',
                '-c',
                'echo preStop begins > /proc/1/fd/1; sleep 1; echo preStop ends > /proc/1/fd/1',
              ],
            },
          },
        },
      },
    }),
  );
  await ns.ready('hooked');
  await using logs = startKubectl(['-n', ns.name, 'logs', '-f', 'hooked']);
  await printed(logs, 'up\n');
  await ns.kubectl('delete', 'pod', 'hooked', '--timeout=60s');
  await logs.exitedWithin(10_000);
  expect(logs.stdout).toBe('up\npreStop begins\npreStop ends\nSIGTERM\n');
});

test('a preStop that never ends does not outlive the grace period', async () => {
  await ns.apply(
    scriptPod('hanging', 'exec sleep 3600', {
      spec: { terminationGracePeriodSeconds: 3 },
      container: { lifecycle: { preStop: { exec: { command: ['sleep', '3600'] } } } },
    }),
  );
  await ns.ready('hanging');
  await ns.kubectl('delete', 'pod', 'hanging', '--wait=false');
  await ns.gone('hanging', 30_000);
});

test('postStart runs before the container counts as started; its failure kills the container', async () => {
  await ns.apply(
    scriptPod('greeted', 'exec sleep 3600', {
      container: { lifecycle: { postStart: { exec: { command: ['touch', '/tmp/greeting'] } } } },
    }),
    scriptPod('rejected', 'exec sleep 3600', {
      container: { lifecycle: { postStart: { exec: { command: ['false'] } } } },
    }),
  );
  await ns.ready('greeted');
  await ns.kubectl('exec', 'greeted', '--', 'test', '-e', '/tmp/greeting');
  await eventually('the event tells', async () => {
    expect(await ns.eventReasons('rejected')).toContain('FailedPostStartHook');
  });
});

test('forced deletion removes the pod at once', async () => {
  await ns.apply(
    scriptPod('forced', 'trap "" TERM; while :; do sleep 1; done', {
      spec: { terminationGracePeriodSeconds: 600 },
    }),
  );
  await ns.ready('forced');
  await ns.kubectl('delete', 'pod', 'forced', '--grace-period=0', '--force', '--wait=false');
  await ns.gone('forced', 5000);
});

test('a pod whose work is done keeps its status and log until it is deleted', async () => {
  await ns.apply(scriptPod('job', 'echo result; exit 0'), scriptPod('broken', 'echo no; exit 3'));
  const done = await ns.ended('job', 'Succeeded');
  expect(done.status?.containerStatuses?.[0]?.state?.terminated).toMatchObject({
    exitCode: 0,
    reason: 'Completed',
  });
  const failed = await ns.ended('broken', 'Failed');
  expect(failed.status?.containerStatuses?.[0]?.state?.terminated).toMatchObject({
    exitCode: 3,
    reason: 'Error',
  });
  expect(await ns.kubectl('logs', 'job')).toBe('result\n');
  await ns.kubectl('delete', 'pod', 'job', 'broken', '--timeout=30s');
});

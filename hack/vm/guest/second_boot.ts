/** The second boot, after the machine was reset while pods ran; it ends by an orderly shutdown. */
import { setTimeout as sleep } from 'node:timers/promises';
import { field } from '../../cluster/api.ts';
import { CLUSTER, SHUTDOWN_SECONDS } from '../cluster.ts';
import {
  awaitApi,
  awaitNodeReady,
  awaitPod,
  createPod,
  deletePods,
  eventsOf,
  getPod,
  isReady,
  nodeCondition,
} from './api.ts';
import type { PodView } from './api.ts';
import type { Check } from './checks.ts';
import { KUBELET, podGroup } from './kubelet.ts';
import { cgroupDifferences, command, eventually, expectThat, journal, unitProperty } from './machine.ts';

const MIB = 1024 ** 2;
const GOODBYE = 'trap "sleep 2; exit 0" TERM; while :; do sleep 1 & wait $!; done';

/** @param uids of the pods of the boot before, by name */
export function secondBoot(uids: Readonly<Record<string, string>>): readonly Check[] {
  return [
    [
      'the enabled unit is up after a reset of the machine',
      async () => {
        await awaitApi();
        await eventually('the unit is active', async () =>
          (await unitProperty(KUBELET, 'ActiveState')) === 'active' ? true : undefined,
        );
        await awaitNodeReady();
        await eventually('the node tells that it was rebooted', async () =>
          (await eventsOf(CLUSTER.node.name)).some((one) => one.startsWith('Rebooted')) ? true : undefined,
        );
      },
    ],
    [
      'the same pods come back, containers restarted, groups with their limits',
      async () => {
        const stays = await awaitPod('stays', 'is back', (pod) => isReady(pod) && pod.restarts === 1);
        expectThat(stays.uid === uids['stays'], 'it is another pod');
        const difference = cgroupDifferences(podGroup('cgroupfs', 'burstable', stays.uid), {
          'memory.max': String(128 * MIB),
          'cpu.max': '50000 100000',
        });
        expectThat(difference === '', difference);
      },
    ],
    [
      'a pod that must not be restarted has failed',
      async () => {
        const once = await awaitPod('once', 'fails', ({ phase }) => phase === 'Failed');
        expectThat(once.uid === uids['once'] && once.restarts === 0, 'it was started again');
      },
    ],
    [
      'the clock set an hour ahead and back again: pods, probes, back-off and deadlines do not mind',
      clockSteps,
    ],
    [
      'the kubelet delays shutdowns of the machine',
      async () => {
        await eventually('logind has its lock', async () =>
          /kubelet.*shutdown.*delay/.test(await command('systemd-inhibit', '--list', '--no-pager'))
            ? true
            : undefined,
        );
        const allowed = await command(
          'busctl',
          'get-property',
          'org.freedesktop.login1',
          '/org/freedesktop/login1',
          'org.freedesktop.login1.Manager',
          'InhibitDelayMaxUSec',
        );
        expectThat(allowed === `t ${SHUTDOWN_SECONDS.all * 1_000_000}`, `logind allows ${allowed}`);
      },
    ],
    [
      'pods run that are to see the machine shut down',
      async () => {
        const spec = { terminationGracePeriodSeconds: 20 };
        await createPod('plain', { script: GOODBYE, spec });
        await createPod('critical', {
          script: GOODBYE,
          spec: { ...spec, priorityClassName: 'system-node-critical' },
        });
        for (const name of ['plain', 'critical']) await awaitPod(name, 'is ready', isReady);
      },
    ],
  ];
}

async function clockSteps(): Promise<void> {
  const probe = {
    exec: { command: ['true'] },
    periodSeconds: 2,
    failureThreshold: 1,
    initialDelaySeconds: 2,
  };
  await createPod('steady', {
    spec: { activeDeadlineSeconds: 1800 },
    container: { livenessProbe: probe, readinessProbe: probe },
  });
  await createPod('crashes', { script: 'exit 1' });
  const before = await awaitPod('steady', 'is ready', isReady);
  const crash = await awaitPod('crashes', 'is restarted', ({ restarts }) => restarts >= 1);
  await command('date', '--set=+1 hour');
  const again = await awaitPod('crashes', 'is restarted', ({ restarts }) => restarts > crash.restarts);
  await sleep(2000);
  await command('date', '--set=-1 hour');
  // By the clock on the wall it ended in an hour's time.
  await awaitPod('crashes', 'is restarted once more', ({ restarts }) => restarts > again.restarts);
  const after = await getPod('steady');
  expectThat(
    isReady(after) && after.containerId === before.containerId && after.restarts === 0,
    `the pod that ran has ${JSON.stringify(field(after.json, 'status'))}`,
  );
  expectThat(
    /clock was set/.test(await journal(`--unit=${KUBELET}`)),
    'the kubelet does not say that the clock was set',
  );
  await awaitNodeReady();
  await deletePods('steady', 'crashes');
}

/** Looked at when systemd stops this program, which is after the kubelet has let go of its lock. */
export const AT_SHUTDOWN: readonly Check[] = [
  [
    'final statuses of pods were written before the shutdown went on',
    async () => {
      for (const name of ['plain', 'critical', 'stays']) {
        const { phase, reason, message, json } = await getPod(name);
        const code = field(ended(json), 'exitCode');
        expectThat(
          phase === 'Failed' &&
            reason === 'Terminated' &&
            message === 'Pod was terminated in response to imminent node shutdown.' &&
            code === 0,
          `pod ${name} has ${JSON.stringify(field(json, 'status'))}`,
        );
      }
    },
  ],
  [
    'critical pods ended after the others had',
    async () => {
      const [plain, critical] = [await getPod('plain'), await getPod('critical')];
      const at = ({ json }: PodView): number => Date.parse(String(field(ended(json), 'finishedAt')));
      expectThat(at(critical) > at(plain), `plain ended at ${at(plain)}, critical at ${at(critical)}`);
    },
  ],
  [
    'the node says that it is shutting down',
    async () => {
      const { status, message } = await nodeCondition('Ready');
      expectThat(
        status === 'False' && message.includes('node is shutting down'),
        `Ready is ${status}: ${message}`,
      );
    },
  ],
];

function ended(pod: unknown): unknown {
  return field(pod, 'status', 'containerStatuses', 0, 'state', 'terminated');
}

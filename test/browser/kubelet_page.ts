/**
 * Tries the kubelet's page in a real browser with 110 pods, wide and narrow. Usage:
 *
 *     node test/browser/kubelet_page.ts [FOLDER FOR PICTURES]
 *
 * Needs what test/browser/main.ts needs.
 */
import type { ContainerStatus, Pod, PodStatus } from '../../lib/api/types.ts';
import { systemClock } from '../../lib/base/clock.ts';
import type { PodRef } from '../../lib/kubelet/contracts.ts';
import { kubeletPageInMemory } from '../../lib/kubelet/testing/page_in_memory.ts';
import { PageTrial } from './page_trial.ts';

const [pictures = ''] = process.argv.slice(2);
const PODS = 110;

const page = await kubeletPageInMemory(systemClock);
const { timeline } = page;
const node = (ready: boolean): void => {
  const message = ready ? 'kubelet is posting ready status' : 'container runtime is down';
  page.node = {
    metadata: { name: 'node-1' },
    status: {
      allocatable: { pods: '110' },
      conditions: [
        { type: 'Ready', status: ready ? 'True' : 'False', message },
        { type: 'MemoryPressure', status: 'False' },
      ],
    },
  };
};
node(true);

type Scene = Pick<ContainerStatus, 'state'> & Partial<ContainerStatus>;
const running: Scene = {
  ready: true,
  state: { running: { startedAt: new Date(systemClock.now() - 3_600_000).toISOString() } },
};
const image = 'registry.example/team/application-with-a-long-name:v1.2.3';

function put(name: string, phase: string, scene: Scene, more: Partial<Pod['metadata']> = {}): PodRef {
  const ref = { uid: `0f3c9d1e-0000-4000-8000-${name.padStart(12, '0')}`, namespace: 'team-a', name };
  const ready = scene.ready === true;
  const status: PodStatus = {
    phase,
    podIP: '10.1.2.3',
    qosClass: 'Burstable',
    conditions: [
      { type: 'PodScheduled', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' },
      ready
        ? { type: 'Ready', status: 'True' }
        : {
            type: 'Ready',
            status: 'False',
            reason: 'ContainersNotReady',
            message: 'containers with unready status: [main]',
          },
    ],
    containerStatuses: [{ name: 'main', image, imageID: '', ready: false, restartCount: 0, ...scene }],
  };
  page.pods.set(`team-a/${name}`, {
    metadata: { ...ref, ...more },
    spec: { containers: [{ name: 'main', image }] },
    status,
  });
  return ref;
}

for (let i = 0; i < PODS - 5; i++) {
  const ref = put(`web-7c9f8d5b6d-${String(i).padStart(5, 'x')}`, 'Running', running);
  timeline.record(ref, { what: 'admitted' });
  timeline.record(ref, { what: 'create sandbox', why: 'no sandbox', durationMs: 210 });
  timeline.record(ref, { what: 'start container', why: 'first start', container: 'main', durationMs: 95 });
}
const crash = put('crashing', 'Running', {
  restartCount: 7,
  state: {
    waiting: {
      reason: 'CrashLoopBackOff',
      message: 'back-off 2m40s restarting failed container=main pod=crashing_team-a',
    },
  },
  lastState: { terminated: { exitCode: 1, reason: 'Error', message: 'panic: <b>no</b> database' } },
});
timeline.record(crash, { what: 'admitted' });
for (let i = 0; i < 60; i++)
  timeline.record(crash, {
    what: 'start container',
    why: `it exited with ${i}`,
    container: 'main',
    durationMs: 90,
  });
timeline.waiting(
  crash,
  'main: CrashLoopBackOff (back-off 2m40s restarting failed container=main pod=crashing_team-a)',
);
const mount = put('volume', 'Pending', { state: { waiting: { reason: 'ContainerCreating' } } });
timeline.record(mount, {
  what: 'mount volumes failed',
  error: 'configMap "settings-of-the-application" not found',
});
timeline.waiting(mount, 'volumes');
const pull = put('pulling', 'Pending', { state: { waiting: { reason: 'ContainerCreating' } } });
timeline.record(pull, { what: 'event Pulling', why: `Pulling image "${image}"`, container: 'main' });
timeline.waiting(pull, 'the runtime');
const ending = put('ending', 'Running', running, { deletionTimestamp: '2026-01-01T00:00:00Z' });
timeline.record(ending, { what: 'now terminating', why: 'deleted through the API' });
put('unready', 'Running', { ...running, ready: false });
timeline.record({ uid: 'gone', namespace: 'team-b', name: 'before' }, { what: 'removed' });

// Something goes on all the while.
let probes = 0;
const goOn = (): void => {
  timeline.record(crash, {
    what: 'event Unhealthy',
    why: `Liveness probe failed: ${++probes}`,
    container: 'main',
  });
};

await PageTrial.main({ page, pictures, width: 1280, goOn, everyMs: 1000 }, tryOut);

async function tryOut(trial: PageTrial): Promise<void> {
  const { tab } = trial;
  await tab
    .locator('#pods tbody tr')
    .nth(PODS - 1)
    .waitFor({ timeout: 60_000 });
  const tiles = await trial.text('.tiles');
  trial.check(`totals: ${tiles}`, tiles.startsWith('110 pods 5 waiting 107 running 2 pending'));
  const first = await trial.text('#pods tbody');
  trial.check(
    `those that wait come first: ${first.slice(0, 80)}`,
    /^team-a\/(crashing|ending|unready|volume|pulling)/.test(first),
  );
  await trial.picture('kubelet-wide');

  await tab.getByRole('searchbox').fill('crashloop');
  await tab.locator('#pods', { hasText: /^1 pod/ }).waitFor();
  await tab.getByRole('button', { name: 'team-a/crashing' }).click();
  await tab.locator('#detail', { hasText: 'It waits for' }).waitFor();
  trial.check('the reason for waiting', /back-off 2m40s/.test(await trial.text('#waits')));
  const seen = probes;
  await tab
    .locator('#detail', { hasText: `Liveness probe failed: ${seen + 3}` })
    .waitFor({ timeout: 15_000 });
  trial.check('the timeline goes on without doing anything', true);
  trial.check('text stays text', (await trial.text('#detail')).includes('panic: <b>no</b> database'));
  await trial.picture('kubelet-wide-pod');

  await tab.getByRole('searchbox').fill('');
  await tab.getByRole('button', { name: 'gone', exact: true }).click();
  await tab.locator('#pods', { hasText: 'team-b/before' }).waitFor();
  await tab.getByRole('button', { name: 'waiting', exact: true }).click();
  await tab.locator('#pods', { hasText: /^5 pods: waiting/ }).waitFor();
  trial.check('tiles choose', true);
  node(false);
  await tab.locator('#problems', { hasText: 'container runtime is down' }).waitFor({ timeout: 15_000 });
  trial.check('a node that is not ready says why', true);

  await trial.narrow();
  await trial.picture('kubelet-narrow-pod');
  await tab.getByRole('button', { name: 'close' }).click();
  await tab.getByRole('button', { name: 'pods', exact: true }).click();
  await tab
    .locator('#pods tbody tr')
    .nth(PODS - 1)
    .waitFor();
  await trial.picture('kubelet-narrow');
}

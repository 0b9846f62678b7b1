/**
 * Tries the scheduler's page in a real browser with 5,000 nodes and 1,000 pending pods, wide and narrow. Usage:
 *
 *     node test/browser/main.ts [FOLDER FOR PICTURES]
 *
 * Needs Chromium (`apt-get install chromium`; another place: $TSK_CHROMIUM). Not a part of hack/test, as a browser is more than
 * a minimal machine has.
 */
import type { Node, Pod, PodSpec } from '../../lib/api/types.ts';
import { schedulerInMemory } from '../../lib/scheduler/testing/scheduler_in_memory.ts';
import { PageTrial } from './page_trial.ts';

const [pictures = ''] = process.argv.slice(2);
const NODES = 5000;

const cordoned = {
  unschedulable: true,
  taints: [{ key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }],
};
const dedicated = { taints: [{ key: 'dedicated', value: 'gpu', effect: 'NoSchedule' }] };

function node(i: number): Node {
  const name = `node-${String(i).padStart(4, '0')}`;
  const gpu = i % 10 === 0;
  return {
    metadata: {
      name,
      labels: {
        'kubernetes.io/hostname': name,
        'topology.kubernetes.io/zone': `zone-${i % 3}`,
        disk: i % 2 === 0 ? 'ssd' : 'hdd',
      },
    },
    spec: i % 97 === 0 ? cordoned : gpu ? dedicated : {},
    status: {
      allocatable: { cpu: '8', memory: '32Gi', pods: '110', ...(gpu ? { 'example.com/gpu': '4' } : {}) },
    },
  };
}

let made = 0;
function pod(name: string, requests: Readonly<Record<string, string>>, spec: Partial<PodSpec> = {}): Pod {
  return {
    metadata: {
      namespace: `team-${made % 4}`,
      name,
      uid: `uid-${made++}`,
      labels: { app: name.replace(/-\d+$/, '') },
    },
    spec: { containers: [{ name: 'main', image: 'app', resources: { requests } }], ...spec },
  };
}

const KINDS: readonly (readonly [string, (i: number) => Pod])[] = [
  ['trainer', (i) => pod(`trainer-${i}`, { cpu: '2', 'example.com/gpu': '1' })],
  ['huge', (i) => pod(`huge-${i}`, { cpu: '9', memory: '4Gi' })],
  ['nvme', (i) => pod(`nvme-${i}`, { cpu: '500m' }, { nodeSelector: { disk: 'nvme' } })],
  ['gated', (i) => pod(`gated-${i}`, { cpu: '1' }, { schedulingGates: [{ name: 'example.com/quota' }] })],
  [
    'claims',
    (i) =>
      pod(
        `claims-${i}`,
        { cpu: '1' },
        { volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'missing' } }] },
      ),
  ],
];

const page = await schedulerInMemory(Array.from({ length: NODES }, (_, i) => node(i)));
for (let i = 0; i < 200; i++) for (const [, make] of KINDS) page.submit(make(i));
// Something goes on all the while.
const goOn = (): void => {
  for (let i = 0; i < 20; i++) page.submit(pod(`web-${made}`, { cpu: '100m', memory: '64Mi' }));
};

await PageTrial.main({ page, pictures, width: 1400, goOn, everyMs: 200 }, tryOut);

async function tryOut(trial: PageTrial): Promise<void> {
  const { tab } = trial;
  await tab.locator('#groups tbody tr').nth(3).waitFor({ timeout: 60_000 });
  const started = performance.now();
  await tab.locator('#groups', { hasText: 'Insufficient' }).waitFor({ timeout: 60_000 });
  console.log(`reasons shown after ${Math.round(performance.now() - started)} ms`);
  await tab.waitForTimeout(12_000); // some samples for the plots
  trial.check('tiles show the queue', /\d+\s*unschedulable/.test(await trial.text('.tiles')));
  trial.check('reasons are grouped', (await tab.locator('#groups tbody tr').count()) >= 4);
  trial.check(
    'a plot has a line',
    ((await tab.locator('svg path').first().getAttribute('d')) ?? '').length > 20,
  );
  await trial.picture('wide-overview');

  await tab.getByRole('searchbox').fill('huge-7');
  await tab.locator('#pods', { hasText: /^11 pods/ }).waitFor();
  trial.check('search finds huge-7, huge-70, ...', true);
  await tab.getByRole('button', { name: /\/huge-7$/ }).click();
  await tab.locator('#remedies', { hasText: 'tried out' }).waitFor({ timeout: 60_000 });
  const help = await trial.text('#remedies');
  trial.check(
    `a smaller request is proposed: ${help.slice(0, 160)}`,
    /Request 8 cpu or less instead of 9/.test(help),
  );
  trial.check('nodes that refused are listed', /Insufficient cpu/.test(await trial.text('#detail')));
  await trial.picture('wide-pod');

  for (const [name, wanted] of [
    ['trainer-3', /Tolerate the taint dedicated=gpu:NoSchedule/],
    ['nvme-3', /Drop disk=nvme from the nodeSelector/],
    ['gated-3', /Remove the scheduling gates example.com\/quota/],
  ] as const) {
    await tab.getByRole('searchbox').fill(name);
    await tab
      .getByRole('button', { name: new RegExp(`/${name}$`) })
      .first()
      .click();
    await tab
      .locator('#detail', { hasText: name })
      .locator('#remedies', { hasText: 'tried out' })
      .waitFor({ timeout: 60_000 });
    const told = await trial.text('#remedies');
    trial.check(`${name}: ${told.slice(0, 160)}`, wanted.test(told));
  }

  await trial.narrow();
  await trial.picture('narrow');
}

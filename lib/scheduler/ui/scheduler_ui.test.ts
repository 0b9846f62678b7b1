import { execFileSync } from 'node:child_process';
import { request } from 'node:http';
import { resolve } from 'node:path';
import { FakeClock } from '../../base/fake_clock.ts';
import { node, pod } from '../testing/objects.ts';
import type { RunningPage } from '../testing/scheduler_in_memory.ts';
import { schedulerInMemory } from '../testing/scheduler_in_memory.ts';
import { NO_METRICS } from '../metrics.ts';
import { Activity } from './activity.ts';
import { groupsOf } from './pending_pods.ts';

test('S8: the script in the bundle is that of the sources', () => {
  execFileSync(process.execPath, [resolve('hack/build/browser_scripts.ts'), '--check']);
});

describe('S8: page', () => {
  let page: RunningPage;
  beforeAll(async () => {
    page = await schedulerInMemory([node('n1')]);
    page.submit(pod('fits', { requests: { cpu: '1' } }));
    page.submit(pod('big', { requests: { cpu: '9' } }));
    page.submit(pod('huge', { requests: { cpu: '99' } }));
    page.submit(pod('gated', { spec: { schedulingGates: [{ name: 'g' }] } }));
    await page.settled();
  });
  afterAll(() => page.close());

  /** Status, headers and body. */
  async function ask(
    path: string,
    method = 'GET',
  ): Promise<{ status: number; headers: unknown; body: string }> {
    return await new Promise((resolve, reject) => {
      request(`${page.url}${path}`, { method }, (res) => {
        let body = '';
        res.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
        res.on('end', () => resolve({ status: res.statusCode ?? 0, headers: res.headers, body }));
      })
        .on('error', reject)
        .end();
    });
  }
  const get = async (path: string): Promise<unknown> => JSON.parse((await ask(path)).body) as unknown;

  test('the document takes nothing from elsewhere and no script of others', async () => {
    const { status, headers, body } = await ask('');
    expect(status).toBe(200);
    expect(JSON.stringify(headers)).toContain("default-src 'none'; script-src 'self'");
    expect(body).not.toMatch(/https?:\/\//);
    expect((await ask('/script.js')).headers).toMatchObject({
      'content-type': 'text/javascript; charset=utf-8',
    });
    expect((await ask('/style.css')).status).toBe(200);
  });

  test('overview: the queue by place, reasons counted', async () => {
    expect(await get('/data')).toMatchObject({
      queue: { unschedulable: 2, gated: 1, active: 0 },
      nodes: 1,
      pods: 1,
      scheduling: true,
      groups: [
        {
          count: 2,
          example: 'default/big',
          message:
            '0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.',
        },
        { count: 1, example: 'default/gated', message: 'SchedulingGates: waiting for scheduling gates: [g]' },
      ],
    });
  });

  test('pending pods, chosen by place, reason and name', async () => {
    expect(await get('/pods')).toMatchObject({ total: 3 });
    expect(await get('/pods?search=hug')).toMatchObject({
      total: 1,
      pods: [{ pod: 'default/huge', attempts: 1 }],
    });
    expect(await get('/pods?place=gated')).toMatchObject({
      pods: [{ pod: 'default/gated', place: 'gated' }],
    });
    expect(await get('/pods?reason=nonesuch')).toEqual({ total: 0, pods: [] });
  });

  test('one pod: the decision on it and what would help', async () => {
    expect(await get('/pod/default/big')).toMatchObject({
      lastDecision: { refused: { n1: { plugin: 'NodeResourcesFit', reasons: ['Insufficient cpu'] } } },
    });
    expect(await get('/remedies/default/big')).toEqual({
      remedies: [{ steps: ['Request 3 cpu or less instead of 9 (container c)'], nodes: 1, example: 'n1' }],
    });
  });

  test.each([
    ['/pod/default/none', 404],
    ['/remedies/default/none', 404],
    ['/remedies/default/fits', 404],
    ['/nothing', 404],
    ['/constructor', 404],
  ])('%s: %i', async (path, status) => {
    expect((await ask(path)).status).toBe(status);
  });

  test('only to be read', async () => {
    expect((await ask('/data', 'POST')).status).toBe(405);
    expect((await ask('', 'DELETE')).status).toBe(405);
  });
});

test('S8: activity: rates and percentiles of the last ten minutes, gaps as zeros', () => {
  const clock = new FakeClock();
  const activity = new Activity(clock);
  const counted: string[] = [];
  const metrics = activity.observe({
    ...NO_METRICS,
    attempt: (result) => void counted.push(result),
  });
  for (let i = 1; i <= 100; i++) metrics.algorithmSeconds(i / 1000);
  metrics.attempt('scheduled', 'p', 0);
  metrics.attempt('unschedulable', 'p', 0);
  metrics.attempt('error', 'p', 0);
  expect(activity.history()).toEqual([]);
  clock.stepWall(6000);
  expect(
    activity.history().map((s) => [s.scheduled, s.failed, s.decisionP50, s.decisionP99, s.boundP50]),
  ).toEqual([
    [0.5, 1, 51, 100, null],
    [0, 0, null, null, null],
    [0, 0, null, null, null],
  ]);
  expect(counted).toEqual(['scheduled', 'unschedulable', 'error']);
  clock.stepWall(-3_600_000); // the clock was set: nothing of before is believed
  expect(activity.history()).toEqual([]);
});

test('S8: more reasons than are shown are counted', () => {
  const pods = Array.from({ length: 60 }, (_, i) => ({
    pod: `p${i}`,
    place: 'unschedulable',
    attempts: 1,
    retryInSeconds: null,
    priority: 0,
    message: `reason ${i}`,
  }));
  expect(groupsOf(pods)).toMatchObject({ moreGroups: 10 });
});

import type { ContainerStatus, Pod, PodStatus } from '../../api/types.ts';
import { FakeClock } from '../../base/fake_clock.ts';
import { throughProxy } from '../../component/ui/page_command.ts';
import type { KubeletPage } from '../testing/page_in_memory.ts';
import { kubeletPageInMemory } from '../testing/page_in_memory.ts';
import { nodeProblems, podRow } from './pod_rows.ts';
import { uiCommand } from './ui_command.ts';

const clock = new FakeClock(Date.parse('2026-01-01T00:00:00Z'));
const ref = { uid: 'u1', namespace: 'ns', name: 'web' };
const container = (more: Partial<ContainerStatus>): ContainerStatus => ({
  name: 'c',
  image: 'i',
  imageID: '',
  ready: false,
  restartCount: 0,
  ...more,
});
const pod = (status: PodStatus | undefined, metadata: Partial<Pod['metadata']> = {}): Pod => ({
  metadata: { ...ref, ...metadata },
  spec: { containers: [{ name: 'c', image: 'i', env: [{ name: 'PASSWORD', value: 'secret' }] }] },
  ...(status === undefined ? {} : { status }),
});

describe('page', () => {
  let page: KubeletPage;
  beforeAll(async () => {
    page = await kubeletPageInMemory(clock);
    page.pods.set('ns/web', pod({ phase: 'Pending', containerStatuses: [container({ restartCount: 2 })] }));
    page.timeline.record(ref, { what: 'admitted' });
    page.timeline.record(ref, { what: 'event Pulling', why: 'Pulling image "i"', container: 'c' });
    page.timeline.waiting(ref, 'the runtime');
    page.timeline.record({ ...ref, uid: 'u0', name: 'old' }, { what: 'removed' });
  });
  afterAll(() => page.close());
  const get = async (path: string): Promise<unknown> => (await fetch(`${page.url}${path}`)).json();

  test('K28: the document takes nothing from elsewhere and no script of others', async () => {
    const answer = await fetch(page.url);
    expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'; script-src 'self'");
    expect(await answer.text()).not.toMatch(/https?:\/\//);
    expect((await fetch(`${page.url}/script.js`)).headers.get('content-type')).toContain('text/javascript');
  });

  test('K28: the pods of the node, what each waits for, and gone ones', async () => {
    expect(await get('/data')).toMatchObject({
      node: 'node-1',
      pods: [
        {
          pod: 'ns/web',
          state: 'Pending',
          readyContainers: 0,
          containers: 1,
          restarts: 2,
          waitsFor: 'the runtime',
          last: 'event Pulling c: Pulling image "i"',
        },
        { pod: 'ns/old', state: 'Gone', last: 'removed' },
      ],
    });
  });

  test('K28: one pod with its timeline, and nothing of what its spec may hide', async () => {
    const told = await get('/pod/ns/web');
    expect(told).toMatchObject({
      row: { waitsFor: 'the runtime' },
      uid: 'u1',
      entries: [{ what: 'admitted' }, { what: 'event Pulling', container: 'c' }],
      containers: [{ name: 'c', restarts: 2 }],
    });
    expect(JSON.stringify([told, await get('/data')])).not.toContain('secret');
  });

  test('K28: a gone pod has its timeline still; one nobody knows is not found; nothing is written', async () => {
    expect(await get('/pod/ns/old')).toMatchObject({
      row: { state: 'Gone' },
      entries: [{ what: 'removed' }],
    });
    expect((await fetch(`${page.url}/pod/ns/none`)).status).toBe(404);
    expect((await fetch(`${page.url}/data`, { method: 'POST' })).status).toBe(405);
  });
});

const conditions = (message: string) => [{ type: 'Ready', status: 'False', message }];
test.each<[string, Pod, string | undefined, string]>([
  ['what the worker says', pod({ phase: 'Pending' }), 'volumes', 'volumes'],
  ['not looked at yet', pod(undefined), undefined, 'its first look'],
  [
    'a container that cannot start',
    pod({
      phase: 'Running',
      containerStatuses: [
        container({ state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off' } } }),
      ],
    }),
    undefined,
    'c: CrashLoopBackOff (back-off)',
  ],
  [
    'not ready',
    pod({ phase: 'Running', conditions: conditions('containers with unready status: [c]') }),
    undefined,
    'being ready: containers with unready status: [c]',
  ],
  ['deleted', pod({ phase: 'Running' }, { deletionTimestamp: 'T' }), undefined, 'its containers to end'],
  ['ended', pod({ phase: 'Succeeded', conditions: conditions('') }), undefined, ''],
  ['ready', pod({ phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] }), undefined, ''],
])('K28: waits for: %s', (_what, of, waitingFor, want) => {
  const known = waitingFor === undefined ? undefined : { pod: ref, waitingFor };
  expect(podRow(of, of.status, known).waitsFor).toBe(want);
});

test('K28: conditions of the node that are not as they should be', () => {
  const of = (type: string, status: string) => ({ type, status, message: 'why' });
  const status = {
    conditions: [of('Ready', 'False'), of('DiskPressure', 'True'), of('PIDPressure', 'False')],
  };
  expect(nodeProblems({ metadata: { name: 'n' }, status })).toEqual([
    'Ready is False: why',
    'DiskPressure is True: why',
  ]);
  expect(nodeProblems(undefined)).toEqual([]);
});

test('K28: asked through the apiserver, whose path it puts before links is taken away', async () => {
  const asked: string[] = [];
  const client = throughProxy(
    {
      requestText({ path }) {
        asked.push(path);
        const document = '<!doctype html><script src="/api/v1/nodes/n/proxy/ui/script.js">';
        return Promise.resolve(path.endsWith('/ui') ? document : '{"why":"/api/v1/nodes/n/proxy/x"}');
      },
    },
    '/api/v1/nodes/n/proxy',
  );
  expect(await client.requestText({ method: 'GET', path: '/ui' })).toContain('src="/ui/script.js"');
  expect(await client.requestText({ method: 'GET', path: '/ui/data' })).toContain('/api/v1/nodes/n/proxy/x');
  expect(asked).toEqual(['/api/v1/nodes/n/proxy/ui', '/api/v1/nodes/n/proxy/ui/data']);
});

test.each([
  [['--zz'], 'unknown flag: --zz'],
  [['--node=n', 'more'], 'want no arguments, got more'],
  [[], '--node: got "", want the name of a node'],
  [['--node=../x'], '--node: got "../x", want the name of a node'],
])('ui %j: one sentence and exit code 2', async (args, message) => {
  const written = jest.spyOn(process.stderr, 'write').mockReturnValue(true);
  expect(await uiCommand(args)).toBe(2);
  expect(written).toHaveBeenCalledWith(`Error: ${message}\n`);
  written.mockRestore();
});

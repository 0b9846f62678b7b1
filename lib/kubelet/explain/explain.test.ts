import type { Pod } from '../../api/types.ts';
import { FakeClock } from '../../base/fake_clock.ts';
import { ApiError } from '../../client/errors.ts';
import { fakeClient } from '../../client/fake_client.ts';
import { eventsInTimeline } from './event_entries.ts';
import { explainCommand } from './explain_command.ts';
import { explanationText, readExplanation } from './explanation_text.ts';
import { MemoryTimeline } from './timeline.ts';

const ref = { uid: 'u', namespace: 'ns', name: 'web' };

test('K28: what is repeated is counted and pushes nothing out', async () => {
  const clock = new FakeClock(Date.parse('2026-01-01T00:00:00Z'));
  const timeline = new MemoryTimeline(clock);
  timeline.record(ref, { what: 'admitted' });
  for (let i = 0; i < 500; i++) {
    await clock.advance(1000);
    timeline.record(ref, { what: 'event Unhealthy', why: 'probe failed', container: 'c' });
    timeline.record(ref, { what: 'event BackOff', why: 'again', container: 'c' });
  }
  expect(timeline.explain('ns', 'web')?.entries).toEqual([
    { at: '2026-01-01T00:00:00.000Z', what: 'admitted' },
    {
      at: '2026-01-01T00:00:01.000Z',
      what: 'event Unhealthy',
      why: 'probe failed',
      container: 'c',
      times: 500,
      lastAt: '2026-01-01T00:08:20.000Z',
    },
    {
      at: '2026-01-01T00:00:01.000Z',
      what: 'event BackOff',
      why: 'again',
      container: 'c',
      times: 500,
      lastAt: '2026-01-01T00:08:20.000Z',
    },
  ]);
});

test('K28: what is waited for is told with the time that is left of it', async () => {
  const clock = new FakeClock(1_000_000);
  const timeline = new MemoryTimeline(clock);
  const now = () => [timeline.explain('ns', 'web')?.waitingFor, timeline.latest()[0]?.waitingFor];
  timeline.waiting(ref, 'c: ImagePullBackOff', clock.now() + 80_000);
  expect(now()).toEqual(Array(2).fill('c: ImagePullBackOff, 1m20s left'));
  await clock.advance(30_500);
  expect(now()).toEqual(Array(2).fill('c: ImagePullBackOff, 49s left'));
  await clock.advance(60_000);
  expect(now()).toEqual(Array(2).fill('c: ImagePullBackOff'));
  timeline.waiting(ref, 'volumes');
  expect(now()).toEqual(['volumes', 'volumes']);
  timeline.waiting(ref, undefined);
  expect(now()).toEqual([undefined, undefined]);
});

test('K28: a pod that has ended says how', () => {
  const refused = {
    ...answer,
    ended: 'Failed: Evicted: Pod was rejected: The node had condition: [DiskPressure]. ',
  };
  const { waitingFor: _none, ...rest } = refused;
  expect(explanationText(readExplanation(rest), 'node-1')).toContain(
    '\n\nIt has ended: Failed: Evicted: Pod was rejected: The node had condition: [DiskPressure].\nIt waits for nothing.\n',
  );
});

test('K28: events stand in the timeline, unless more is recorded of the same', () => {
  const told: string[] = [];
  const timeline = new MemoryTimeline(new FakeClock());
  const events = eventsInTimeline(
    {
      pod: (_pod, _type, reason) => void told.push(reason),
      container: (_pod, _name, _type, reason) => void told.push(reason),
      node: (_type, reason) => void told.push(reason),
    },
    timeline,
  );
  const pod: Pod = { metadata: { ...ref }, spec: { containers: [] } };
  events.pod(pod, 'Warning', 'FailedMount', 'no such volume');
  events.container(pod, 'c', 'Normal', 'Pulled', 'pulled');
  events.container(pod, 'c', 'Normal', 'Started', 'started');
  events.container(pod, 'c', 'Normal', 'Pulling', 'Pulling image "i"');
  expect(timeline.explain('ns', 'web')?.waitingFor).toBe('c: Pulling image "i"');
  events.container(pod, 'c', 'Normal', 'Pulled', 'pulled again');
  expect(timeline.explain('ns', 'web')?.waitingFor).toBe('the runtime');
  events.node('Normal', 'NodeReady', 'ready');
  expect(told).toEqual(['FailedMount', 'Pulled', 'Started', 'Pulling', 'Pulled', 'NodeReady']);
  expect(timeline.explain('ns', 'web')?.entries).toMatchObject([
    { what: 'event FailedMount', why: 'no such volume' },
    { what: 'event Pulled', why: 'pulled', container: 'c' },
    { what: 'event Pulling', container: 'c' },
    { what: 'event Pulled', why: 'pulled again', container: 'c' },
  ]);
});

const answer = {
  pod: ref,
  waitingFor: 'c: CrashLoopBackOff',
  entries: [
    { at: '2026-01-01T00:00:00.123Z', what: 'admitted' },
    {
      at: '2026-01-01T00:00:01.000Z',
      what: 'start container',
      why: 'first start',
      container: 'c',
      durationMs: 90,
    },
    {
      at: '2026-01-01T00:00:02.000Z',
      what: 'event Unhealthy',
      why: 'said \u001b[31mred\u0007',
      container: 'c',
      times: 3,
      lastAt: '2026-01-01T00:00:09.000Z',
    },
    { at: '2026-01-01T00:00:03.000Z', what: 'mount volumes failed', error: 'no such PVC' },
  ],
};

test('K28: reads as a list of what happened, free of control characters', () => {
  expect(explanationText(readExplanation(answer), 'node-1')).toBe(`Pod ns/web (u) on node node-1

2026-01-01T00:00:00.123Z  admitted
2026-01-01T00:00:01.000Z  start container c (90 ms): first start
2026-01-01T00:00:02.000Z  event Unhealthy c (3 times, last 2026-01-01T00:00:09Z): said  [31mred
2026-01-01T00:00:03.000Z  mount volumes failed: no such PVC

It waits for: c: CrashLoopBackOff
`);
});

interface Responses {
  readonly pod?: Pod | Error;
  readonly answer?: unknown;
}

/** What was asked, and a connection that answers so. */
function connectFake(responses: Responses) {
  const asked: string[] = [];
  const respond = <T>(response: unknown): Promise<T> =>
    response instanceof Error
      ? Promise.reject(response)
      : // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- each test asks for what it gives
        Promise.resolve(response as T);
  const connect = (kubeconfig: string) => {
    asked.push(kubeconfig);
    return fakeClient({
      get: (_resource, { namespace = '', name }) => {
        asked.push(`${namespace}/${name}`);
        return respond(responses.pod);
      },
      request: ({ path }) => {
        asked.push(path);
        return respond(responses.answer);
      },
    });
  };
  return { asked, connect };
}

async function run(args: string[], responses: Responses) {
  const out: string[] = [];
  const err: string[] = [];
  const fake = connectFake(responses);
  const code = await explainCommand(args, {
    stdout: (text) => void out.push(text),
    stderr: (text) => void err.push(text),
    env: { KUBECONFIG: '/from/env' },
    connect: fake.connect,
  });
  return { code, out: out.join(''), err: err.join(''), asked: fake.asked };
}

const notFound = new ApiError('pods "web" not found', { status: 404, reason: 'NotFound' });
const found: Pod = { metadata: { ...ref }, spec: { nodeName: 'node-1', containers: [] } };

test('K28: asks the node of the pod through the apiserver', async () => {
  const { code, out, asked } = await run(['ns/web'], { pod: found, answer });
  expect(code).toBe(0);
  expect(asked).toEqual(['/from/env', 'ns/web', '/api/v1/nodes/node-1/proxy/debug/explain/pod/ns/web']);
  expect(out).toContain('admitted');
});

test('K28: as JSON, of a node that is named, of a pod that is gone', async () => {
  const { code, out, asked } = await run(['-o=json', '--node=n2', '--kubeconfig=/k', 'ns/web'], { answer });
  expect([code, JSON.parse(out)]).toEqual([0, answer]);
  expect(asked).toEqual(['/k', '/api/v1/nodes/n2/proxy/debug/explain/pod/ns/web']);
});

test.each<[string, string[], Responses, string]>([
  ['no pod named', [], {}, 'want one pod as NAMESPACE/POD'],
  ['a name alone', ['web'], {}, 'got "web", want one pod as NAMESPACE/POD'],
  ['an unknown flag', ['--nope', 'a/b'], {}, 'unknown flag: --nope'],
  ['an unknown format', ['-o=xml', 'a/b'], {}, '--output: got "xml", want text or json'],
  ['no such pod', ['ns/web'], { pod: notFound }, '--node asks the node that it was on'],
  [
    'not bound',
    ['ns/web'],
    { pod: { ...found, spec: { containers: [] } } },
    'is not on a node yet: it is for the scheduler to explain',
  ],
  [
    'unknown to the node',
    ['ns/web'],
    { pod: found, answer: notFound },
    'node "node-1" knows nothing of pod "ns/web"',
  ],
  ['an answer of something else', ['ns/web'], { pod: found, answer: {} }, 'the answer has no list "entries"'],
])('K28: %s: one sentence and exit code 1', async (_what, args, responses, message) => {
  const { code, out, err } = await run(args, responses);
  expect([code, out]).toEqual([1, '']);
  expect(err).toContain(message);
  expect(err.trimEnd().split('\n')).toHaveLength(1);
});

test('K28: --help', async () => {
  const { code, out } = await run(['--help'], {});
  expect(code).toBe(0);
  expect(out).toContain('ts-kubelet explain NAMESPACE/POD');
});

import { FakeClock } from '../../base/fake_clock.ts';
import { RecordingLog } from '../../base/log.ts';
import { PodManager } from './pod_manager.ts';
import { StaticUrl } from './static_url.ts';

const pod = (name: string, image = 'i'): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name },
  spec: { containers: [{ name: 'c', image }] },
});

function scene() {
  const pods = new PodManager();
  const clock = new FakeClock();
  const log = new RecordingLog();
  let answer: string | Error = '';
  const asked: Record<string, string>[] = [];
  const source = new StaticUrl({
    url: 'http://pods.example/',
    headers: { 'X-Token': ['a', 'b'] },
    intervalMs: 20_000,
    nodeName: 'n',
    pods,
    clock,
    log,
    fetchText: (_url, headers) => {
      asked.push(Object.fromEntries(headers));
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
  });
  const names = async (next: unknown): Promise<string[]> => {
    answer = next instanceof Error ? next : typeof next === 'string' ? next : JSON.stringify(next);
    await source.fetch(new AbortController().signal);
    return pods
      .pods()
      .map((p) => `${p.metadata.name} ${p.spec.containers[0]?.image ?? ''}`)
      .sort();
  };
  return { names, log, asked, pods, source, clock };
}

test('K1: a pod or a list of pods; what is not named any more goes', async () => {
  const { names, asked, pods } = scene();
  expect(await names(pod('a'))).toEqual(['a-n i']);
  expect(pods.pods()[0]?.metadata.annotations?.['kubernetes.io/config.source']).toBe('http');
  const { apiVersion: _v, kind: _k, ...bare } = { apiVersion: 'v1', kind: 'Pod', ...pod('b') };
  expect(await names({ kind: 'PodList', apiVersion: 'v1', items: [bare, pod('c')] })).toEqual([
    'b-n i',
    'c-n i',
  ]);
  expect(await names({ kind: 'PodList', items: [pod('c', 'new')] })).toEqual(['c-n new']);
  expect(await names({ kind: 'PodList', items: [] })).toEqual([]);
  expect(asked[0]).toEqual({ 'x-token': 'a, b' });
});

test('K1: is read only once it has answered', async () => {
  const { names, source, clock } = scene();
  const read = jest.fn();
  const reading = source.read(new AbortController().signal).finally(read);
  await names(new Error('away'));
  await clock.advance(1000);
  expect(read).not.toHaveBeenCalled();
  await names({ kind: 'PodList', items: [] });
  await clock.advance(1000);
  await reading;
});

test('K1: YAML is understood as well', async () => {
  const text = 'apiVersion: v1\nkind: Pod\nmetadata: {name: y}\nspec: {containers: [{name: c, image: i}]}\n';
  expect(await scene().names(text)).toEqual(['y-n i']);
});

test.each<[string, unknown]>([
  ['no answer', new Error('connection refused')],
  ['an empty answer', ''],
  ['no object', '"text"'],
  ['no pod', { apiVersion: 'v1', kind: 'Service', metadata: { name: 'a' } }],
  ['a list without items', { kind: 'PodList' }],
  ['one bad pod among good ones', { kind: 'PodList', items: [pod('b'), { metadata: {} }] }],
])('K1: %s leaves the pods as they were, and is said', async (_what, answer) => {
  const { names, log } = scene();
  await names(pod('a'));
  expect(await names(answer)).toEqual(['a-n i']);
  expect(log.entries.some(({ msg }) => msg === 'Cannot take static pods from their URL')).toBe(true);
});

test('K1: a URL that stays away does not fill the log', async () => {
  const { names, log } = scene();
  for (let i = 0; i < 20; i++) await names(new Error('away'));
  expect(log.entries).toHaveLength(3 + 2);
});

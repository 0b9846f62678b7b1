import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { decodeFields } from '../../component/config/document.ts';
import type { Pod } from '../../api/types.ts';
import { CycleState } from '../framework/cycle_state.ts';
import { findFeasible } from '../schedule_pod.ts';
import { testCluster } from '../testing/cluster.ts';
import { node, pod } from '../testing/objects.ts';
import { Extender } from './extender.ts';
import { extenderSchema } from './extender_config.ts';
import { httpPost } from './http_post.ts';
import { chooseWithExtenders, preemptWithExtenders } from './run_extenders.ts';

const { signal } = new AbortController();

/** An extender that answers by verb; what it was asked is in `asked`. */
function extender(config: object, answers: Record<string, unknown>) {
  const asked: { verb: string; body: unknown }[] = [];
  const decoded = decodeFields(
    { urlPrefix: 'http://x/', nodeCacheCapable: true, ...config },
    'test',
    extenderSchema,
  );
  const subject = new Extender(decoded, (url, body) => {
    const verb = url.slice('http://x/'.length);
    asked.push({ verb, body });
    const answer = answers[verb];
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  });
  return { subject, asked };
}

async function choose(extenders: readonly Extender[], subject: Pod = pod('p')) {
  const cluster = testCluster({ nodes: [node('a'), node('b'), node('c')] });
  const { profile, handle } = cluster;
  const state = new CycleState();
  const found = findFeasible(subject, handle.cache.nodes(), profile, state);
  if (found.kind !== 'feasible') throw new Error('set up wrongly');
  return await chooseWithExtenders(subject, found, 3, { profile, state, extenders, signal });
}

const FILTER = { filterVerb: 'filter' };

test('S2: filters by node names, with its reasons kept', async () => {
  const answer = {
    NodeNames: ['b'],
    FailedNodes: { a: 'no licence' },
    FailedAndUnresolvableNodes: { c: 'no rack' },
  };
  const { subject, asked } = extender(FILTER, { filter: answer });
  const decision = await choose([subject]);
  expect(decision).toMatchObject({ kind: 'node', node: 'b' });
  expect(decision.diagnosis.refusals.get('a')).toEqual({
    plugin: 'http://x/',
    reasons: ['no licence'],
    resolvable: true,
  });
  expect(decision.diagnosis.refusals.get('c')?.resolvable).toBe(false);
  expect(asked[0]).toMatchObject({ verb: 'filter', body: { nodenames: ['a', 'b', 'c'] } });
});

test('S2: filters by whole nodes when it keeps none itself', async () => {
  const answer = { nodes: { items: [{ metadata: { name: 'c' } }] } };
  const { subject, asked } = extender({ ...FILTER, nodeCacheCapable: false }, { filter: answer });
  expect(await choose([subject])).toMatchObject({ node: 'c' });
  expect(asked[0]?.body).toMatchObject({ nodes: { items: [{ metadata: { name: 'a' } }, {}, {}] } });
});

test('S2: scores count by weight', async () => {
  const { subject } = extender(
    { prioritizeVerb: 'score', weight: 2 },
    {
      score: [
        { Host: 'c', Score: 10 },
        { Host: 'a', Score: 1 },
      ],
    },
  );
  const decision = await choose([subject]);
  expect(decision).toMatchObject({ node: 'c' });
  expect(decision.diagnosis.scores[0]?.byPlugin['http://x/']).toBe(200);
});

describe('S2: an extender that fails', () => {
  test.each<[string, unknown, string]>([
    ['with an error of its own', { Error: 'out of order' }, 'out of order'],
    ['with no answer', new Error('connect ECONNREFUSED'), 'connect ECONNREFUSED'],
    ['with nonsense', { NodeNames: 'b' }, 'nodenames: want a list'],
    ['with another nonsense', 'hello', 'filter result: want an object'],
  ])('%s fails the pod', async (_name, answer, message) => {
    const { subject } = extender(FILTER, { filter: answer });
    const decision = await choose([subject]);
    expect(decision.kind === 'error' && decision.status.reasons[0]).toContain(message);
  });

  test('is passed over when it is ignorable, and at scoring in any case', async () => {
    const down = extender({ ...FILTER, ignorable: true }, { filter: new Error('down') });
    const mute = extender({ prioritizeVerb: 'score', weight: 1 }, { score: new Error('down') });
    expect(await choose([down.subject, mute.subject])).toMatchObject({ kind: 'node' });
  });
});

test('S2: is asked for pods that want one of its resources only', () => {
  const { subject } = extender({ managedResources: [{ name: 'example.com/gpu' }] }, {});
  expect(subject.isInterested(pod('p'))).toBe(false);
  expect(subject.isInterested(pod('p', { requests: { 'example.com/gpu': '1' } }))).toBe(true);
});

test('S2: binds, and says when it could not', async () => {
  const bound = extender({ bindVerb: 'bind' }, { bind: {} });
  const p = pod('p');
  expect(await bound.subject.bind(p, 'a', signal)).toBeUndefined();
  expect(bound.asked[0]?.body).toEqual({
    podName: 'p',
    podNamespace: 'default',
    podUID: p.metadata.uid,
    node: 'a',
  });
  const refused = extender({ bindVerb: 'bind' }, { bind: { Error: 'no' } });
  expect(await refused.subject.bind(p, 'a', signal)).toMatchObject({ code: 'Error', reasons: ['no'] });
});

test('S2: leaves of the candidates for preemption what it can do with', async () => {
  const [v, w] = [pod('v'), pod('w')];
  const candidates = [
    { node: 'a', victims: [v], violations: 0 },
    { node: 'b', victims: [v, w], violations: 0 },
  ];
  const answer = { NodeNameToMetaVictims: { b: { Pods: [{ UID: w.metadata.uid }], NumPDBViolations: 1 } } };
  const config = { preemptVerb: 'preempt' };
  const one = extender(config, { preempt: answer });
  expect(await preemptWithExtenders(pod('p'), candidates, [one.subject], signal)).toEqual([
    { node: 'b', victims: [w], violations: 1 },
  ]);
  const down = extender(config, { preempt: new Error('down') });
  await expect(preemptWithExtenders(pod('p'), candidates, [down.subject], signal)).rejects.toThrow('down');
  const ignorable = extender({ ...config, ignorable: true }, { preempt: new Error('down') });
  expect(await preemptWithExtenders(pod('p'), candidates, [ignorable.subject], signal)).toEqual(candidates);
});

describe('S2: over HTTP', () => {
  test.each<[string, number, string, string | undefined]>([
    ['an answer', 200, '{"NodeNames":["b"]}', undefined],
    ['a refusal', 500, 'sorry', 'HTTP 500: sorry'],
    ['no JSON', 200, '<html>', 'JSON'],
  ])('%s', async (_name, status, text, failure) => {
    const server = createServer((req, res) => {
      req.resume();
      res.writeHead(status).end(text);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a TCP server has such an address
    const { port } = server.address() as AddressInfo;
    const config = decodeFields(
      { urlPrefix: `http://127.0.0.1:${port}/x`, filterVerb: 'filter', nodeCacheCapable: true },
      'test',
      extenderSchema,
    );
    const http = httpPost(config);
    try {
      const answer = new Extender(config, http.post).filter(pod('p'), [node('a'), node('b')], signal);
      if (failure === undefined) expect([...(await answer).passed]).toEqual(['b']);
      else await expect(answer).rejects.toThrow(failure);
    } finally {
      await http.close();
      server.close();
    }
  });
});

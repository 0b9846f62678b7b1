import { explainCommand } from './explain_command.ts';
import { explainText } from './explain_text.ts';

const decision = {
  pod: 'ns/p',
  uid: 'u',
  at: '2026-01-01T00:00:00.000Z',
  attempt: 2,
  nodesConsidered: 3,
  refused: { b: { plugin: 'TaintToleration', reasons: ['node(s) had untolerated taint(s)'] } },
  scores: [
    { node: 'a', total: 12, byPlugin: { NodeResourcesFit: 10, ImageLocality: 2 } },
    { node: 'c', total: 7, byPlugin: { NodeResourcesFit: 7 } },
  ],
};

test('S8: a placed pod: why there', () => {
  const text = explainText({
    pod: 'ns/p',
    node: 'a',
    lastDecision: { ...decision, result: 'scheduled', node: 'a', message: 'a has the highest score' },
  });
  expect(text).toBe(`Pod:          ns/p
Node:         a

Decision:     scheduled, attempt 2 at 2026-01-01T00:00:00.000Z
  a has the highest score

NODE REFUSED  PLUGIN           REASON
b             TaintToleration  node(s) had untolerated taint(s)

NODE  TOTAL  NodeResourcesFit  ImageLocality
a     12     10                2
c     7      7                 -
`);
});

test('S8: a waiting pod: where it waits and for what', () => {
  const text = explainText({
    pod: 'ns/p',
    nominatedNode: 'b',
    queue: { place: 'backoff', attempts: 1, retryInSeconds: 3, refusedBy: ['NodeResourcesFit'] },
  });
  expect(text).toContain('Waits for:    room on b\n');
  expect(text).toContain('Queue:        backoff, 1 attempt, next try within 3 s\n');
  expect(text).toContain('Refused by:   NodeResourcesFit\n');
});

test('S8: a pod that another scheduler placed', () => {
  expect(explainText({ pod: 'ns/p', node: 'a' })).toContain('no record of the decision');
});

describe('S8: command line', () => {
  test.each<[string, string[], string]>([
    ['no pod', [], 'want one pod, got 0'],
    ['two pods', ['a', 'b'], 'want one pod, got 2'],
    ['no such form', ['a', '-o', 'yaml'], '--output: got "yaml", want text or json'],
    ['no name', ['ns/'], 'pod: got "ns/", want NAME or NAMESPACE/NAME'],
    [
      'a server elsewhere, unchecked',
      ['a', '--server=https://192.0.2.1:10259'],
      'want --certificate-authority as well',
    ],
    ['unknown flag', ['a', '--nope'], 'unknown flag: --nope'],
  ])('%s', async (_name, args, message) => {
    const complaints: string[] = [];
    const code = await explainCommand(
      args,
      () => undefined,
      (text) => void complaints.push(text),
    );
    expect([code, complaints.join('')]).toEqual([2, expect.stringContaining(message)]);
  });
});

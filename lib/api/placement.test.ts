import { nodeLabelsMatch, nodeSelectorMatches, podAllowsNode } from './node_selector.ts';
import { formatTaint, SCHEDULING_EFFECTS, tolerates, untoleratedTaint } from './taint.ts';
import type { Node, NodeSelectorTerm, Taint, Toleration } from './types.ts';

const node: Node = { metadata: { name: 'n1', labels: { zone: 'a', cpus: '8' } } };
const onLabel = (key: string, operator: string, ...values: string[]): NodeSelectorTerm => ({
  matchExpressions: [{ key, operator, values }],
});
const onName = (operator: string, ...values: string[]): NodeSelectorTerm => ({
  matchFields: [{ key: 'metadata.name', operator, values }],
});

test.each<[string, NodeSelectorTerm[], boolean]>([
  ['no terms', [], false],
  ['an empty term', [{}], false],
  ['an empty term beside a good one', [{}, onLabel('zone', 'In', 'a')], true],
  ['In', [onLabel('zone', 'In', 'b', 'a')], true],
  ['In without the label', [onLabel('rack', 'In', 'a')], false],
  ['NotIn', [onLabel('zone', 'NotIn', 'a')], false],
  ['NotIn without the label', [onLabel('rack', 'NotIn', 'a')], true],
  ['Exists', [onLabel('zone', 'Exists')], true],
  ['DoesNotExist', [onLabel('zone', 'DoesNotExist')], false],
  ['Gt', [onLabel('cpus', 'Gt', '7')], true],
  ['Gt equal', [onLabel('cpus', 'Gt', '8')], false],
  ['Lt', [onLabel('cpus', 'Lt', '9')], true],
  ['Gt on a label that is no number', [onLabel('zone', 'Gt', '1')], false],
  ['Gt without a number', [onLabel('cpus', 'Gt', 'many')], false],
  ['unknown operator', [onLabel('cpus', 'Near', '8')], false],
  ['In without values', [onLabel('zone', 'In')], false],
  ['terms are alternatives', [onLabel('zone', 'In', 'b'), onLabel('cpus', 'In', '8')], true],
  ['name', [onName('In', 'n1')], true],
  ['other name', [onName('In', 'n2')], false],
  ['not the name', [onName('NotIn', 'n1')], false],
  ['name and labels both count', [{ ...onName('In', 'n1'), ...onLabel('zone', 'In', 'b') }], false],
  ['other field', [{ matchFields: [{ key: 'spec.x', operator: 'DoesNotExist' }] }], false],
])('node selector: %s', (_, nodeSelectorTerms, matches) => {
  expect(nodeSelectorMatches({ nodeSelectorTerms }, node)).toBe(matches);
});

test('a pod allows a node by its nodeSelector and its required affinity', () => {
  const pod = (nodeSelector: Record<string, string>, ...nodeSelectorTerms: NodeSelectorTerm[]) => ({
    metadata: { name: 'p' },
    spec: {
      containers: [],
      nodeSelector,
      affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } },
    },
  });
  expect(podAllowsNode(pod({ zone: 'a' }, onName('In', 'n1')), node)).toBe(true);
  expect(podAllowsNode(pod({ zone: 'b' }, onName('In', 'n1')), node)).toBe(false);
  expect(podAllowsNode(pod({ zone: 'a' }, onName('In', 'n2')), node)).toBe(false);
  expect(podAllowsNode({ metadata: { name: 'p' }, spec: { containers: [] } }, node)).toBe(true);
  expect(nodeLabelsMatch({ toString: 'x' }, node)).toBe(false);
});

const taint: Taint = { key: 'k', value: 'v', effect: 'NoSchedule' };
test.each<[Toleration, boolean]>([
  [{ key: 'k', operator: 'Equal', value: 'v', effect: 'NoSchedule' }, true],
  [{ key: 'k', value: 'v' }, true],
  [{ key: 'k', value: 'w' }, false],
  [{ key: 'k' }, false],
  [{ key: 'k', operator: 'Exists' }, true],
  [{ key: 'k', operator: 'Exists', effect: 'NoExecute' }, false],
  [{ key: 'other', operator: 'Exists' }, false],
  [{ operator: 'Exists' }, true],
  [{ operator: 'Exists', effect: 'NoSchedule' }, true],
  [{ operator: 'Equal', value: 'v' }, true],
  [{ operator: 'Equal', value: 'w' }, false],
  [{}, false],
  [{ key: 'k', operator: 'Gt', value: '1' }, false],
])('%j covers the taint: %p', (toleration, covers) => {
  expect(tolerates(toleration, taint)).toBe(covers);
});

test.each([
  ['950', 'Gt', '900', true],
  ['900', 'Gt', '900', false],
  ['899', 'Gt', '900', false],
  ['-5', 'Lt', '3', true],
  ['3', 'Lt', '3', false],
  ['9223372036854775807', 'Gt', '9223372036854775806', true],
  ['9223372036854775808', 'Gt', '1', false],
  ['+007', 'Lt', '8', true],
  ['9.5', 'Gt', '1', false],
  ['high', 'Gt', '1', false],
  [undefined, 'Lt', '1', false],
  ['5', 'Gt', undefined, false],
])('S4: KEP-5471: taint %p is covered by %s %p: %p', (value, operator, limit, covers) => {
  const numbered = { key: 'sla', effect: 'NoSchedule', ...(value === undefined ? {} : { value }) };
  expect(
    tolerates({ key: 'sla', operator, ...(limit === undefined ? {} : { value: limit }) }, numbered),
  ).toBe(covers);
});

test('the first taint of the effects in question that nothing covers', () => {
  const taints: Taint[] = [
    { key: 'soft', effect: 'PreferNoSchedule' },
    { key: 'a', effect: 'NoSchedule' },
    { key: 'b', value: 'x', effect: 'NoExecute' },
  ];
  expect(untoleratedTaint(taints, [], SCHEDULING_EFFECTS)?.key).toBe('a');
  expect(untoleratedTaint(taints, [{ key: 'a', operator: 'Exists' }], SCHEDULING_EFFECTS)?.key).toBe('b');
  expect(untoleratedTaint(taints, [{ operator: 'Exists' }], SCHEDULING_EFFECTS)).toBeUndefined();
  expect(untoleratedTaint(undefined, undefined, SCHEDULING_EFFECTS)).toBeUndefined();
  expect(taints.map(formatTaint)).toEqual(['soft:PreferNoSchedule', 'a:NoSchedule', 'b=x:NoExecute']);
});

import type { Node, Taint } from '../../api/types.ts';
import { node, pod } from '../testing/objects.ts';
import type { GivenObjects } from './cluster_objects.ts';
import { givenObjects } from './cluster_objects.ts';
import { InputError } from './documents.ts';
import { addNodes, cordon, nodeNamed, podsOn, removeTaint } from './what_if.ts';

const UNSCHEDULABLE: Taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };

function given(...objects: readonly object[]): GivenObjects {
  return givenObjects(objects.map((object, i) => ({ object: { ...object }, where: `object ${i}` })));
}

const aNode = (name: string, taints: readonly Taint[] = [], more: object = {}): object => ({
  apiVersion: 'v1',
  kind: 'Node',
  ...node(name, { spec: { taints: [...taints] } }),
  ...more,
});

const taintsOf = (objects: GivenObjects, name: string): Node['spec'] => objects.get('Node', name)?.spec;

test('S9: a node that is not there: the ones with names close to it are offered', () => {
  const objects = given(aNode('worker-1'), aNode('worker-2'), aNode('other'));
  expect(nodeNamed(objects, 'other', '--drain').metadata.name).toBe('other');
  expect(() => nodeNamed(objects, 'worker-3', '--drain')).toThrow(
    new InputError(
      '--drain: no node "worker-3" among the objects given, did you mean "worker-1" or "worker-2"?',
    ),
  );
  expect(() => nodeNamed(objects, 'zzzzzzzz', '--like')).toThrow(
    new InputError('--like: no node "zzzzzzzz" among the objects given'),
  );
});

test('S9: a cordoned node has the taint once, beside its own', () => {
  const own: Taint = { key: 'own', effect: 'NoExecute' };
  const objects = given(aNode('n', [own, UNSCHEDULABLE]));
  cordon(objects, 'n');
  cordon(objects, 'n');
  expect(taintsOf(objects, 'n')).toEqual({ unschedulable: true, taints: [own, UNSCHEDULABLE] });
});

describe('S9: nodes added', () => {
  const daemon = {
    apiVersion: 'v1',
    kind: 'Pod',
    ...pod('agent-x', {
      metadata: {
        ownerReferences: [
          { apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'agent', uid: 'd', controller: true },
        ],
      },
      spec: { nodeName: 'n' },
    }),
  };
  const csiNode = {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'CSINode',
    metadata: { name: 'n' },
    spec: { drivers: [{ name: 'csi.example.com', nodeID: 'n', allocatable: { count: 3 } }] },
  };

  test('have names that nobody has, and their own host name', () => {
    const objects = given(aNode('n'), aNode('n-new-2'));
    expect(addNodes(objects, 3, 'n')).toEqual(['n-new-1', 'n-new-3', 'n-new-4']);
    expect(objects.get('Node', 'n-new-3')?.metadata.labels).toEqual({ 'kubernetes.io/hostname': 'n-new-3' });
    expect(objects.of('Node')).toHaveLength(5);
  });

  test('have the capacity, the volume limits and the daemons of the model, but no other of its pods', () => {
    const other = { apiVersion: 'v1', kind: 'Pod', ...pod('other', { spec: { nodeName: 'n' } }) };
    const objects = given(aNode('n'), daemon, other, csiNode);
    addNodes(objects, 1, 'n');
    expect(objects.get('Node', 'n-new-1')?.status).toEqual({
      allocatable: { cpu: '4', memory: '8Gi', pods: '110' },
    });
    expect(objects.get('CSINode', 'n-new-1')?.spec.drivers).toMatchObject([{ allocatable: { count: 3 } }]);
    expect(podsOn(objects.of('Pod'), 'n-new-1').map((p) => p.metadata.name)).toEqual(['agent-n-new-1']);
  });

  test('are neither cordoned nor tainted by how the model is at the moment, and have no images', () => {
    const taints: readonly Taint[] = [
      UNSCHEDULABLE,
      { key: 'node.kubernetes.io/not-ready', effect: 'NoExecute' },
      { key: 'node.cloudprovider.kubernetes.io/uninitialized', effect: 'NoSchedule' },
      { key: 'own', effect: 'NoSchedule' },
    ];
    const status = { allocatable: { cpu: '1' }, images: [{ names: ['i'], sizeBytes: 1 }] };
    const objects = given(aNode('n', taints, { status }));
    cordon(objects, 'n');
    addNodes(objects, 1, 'n');
    expect(objects.get('Node', 'n-new-1')).toMatchObject({
      spec: { taints: [{ key: 'own', effect: 'NoSchedule' }] },
      status: { allocatable: { cpu: '1' } },
    });
    expect(objects.get('Node', 'n-new-1')?.spec?.unschedulable).toBeUndefined();
    expect(objects.get('Node', 'n-new-1')?.status?.images).toBeUndefined();
  });
});

describe('S9: a taint removed', () => {
  const x: Taint = { key: 'a', value: 'x', effect: 'NoSchedule' };
  const y: Taint = { key: 'a', value: 'y', effect: 'NoSchedule' };
  const runs: Taint = { key: 'a', value: 'x', effect: 'NoExecute' };

  test.each([
    ['n:a=x:NoSchedule', [y, runs], [x]],
    ['n:a:NoSchedule', [runs], [x]],
    ['n:a:NoExecute', [x, y], [x]],
    ['*:a=x:NoSchedule', [y, runs], []],
  ])('%s', (question, want, wantOfOther) => {
    const objects = given(aNode('n', [x, y, runs]), aNode('m', [x]));
    removeTaint(objects, question);
    expect([taintsOf(objects, 'n')?.taints, taintsOf(objects, 'm')?.taints]).toEqual([want, wantOfOther]);
  });

  test.each([
    ['n:a', '--remove-taint: got "n:a", want NODE:KEY:EFFECT or NODE:KEY=VALUE:EFFECT'],
    [
      'n:a:Sometimes',
      '--remove-taint: got the effect "Sometimes", want one of NoSchedule, PreferNoSchedule, NoExecute',
    ],
    ['n:b:NoSchedule', '--remove-taint: node "n" has no taint b:NoSchedule, it has a=x:NoSchedule'],
    ['*:b=1:NoSchedule', '--remove-taint: no node has the taint b=1:NoSchedule'],
  ])('%s is refused', (question, message) => {
    expect(() => removeTaint(given(aNode('n', [x])), question)).toThrow(new InputError(message));
  });
});

test('S9: pods of a node are named in the order of their names', () => {
  const pods = ['c', 'a', 'b'].map((name) => pod(name, { spec: { nodeName: name === 'b' ? 'other' : 'n' } }));
  expect(podsOn(pods, 'n').map((p) => p.metadata.name)).toEqual(['a', 'c']);
});

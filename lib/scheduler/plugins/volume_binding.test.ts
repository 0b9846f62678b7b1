/** The words are those that the stock scheduler was seen to use for the same claims. */
import type { PersistentVolume, PersistentVolumeClaim } from '../../api/types.ts';
import { testCluster } from '../testing/cluster.ts';
import { node, pod } from '../testing/objects.ts';

const NONE_FOUND = "node(s) didn't find available persistent volumes to bind";
const NO_ROOM = 'node(s) did not have enough free storage';

/** `none` has no volumes, `tight` has no room, `made` can be had. */
const PROVISIONERS = {
  none: 'kubernetes.io/no-provisioner',
  tight: 'tight.example.com',
  made: 'csi.example.com',
};

function claim(name: string, selectedNode?: string): PersistentVolumeClaim {
  const [storageClassName = '', size = ''] = name.split('-');
  return {
    metadata: {
      namespace: 'default',
      name,
      ...(selectedNode === undefined
        ? {}
        : { annotations: { 'volume.kubernetes.io/selected-node': selectedNode } }),
    },
    spec: { storageClassName, resources: { requests: { storage: `${size}Gi` } } },
  };
}

function volume(name: string, size: string): PersistentVolume {
  return {
    metadata: { name },
    spec: { capacity: { storage: size }, storageClassName: 'none', accessModes: ['ReadWriteOnce'] },
    status: { phase: 'Available' },
  };
}

/** What is said of the node `n` to a pod with these claims, in that order; undefined when they can be had. */
function refusal(claims: readonly PersistentVolumeClaim[], volumes: readonly PersistentVolume[] = []) {
  const cluster = testCluster({ nodes: [node('n')] });
  const { objects } = cluster.handle;
  for (const [name, provisioner] of Object.entries(PROVISIONERS))
    objects.storageClasses.put({
      metadata: { name },
      provisioner,
      volumeBindingMode: 'WaitForFirstConsumer',
    });
  objects.csiDrivers.put({ metadata: { name: PROVISIONERS.tight }, spec: { storageCapacity: true } });
  for (const object of claims) objects.persistentVolumeClaims.put(object);
  for (const object of volumes) objects.persistentVolumes.put(object);
  const wanted = claims.map(({ metadata: { name: claimName } }, i) => ({
    name: `v${i}`,
    persistentVolumeClaim: { claimName },
  }));
  return cluster.refusal(pod('p', { spec: { volumes: wanted } }), 'n');
}

test.each([
  ['none-1', 'tight-1', NONE_FOUND],
  ['tight-1', 'none-1', NO_ROOM],
  ['tight-3', 'none-1', NONE_FOUND],
  ['none-1', 'tight-3', NONE_FOUND],
  ['none-3', 'tight-1', NO_ROOM],
  ['tight-1', 'none-3', NO_ROOM],
  ['made-1', 'tight-3', NO_ROOM],
  ['made-3', 'made-1', undefined],
])('%s and %s: the smaller claim is told of, of two alike the first', (a, b, want) => {
  expect(refusal([claim(a), claim(b)])).toBe(want);
});

test.each([
  ['for this node, without room', [claim('none-1'), claim('tight-3', 'n')], NO_ROOM],
  ['for this node, without a provisioner', [claim('made-1'), claim('none-3', 'n')], NONE_FOUND],
  ['for this node, under way', [claim('made-3', 'n')], undefined],
  ['for another node', [claim('tight-1'), claim('made-3', 'other')], NONE_FOUND],
])('a claim that is to be provisioned %s comes first', (_, claims, want) => {
  expect(refusal(claims)).toBe(want);
});

test('the smaller claim does not take the volume that only the larger one needs', () => {
  const claims = ['none-4', 'none-1'].map((name) => ({
    ...claim(name),
    spec: { ...claim(name).spec, accessModes: ['ReadWriteOnce'] },
  }));
  const volumes = [volume('large', '5Gi'), volume('small', '1Gi')];
  expect(refusal(claims, volumes)).toBeUndefined();
  expect(refusal(claims.toReversed(), volumes)).toBeUndefined();
  expect(refusal(claims, volumes.slice(1))).toBe(NONE_FOUND);
});

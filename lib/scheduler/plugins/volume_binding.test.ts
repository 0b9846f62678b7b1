/** The words are those that the stock scheduler was seen to use for the same claims. */
import type { PersistentVolume, PersistentVolumeClaim, Pod } from '../../api/types.ts';
import type { TestCluster } from '../testing/cluster.ts';
import { testCluster } from '../testing/cluster.ts';
import { node, pod } from '../testing/objects.ts';
import type { ShapePoint } from './scoring_strategy.ts';

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

function putClasses({ handle: { objects } }: TestCluster): void {
  for (const [name, provisioner] of Object.entries(PROVISIONERS))
    objects.storageClasses.put({
      metadata: { name },
      provisioner,
      volumeBindingMode: 'WaitForFirstConsumer',
    });
}

function podWith(claims: readonly PersistentVolumeClaim[]): Pod {
  const volumes = claims.map(({ metadata: { name: claimName } }, i) => ({
    name: `v${i}`,
    persistentVolumeClaim: { claimName },
  }));
  return pod('p', { spec: { volumes } });
}

/** What is said of the node `n` to a pod with these claims, in that order; undefined when they can be had. */
function refusal(claims: readonly PersistentVolumeClaim[], volumes: readonly PersistentVolume[] = []) {
  const cluster = testCluster({ nodes: [node('n')] });
  const { objects } = cluster.handle;
  putClasses(cluster);
  objects.csiDrivers.put({ metadata: { name: PROVISIONERS.tight }, spec: { storageCapacity: true } });
  for (const object of claims) objects.persistentVolumeClaims.put(object);
  for (const object of volumes) objects.persistentVolumes.put(object);
  return cluster.refusal(podWith(claims), 'n');
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
])('S4: %s and %s: the smaller claim is told of, of two alike the first', (a, b, want) => {
  expect(refusal([claim(a), claim(b)])).toBe(want);
});

test.each([
  ['for this node, without room', [claim('none-1'), claim('tight-3', 'n')], NO_ROOM],
  ['for this node, without a provisioner', [claim('made-1'), claim('none-3', 'n')], NONE_FOUND],
  ['for this node, under way', [claim('made-3', 'n')], undefined],
  ['for another node', [claim('tight-1'), claim('made-3', 'other')], NONE_FOUND],
])('S4: a claim that is to be provisioned %s comes first', (_, claims, want) => {
  expect(refusal(claims)).toBe(want);
});

test('S4: the smaller claim does not take the volume that only the larger one needs', () => {
  const claims = ['none-4', 'none-1'].map((name) => ({
    ...claim(name),
    spec: { ...claim(name).spec, accessModes: ['ReadWriteOnce'] },
  }));
  const volumes = [volume('large', '5Gi'), volume('small', '1Gi')];
  expect(refusal(claims, volumes)).toBeUndefined();
  expect(refusal(claims.toReversed(), volumes)).toBeUndefined();
  expect(refusal(claims, volumes.slice(1))).toBe(NONE_FOUND);
});

describe('S4: scores by storage capacity (gate StorageCapacityScoring)', () => {
  const scoring = { gates: { enabled: (gate: string) => gate === 'StorageCapacityScoring' } };

  /** The scores of nodes of the zones `small` (10Gi left) and `large` (40Gi left, the local volume of 8Gi). */
  function scores(
    claims: readonly PersistentVolumeClaim[],
    { shape, on = true }: { shape?: readonly ShapePoint[]; on?: boolean } = {},
  ) {
    const nodes = ['small', 'large'].map((zone) => node(zone, { labels: { zone } }));
    const cluster = testCluster({
      nodes,
      ...(on ? { handle: scoring } : {}),
      ...(shape === undefined ? {} : { args: { VolumeBinding: { shape } } }),
    });
    const { objects } = cluster.handle;
    putClasses(cluster);
    objects.csiDrivers.put({ metadata: { name: PROVISIONERS.tight }, spec: { storageCapacity: true } });
    for (const [zone, capacity] of [
      ['small', '10Gi'],
      ['large', '40Gi'],
    ] as const)
      objects.csiStorageCapacities.put({
        metadata: { namespace: 'default', name: zone },
        storageClassName: 'tight',
        nodeTopology: { matchLabels: { zone } },
        capacity,
      });
    for (const [zone, size] of [
      ['small', '4Gi'],
      ['large', '8Gi'],
    ] as const) {
      const expression = { key: 'zone', operator: 'In', values: [zone] };
      const required = { nodeSelectorTerms: [{ matchExpressions: [expression] }] };
      const local = volume(`local-${zone}`, size);
      objects.persistentVolumes.put({ ...local, spec: { ...local.spec, nodeAffinity: { required } } });
    }
    for (const object of claims)
      objects.persistentVolumeClaims.put({
        ...object,
        spec: { ...object.spec, accessModes: ['ReadWriteOnce'] },
      });
    return cluster.scores(podWith(claims), 'VolumeBinding');
  }

  test.each([
    ['what is left of the room of the driver', [claim('tight-5')], { large: 88, small: 50 }],
    ['two volumes out of the same room', [claim('tight-4'), claim('tight-5')], { large: 78, small: 10 }],
    ['how much of a volume that exists is asked for', [claim('none-2')], { large: 75, small: 50 }],
    [
      'volumes that exist alone, where there are any',
      [claim('none-2'), claim('tight-5')],
      { large: 75, small: 50 },
    ],
    ['nothing, of a driver that does not tell', [claim('made-5')], { large: 0, small: 0 }],
    ['the mean of classes', [claim('tight-5'), claim('made-1')], { large: 88, small: 50 }],
  ])('%s', (_, claims, want) => {
    expect(scores(claims)).toEqual(want);
  });

  test('by a shape that prefers full nodes', () => {
    const shape = [
      { utilization: 0, score: 0 },
      { utilization: 100, score: 10 },
    ];
    expect(scores([claim('tight-5')], { shape })).toEqual({ large: 12, small: 50 });
  });

  test('without the gate there is no such score', () => {
    expect(scores([claim('tight-5')], { on: false })).toEqual({ large: Number.NaN, small: Number.NaN });
  });
});

/** What a node gives its pods: disks of its own by claims, CPU and memory that change while they run, and limits that hold. */
import { mkdir, rm } from 'node:fs/promises';
import { isNotFound } from '../../lib/client/errors.ts';
import { PERSISTENT_VOLUMES } from '../../lib/client/resource.ts';
import { api, closeApi, cluster, nodeFile } from './support/cluster.ts';
import { eventually } from './support/eventually.ts';
import { TestNamespace, type Manifest } from './support/namespace.ts';
import { scriptPod } from './support/workloads.ts';

let ns: TestNamespace;
beforeAll(async () => {
  ns = await TestNamespace.create('node-resources');
});
afterAll(async () => {
  await ns[Symbol.asyncDispose]();
  await closeApi();
});

test('a claim on a local volume: data outlives its pod, belongs to the group, and nothing stays mounted', async () => {
  const [node] = cluster().nodes;
  if (node === undefined) throw new Error('e2e: the cluster has no node');
  const path = `/tmp/${ns.name}`;
  const folder = nodeFile(node.name, path);
  await mkdir(folder);
  const storage = { requests: { storage: '1Gi' } };
  const common = { accessModes: ['ReadWriteOnce'], storageClassName: ns.name };
  try {
    await ns.apply(
      {
        apiVersion: 'v1',
        kind: 'PersistentVolume',
        metadata: { name: ns.name },
        spec: {
          ...common,
          capacity: { storage: '1Gi' },
          local: { path },
          nodeAffinity: {
            required: {
              nodeSelectorTerms: [
                {
                  matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [node.name] }],
                },
              ],
            },
          },
        },
      },
      {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        metadata: { name: 'data' },
        spec: { ...common, resources: storage },
      },
    );
    const use = (name: string, script: string): Manifest =>
      scriptPod(name, script, {
        spec: {
          securityContext: { fsGroup: 4321 },
          volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }],
        },
        container: { volumeMounts: [{ name: 'data', mountPath: '/data' }] },
      });
    await ns.apply(use('writer', 'echo kept > /data/file'));
    await ns.ended('writer', 'Succeeded');
    await ns.kubectl('delete', 'pod', 'writer');
    await ns.apply(use('reader', 'cat /data/file; stat -c %g /data'));
    await ns.ended('reader', 'Succeeded');
    expect(await ns.kubectl('logs', 'reader')).toBe('kept\n4321\n');
    await ns.kubectl('delete', 'pod', 'reader');
    await eventually('the folder can be removed, as nothing is bound from it', () =>
      rm(folder, { recursive: true }),
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
    await api()
      .delete(PERSISTENT_VOLUMES, { name: ns.name })
      .catch((err: unknown) => {
        if (!isNotFound(err)) throw err;
      });
  }
});

test('CPU changes in a running container; memory by a restart where the pod wants it so', async () => {
  const amounts = (cpu: string, memory: string): Manifest => ({
    requests: { cpu, memory },
    limits: { cpu, memory },
  });
  const resizePolicy = [
    { resourceName: 'cpu', restartPolicy: 'NotRequired' },
    { resourceName: 'memory', restartPolicy: 'RestartContainer' },
  ];
  await ns.apply(
    scriptPod('resized', 'sleep 1000', {
      spec: { restartPolicy: 'Always' },
      container: { resources: amounts('50m', '32Mi'), resizePolicy },
    }),
  );
  const before = await ns.ready('resized');
  const resized = async (resources: Manifest, restartCount: number): Promise<string | undefined> => {
    const patch = { spec: { containers: [{ name: 'main', resources }] } };
    await ns.kubectl('patch', 'pod', 'resized', '--subresource=resize', '-p', JSON.stringify(patch));
    return eventually('the status shows the new resources', async () => {
      const pod = await ns.pod('resized');
      const [status] = pod.status?.containerStatuses ?? [];
      expect(status).toMatchObject({ resources, restartCount, state: { running: {} } });
      expect(pod.status?.conditions?.map(({ type }) => type)).not.toContain('PodResizeInProgress');
      return status?.containerID;
    });
  };
  const id = before.status?.containerStatuses?.[0]?.containerID;
  expect(await resized(amounts('70m', '32Mi'), 0)).toBe(id);
  expect(await resized(amounts('70m', '48Mi'), 1)).not.toBe(id);
  expect(await ns.eventReasons('resized')).toEqual(
    expect.arrayContaining(['ResizeStarted', 'Killing', 'ResizeCompleted']),
  );
});

test('a pod that fills its emptyDir beyond the limit is evicted, and says why', async () => {
  await ns.apply(
    scriptPod('greedy', 'dd if=/dev/zero of=/scratch/file bs=1M count=20; sleep 1000', {
      spec: { volumes: [{ name: 'scratch', emptyDir: { sizeLimit: '5Mi' } }] },
      container: { volumeMounts: [{ name: 'scratch', mountPath: '/scratch' }] },
    }),
  );
  const { status } = await ns.ended('greedy', 'Failed', 150_000);
  const message = 'Usage of EmptyDir volume "scratch" exceeds the limit "5Mi". ';
  expect(status).toMatchObject({ reason: 'Evicted', message });
  // Its own doing: a Job must not take it for a disruption and start over for free.
  expect(status?.conditions?.map(({ type }) => type)).not.toContain('DisruptionTarget');
  expect(await ns.eventReasons('greedy')).toContain('Evicted');
});

/** Pods from files on the node: up without the API's say, mirrored to it, back when deleted there, gone with the file. */
import { rm, writeFile } from 'node:fs/promises';
import { isNotFound } from '../../lib/client/errors.ts';
import { PODS } from '../../lib/client/resource.ts';
import { api, closeApi, kubectl, nodeFile, twoNodes } from './support/cluster.ts';
import { eventually } from './support/eventually.ts';
import { isReady } from './support/namespace.ts';
import { scriptPod } from './support/workloads.ts';

afterAll(closeApi);

const [first] = twoNodes();
const key = { namespace: 'kube-system', name: `e2e-static-${first.name}` };
const file = nodeFile(first.name, '/etc/kubernetes/manifests/e2e-static.json');
const manifest = (script: string): string => {
  const pod = scriptPod('e2e-static', script, { spec: { restartPolicy: 'Always' } });
  return JSON.stringify({ ...pod, metadata: { name: 'e2e-static', namespace: 'kube-system' } });
};

async function gone(): Promise<void> {
  await eventually('the mirror is gone', async () => {
    try {
      await api().get(PODS, key);
    } catch (err) {
      if (isNotFound(err)) return;
      throw err;
    }
    throw new Error('still there');
  });
}

test('comes with its file, changes with it, survives deletion of the mirror, goes with it', async () => {
  try {
    await writeFile(file, manifest('echo one; exec sleep 3600'));
    const pod = await eventually('it runs and is mirrored', async () => {
      const found = await api().get(PODS, key);
      expect(isReady(found)).toBe(true);
      return found;
    });
    expect(pod.metadata.annotations).toMatchObject({ 'kubernetes.io/config.source': 'file' });
    expect(pod.metadata.annotations?.['kubernetes.io/config.mirror']).toBeDefined();
    expect(pod.metadata.ownerReferences).toEqual([
      expect.objectContaining({ kind: 'Node', name: first.name }),
    ]);
    expect(pod.spec.nodeName).toBe(first.name);

    const container = pod.status?.containerStatuses?.[0]?.containerID;
    await kubectl(['-n', 'kube-system', 'delete', 'pod', key.name, '--timeout=30s']);
    await eventually('the mirror is back, over the same container', async () => {
      const back = await api().get(PODS, key);
      expect(back.metadata.uid).not.toBe(pod.metadata.uid);
      expect(back.status?.containerStatuses?.[0]?.containerID).toBe(container);
    });

    await writeFile(file, manifest('echo two; exec sleep 3600'));
    await eventually('the changed pod runs', async () => {
      expect(await kubectl(['-n', 'kube-system', 'logs', key.name])).toBe('two\n');
    });
  } finally {
    await rm(file, { force: true });
  }
  await gone();
});

test('a file that is no pod disturbs nothing', async () => {
  const broken = nodeFile(first.name, '/etc/kubernetes/manifests/e2e-broken.yaml');
  try {
    await writeFile(broken, 'kind: Pod\nspec: [');
    await writeFile(file, manifest('exec sleep 3600'));
    await eventually('the good one runs', async () => {
      expect(isReady(await api().get(PODS, key))).toBe(true);
    });
  } finally {
    await rm(broken, { force: true });
    await rm(file, { force: true });
  }
  await gone();
});

/** Secrets stay secret: not in the kubelet's log at any verbosity, not on a disk, not readable by others. */
import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { closeApi, kubectl, kubectlResult, nodeFile, processOf } from '../../e2e/support/cluster.ts';
import { TestNamespace } from '../../e2e/support/namespace.ts';
import { scriptPod } from '../../e2e/support/workloads.ts';
import { STAYS } from '../support/bystanders.ts';
import { KUBELET, KubeletLog, NODE, nodeIs, restartKubelet, standing } from '../support/node_under_fault.ts';

const usual = standing.record(KUBELET).argv;

afterAll(async () => {
  await standing.kill(KUBELET);
  const [program = '', ...args] = usual;
  await standing.start(KUBELET, [program, ...args]);
  await nodeIs('True');
  await closeApi();
});

test('at -v=10 no secret reaches the log; volumes with secrets are in memory', async () => {
  const log = new KubeletLog();
  await restartKubelet('--v=10');
  await nodeIs('True');
  await using ns = await TestNamespace.create('secrecy');
  const words = {
    env: 'tsk-word-of-env',
    file: 'tsk-word-of-file',
    pull: 'tsk-word-of-pull',
    missing: 'tsk-word-of-bad',
  };
  const docker = { auths: { 'registry.invalid:5000': { username: 'u', password: words.pull } } };
  await ns.apply(
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 's' },
      stringData: { env: words.env, file: words.file },
    },
    // A key that is no name of a variable is told of in an event: by its name alone.
    { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'odd' }, stringData: { '1-odd': words.missing } },
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'pull' },
      type: 'kubernetes.io/dockerconfigjson',
      stringData: { '.dockerconfigjson': JSON.stringify(docker) },
    },
    scriptPod('keeper', STAYS, {
      spec: {
        nodeName: NODE,
        volumes: [
          { name: 's', secret: { secretName: 's', defaultMode: 0o400 } },
          {
            name: 'all',
            projected: { sources: [{ secret: { name: 's' } }, { serviceAccountToken: { path: 'token' } }] },
          },
        ],
      },
      container: {
        env: [{ name: 'WORD', valueFrom: { secretKeyRef: { name: 's', key: 'env' } } }],
        envFrom: [{ secretRef: { name: 'odd' } }],
        volumeMounts: [
          { name: 's', mountPath: '/s' },
          { name: 'all', mountPath: '/all' },
        ],
        livenessProbe: { exec: { command: ['sh', '-c', 'echo "$WORD"; cat /s/file'] }, periodSeconds: 1 },
      },
    }),
    scriptPod('breaks', 'sleep 1', {
      spec: { nodeName: NODE, imagePullSecrets: [{ name: 'pull' }] },
      container: { image: 'registry.invalid:5000/none:1' },
    }),
    scriptPod('lacks', 'sleep 1', {
      spec: { nodeName: NODE },
      container: { env: [{ name: 'X', valueFrom: { secretKeyRef: { name: 's', key: 'none' } } }] },
    }),
  );
  await ns.ready('keeper');
  const token = await ns.kubectl('exec', 'keeper', '--', 'cat', '/all/token');
  // A stranger's credentials do not belong into the log either.
  const bearer = await ns.kubectl('create', 'token', 'default');
  await kubectlResult(['--token', bearer.trim(), 'get', '--raw', `/api/v1/nodes/${NODE}/proxy/pods`]);
  await kubectl(['get', '--raw', `/api/v1/nodes/${NODE}/proxy/configz`]);
  const uid = (await ns.pod('keeper')).metadata.uid ?? '';

  const text = log.text();
  expect(text).toContain('keeper');
  const values = [...Object.values(words), token.trim(), bearer.trim()];
  for (const value of values)
    for (const shape of [value, Buffer.from(value).toString('base64').replace(/=+$/, '')])
      expect([shape, text.split('\n').find((line) => line.includes(shape))]).toEqual([shape, undefined]);

  const volumes = `/var/lib/kubelet/pods/${uid}/volumes`;
  const mounts = readFileSync(`/proc/${processOf(NODE).pid}/mounts`, 'utf8').split('\n');
  for (const volume of ['kubernetes.io~secret/s', 'kubernetes.io~projected/all']) {
    const line = mounts.find((mount) => mount.split(' ')[1] === `${volumes}/${volume}`);
    expect(line?.split(' ')[2]).toBe('tmpfs');
  }
  const data = nodeFile(NODE, `${volumes}/kubernetes.io~secret/s/..data`);
  for (const name of readdirSync(data)) expect(lstatSync(join(data, name)).mode & 0o7777).toBe(0o400);
  // What the kubelet itself keeps on disk is for root alone.
  const root = nodeFile(NODE, '/var/lib/kubelet');
  for (const name of ['pki', ...readdirSync(root)]) {
    const found = lstatSync(join(root, name), { throwIfNoEntry: false });
    if (found?.isFile() === true) expect([name, found.mode & 0o077]).toEqual([name, 0]);
  }
  // Others of the machine cannot even enter.
  expect(lstatSync(nodeFile(NODE, '/var/lib/kubelet/pods')).mode & 0o007).toBe(0);
}, 180_000);

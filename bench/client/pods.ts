import type { ApiClient } from '../../lib/client/client.ts';
import { PODS } from '../../lib/client/resource.ts';

export const PODS_IN_CLUSTER = 5_000;
const NODE_COUNT = 100;

/** Creates pods as a Deployment's would look on a node: probes, env, volumes, tolerations, a running status. */
export async function createPods(client: ApiClient): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < PODS_IN_CLUSTER) await createPod(client, next++);
  };
  await Promise.all(Array.from({ length: 32 }, worker));
}

async function createPod(client: ApiClient, i: number): Promise<void> {
  const app = `app-${i % 50}`;
  const name = `${app}-7d4b9c6f5-${i.toString(36).padStart(5, '0')}`;
  await client.create(PODS, {
    metadata: {
      namespace: 'default',
      name,
      labels: { 'app.kubernetes.io/name': app, 'pod-template-hash': '7d4b9c6f5' },
      annotations: { 'prometheus.io/scrape': 'true', 'prometheus.io/port': '9102' },
    },
    spec: {
      nodeName: nodeOf(i),
      automountServiceAccountToken: false,
      tolerations: [{ key: 'dedicated', operator: 'Equal', value: 'web', effect: 'NoSchedule' }],
      volumes: [
        { name: 'config', configMap: { name: `${app}-config` } },
        { name: 'scratch', emptyDir: {} },
      ],
      containers: [
        {
          name: 'server',
          image: `registry.example/team/${app}:v1.${i % 7}.0`,
          args: ['--listen=:8080', '--config=/etc/app/config.yaml'],
          ports: [{ name: 'http', containerPort: 8080 }],
          env: [
            { name: 'POD_IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
            { name: 'MODE', value: 'production' },
          ],
          resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { memory: '256Mi' } },
          readinessProbe: { httpGet: { path: '/ready', port: 'http' }, periodSeconds: 5 },
          livenessProbe: { httpGet: { path: '/live', port: 'http' } },
          volumeMounts: [
            { name: 'config', mountPath: '/etc/app' },
            { name: 'scratch', mountPath: '/tmp' },
          ],
        },
      ],
    },
  });
  const at = new Date(0).toISOString().replace('.000', '');
  const conditions = ['PodScheduled', 'Initialized', 'ContainersReady', 'Ready'].map((type) => ({
    type,
    status: 'True',
    lastTransitionTime: at,
  }));
  const status = {
    phase: 'Running',
    conditions,
    hostIP: '10.0.0.1',
    podIP: `10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`,
    startTime: at,
    containerStatuses: [
      {
        name: 'server',
        ready: true,
        started: true,
        restartCount: 0,
        image: `registry.example/team/${app}:v1`,
        imageID: `registry.example/team/${app}@sha256:${'ab'.repeat(32)}`,
        containerID: `containerd://${'cd'.repeat(32)}`,
        state: { running: { startedAt: at } },
      },
    ],
  };
  await client.patch(
    PODS,
    { namespace: 'default', name },
    { status },
    { type: 'merge', subresource: 'status' },
  );
}

export function nodeOf(i: number): string {
  return `node-${i % NODE_COUNT}`;
}

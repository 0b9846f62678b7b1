/** Manifests that many tests use. The images were loaded into every node by hack/up. */
import type { Manifest } from './namespace.ts';

export const BUSYBOX = 'ts-kubernetes.local/busybox:dev';
export const AGNHOST = 'ts-kubernetes.local/agnhost:dev';

/** A pod with a shell script in busybox as its only container, `main`. Ends by SIGTERM at once unless told. */
export function scriptPod(
  name: string,
  script: string,
  {
    spec = {},
    container = {},
    labels = {},
  }: { spec?: Manifest; container?: Manifest; labels?: Manifest } = {},
): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels },
    spec: {
      restartPolicy: 'Never',
      terminationGracePeriodSeconds: 2,
      containers: [{ name: 'main', image: BUSYBOX, command: ['sh', '-c', script], ...container }],
      ...spec,
    },
  };
}

/** Container of agnhost that answers HTTP on 8080 (`/hostname`, `/dial`...) and UDP on 8081. */
export function netexecContainer(extra: Manifest = {}): Manifest {
  return {
    name: 'netexec',
    image: AGNHOST,
    args: ['netexec', '--http-port=8080', '--udp-port=8081'],
    ports: [
      { name: 'http', containerPort: 8080 },
      { name: 'udp', containerPort: 8081, protocol: 'UDP' },
    ],
    readinessProbe: { httpGet: { path: '/healthz', port: 'http' }, periodSeconds: 1 },
    ...extra,
  };
}

/** A Deployment of {@link netexecContainer}, labelled `app: <name>`, spread over the nodes where possible. */
export function netexecDeployment(
  name: string,
  replicas: number,
  { spec = {}, pod = {}, container = {} }: { spec?: Manifest; pod?: Manifest; container?: Manifest } = {},
): Manifest {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: {
          terminationGracePeriodSeconds: 2,
          containers: [netexecContainer(container)],
          ...pod,
        },
      },
      ...spec,
    },
  };
}

/** A netexec pod fixed to a node. */
export function netexecPod(name: string, nodeName: string, labels: Manifest = {}): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels },
    spec: { nodeName, terminationGracePeriodSeconds: 2, containers: [netexecContainer()] },
  };
}

/** A Service in front of netexec pods: TCP port 80 and UDP port 81. */
export function netexecService(name: string, app: string, spec: Manifest = {}): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name },
    spec: {
      selector: { app },
      ports: [
        { name: 'http', port: 80, targetPort: 'http', protocol: 'TCP' },
        { name: 'udp', port: 81, targetPort: 'udp', protocol: 'UDP' },
      ],
      ...spec,
    },
  };
}

/** What pods are given: environment, volumes, identity; and how their containers are looked after. */
import type { Pod } from '../../lib/api/types.ts';
import { closeApi } from './support/cluster.ts';
import { eventually, throughout } from './support/eventually.ts';
import { TestNamespace, type Manifest } from './support/namespace.ts';
import { BUSYBOX, scriptPod } from './support/workloads.ts';

let ns: TestNamespace;
beforeAll(async () => {
  ns = await TestNamespace.create('pods');
  await ns.apply(
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'settings' },
      data: { COLOUR: 'blue', 'file.txt': 'from config map\n', 'not-a-name': 'x' },
    },
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'secret' },
      stringData: { PASSWORD: 'hunter2', 'key.txt': 'from secret' },
    },
  );
});
afterAll(async () => {
  await ns[Symbol.asyncDispose]();
  await closeApi();
});

/** Log of a pod that runs `script` to its end. */
async function output(
  name: string,
  script: string,
  options: Parameters<typeof scriptPod>[2] = {},
): Promise<string> {
  await ns.apply(scriptPod(name, script, options));
  await ns.ended(name, 'Succeeded');
  return ns.kubectl('logs', name);
}

describe('environment', () => {
  test('comes from values, ConfigMaps, Secrets, fields, resources and other variables', async () => {
    const container: Manifest = {
      resources: { requests: { cpu: '100m', memory: '16Mi' }, limits: { cpu: '1500m', memory: '64Mi' } },
      envFrom: [
        { configMapRef: { name: 'settings' } },
        { prefix: 'S_', secretRef: { name: 'secret' } },
        { configMapRef: { name: 'absent', optional: true } },
      ],
      env: [
        { name: 'PLAIN', value: 'a b' },
        { name: 'EXPANDED', value: '$(PLAIN)/$(COLOUR)/$$(PLAIN)/$(UNKNOWN)' },
        { name: 'FROM_MAP', valueFrom: { configMapKeyRef: { name: 'settings', key: 'COLOUR' } } },
        { name: 'FROM_SECRET', valueFrom: { secretKeyRef: { name: 'secret', key: 'PASSWORD' } } },
        {
          name: 'MISSING',
          valueFrom: { configMapKeyRef: { name: 'settings', key: 'none', optional: true } },
        },
        { name: 'POD', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
        { name: 'LABEL', valueFrom: { fieldRef: { fieldPath: "metadata.labels['tier']" } } },
        { name: 'NODE', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
        { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
        { name: 'HOST_IP', valueFrom: { fieldRef: { fieldPath: 'status.hostIP' } } },
        { name: 'ACCOUNT', valueFrom: { fieldRef: { fieldPath: 'spec.serviceAccountName' } } },
        { name: 'CPU', valueFrom: { resourceFieldRef: { resource: 'limits.cpu' } } },
        { name: 'MEMORY', valueFrom: { resourceFieldRef: { resource: 'requests.memory', divisor: '1Mi' } } },
      ],
    };
    const text = await output('environment', 'env', { container, labels: { tier: 'front' } });
    const pod = await ns.pod('environment');
    const variables = new Map(
      text
        .split('\n')
        .filter((line) => line.includes('='))
        .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
    );
    expect(Object.fromEntries(variables)).toMatchObject({
      COLOUR: 'blue',
      S_PASSWORD: 'hunter2',
      PLAIN: 'a b',
      EXPANDED: 'a b/blue/$(PLAIN)/$(UNKNOWN)',
      FROM_MAP: 'blue',
      FROM_SECRET: 'hunter2',
      POD: 'environment',
      LABEL: 'front',
      NODE: pod.spec.nodeName,
      HOST_IP: pod.status?.hostIP,
      ACCOUNT: 'default',
      CPU: '2',
      MEMORY: '16',
      KUBERNETES_SERVICE_PORT: '443',
      HOSTNAME: 'environment',
    });
    for (const name of ['IP', 'KUBERNETES_SERVICE_HOST']) {
      expect(variables.get(name)).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
    }
    expect(variables.has('MISSING')).toBe(false);
  });

  test('a missing ConfigMap holds the container back, with a reason, until it is there', async () => {
    await ns.apply(
      scriptPod('waiting', 'echo $VALUE', {
        container: { env: [{ name: 'VALUE', valueFrom: { configMapKeyRef: { name: 'later', key: 'k' } } }] },
      }),
    );
    await eventually('the reason is told', async () => {
      const waiting = (await ns.pod('waiting')).status?.containerStatuses?.[0]?.state?.waiting;
      expect(waiting?.reason).toBe('CreateContainerConfigError');
      expect(waiting?.message).toContain('later');
    });
    await ns.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'later' }, data: { k: 'v' } });
    await ns.ended('waiting', 'Succeeded', 90_000);
    expect(await ns.kubectl('logs', 'waiting')).toBe('v\n');
  });
});

describe('volumes', () => {
  test('configMap, secret, downwardAPI, projected, emptyDir, hostPath', async () => {
    const script = `
      cat /config/file.txt /config/renamed; echo
      stat -c '%a' -L /config/file.txt /secret/key.txt
      cat /secret/key.txt; echo
      cat /down/labels; echo
      cat /down/cpu; echo
      ls /all; cat /all/nested/secret; echo
      echo shared > /scratch/x && cat /scratch/x
      mount | grep ' /memory ' | cut -d' ' -f5
      test -d /host/sys && echo host seen
      touch /config/y 2>/dev/null || echo config is read-only
      touch /host/y 2>/dev/null || echo host is read-only`;
    const container: Manifest = {
      resources: { limits: { cpu: '250m' } },
      volumeMounts: [
        { name: 'config', mountPath: '/config' },
        { name: 'secret', mountPath: '/secret' },
        { name: 'down', mountPath: '/down' },
        { name: 'all', mountPath: '/all' },
        { name: 'scratch', mountPath: '/scratch' },
        { name: 'memory', mountPath: '/memory' },
        { name: 'host', mountPath: '/host', readOnly: true },
      ],
    };
    const spec: Manifest = {
      volumes: [
        {
          name: 'config',
          configMap: {
            name: 'settings',
            items: [
              { key: 'file.txt', path: 'file.txt', mode: 0o400 },
              { key: 'COLOUR', path: 'renamed' },
            ],
          },
        },
        { name: 'secret', secret: { secretName: 'secret', defaultMode: 0o440 } },
        {
          name: 'down',
          downwardAPI: {
            items: [
              { path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } },
              {
                path: 'cpu',
                resourceFieldRef: { containerName: 'main', resource: 'limits.cpu', divisor: '1m' },
              },
            ],
          },
        },
        {
          name: 'all',
          projected: {
            sources: [
              { configMap: { name: 'settings', items: [{ key: 'COLOUR', path: 'colour' }] } },
              { secret: { name: 'secret', items: [{ key: 'PASSWORD', path: 'nested/secret' }] } },
              { downwardAPI: { items: [{ path: 'name', fieldRef: { fieldPath: 'metadata.name' } }] } },
              { serviceAccountToken: { path: 'token', audience: 'somebody', expirationSeconds: 600 } },
            ],
          },
        },
        { name: 'scratch', emptyDir: {} },
        { name: 'memory', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } },
        { name: 'host', hostPath: { path: '/', type: 'Directory' } },
      ],
    };
    const text = await output('volumes', script, { container, spec, labels: { tier: 'back' } });
    expect(text.split('\n')).toEqual([
      'from config map',
      'blue',
      '400',
      '440',
      'from secret',
      'tier="back"',
      '250',
      'colour',
      'name',
      'nested',
      'token',
      'hunter2',
      'shared',
      'tmpfs',
      'host seen',
      'config is read-only',
      'host is read-only',
      '',
    ]);
  });

  test('the service account token opens the API, as the pod’s own identity', async () => {
    const dir = '/var/run/secrets/kubernetes.io/serviceaccount';
    const text = await output(
      'identity',
      `ls ${dir}; cat ${dir}/namespace; echo; cut -d. -f2 ${dir}/token | tr '_-' '/+' | (base64 -d 2>/dev/null || true)`,
    );
    expect(text).toContain('ca.crt\nnamespace\ntoken\n');
    expect(text).toContain(`\n${ns.name}\n`);
    expect(text).toContain('"pod":{"name":"identity"');
    expect(text).toContain(`"sub":"system:serviceaccount:${ns.name}:default"`);
  });

  test('a changed ConfigMap reaches the running container', async () => {
    await ns.apply(
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'changing' }, data: { k: 'one' } },
      scriptPod('watching', 'exec sleep 3600', {
        container: { volumeMounts: [{ name: 'v', mountPath: '/v' }] },
        spec: { volumes: [{ name: 'v', configMap: { name: 'changing' } }] },
      }),
    );
    await ns.ready('watching');
    expect(await ns.kubectl('exec', 'watching', '--', 'cat', '/v/k')).toBe('one');
    await ns.apply({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'changing' },
      data: { k: 'two' },
    });
    await eventually(
      'the file changes',
      async () => expect(await ns.kubectl('exec', 'watching', '--', 'cat', '/v/k')).toBe('two'),
      { timeoutMs: 120_000, intervalMs: 2000 },
    );
  });

  test('subPath mounts one file; fsGroup owns the files', async () => {
    const text = await output(
      'subpath',
      "cat /etc/one; stat -c '%g' /data; id -G; touch /data/x; stat -c '%u %g' /data/x",
      {
        container: {
          volumeMounts: [
            { name: 'config', mountPath: '/etc/one', subPath: 'file.txt' },
            { name: 'data', mountPath: '/data' },
          ],
        },
        spec: {
          securityContext: { runAsUser: 1000, runAsGroup: 1001, fsGroup: 2000, supplementalGroups: [3000] },
          volumes: [
            { name: 'config', configMap: { name: 'settings' } },
            { name: 'data', emptyDir: {} },
          ],
        },
      },
    );
    const [config, group, groups, owner] = text.split('\n');
    expect([config, group, owner]).toEqual(['from config map', '2000', '1000 2000']);
    expect(new Set(groups?.split(' '))).toEqual(new Set(['1001', '2000', '3000']));
  });

  test('a hostPath of the wrong type holds the pod back, with an event that says why', async () => {
    await ns.apply(
      scriptPod('nohost', 'true', {
        container: { volumeMounts: [{ name: 'v', mountPath: '/v' }] },
        spec: { volumes: [{ name: 'v', hostPath: { path: '/no/such/folder', type: 'Directory' } }] },
      }),
    );
    await eventually('the event tells', async () => {
      expect(await ns.eventReasons('nohost')).toContain('FailedMount');
    });
    expect((await ns.pod('nohost')).status?.phase).toBe('Pending');
  });
});

describe('containers', () => {
  function restarts(pod: Pod): number {
    return pod.status?.containerStatuses?.[0]?.restartCount ?? 0;
  }

  test('init containers run one after the other, and share volumes with the rest', async () => {
    const mount = { volumeMounts: [{ name: 'v', mountPath: '/v' }] };
    const init = (name: string, script: string): Manifest => ({
      name,
      image: BUSYBOX,
      command: ['sh', '-c', script],
      ...mount,
    });
    const text = await output('initialised', 'cat /v/log', {
      container: mount,
      spec: {
        initContainers: [init('one', 'sleep 1; echo one >> /v/log'), init('two', 'echo two >> /v/log')],
        volumes: [{ name: 'v', emptyDir: {} }],
      },
    });
    expect(text).toBe('one\ntwo\n');
    expect((await ns.pod('initialised')).status?.conditions).toContainEqual(
      expect.objectContaining({ type: 'Initialized', status: 'True' }),
    );
  });

  test('a failing init container is tried again with restartPolicy Always, and the rest waits', async () => {
    await ns.apply(
      scriptPod('uninitialised', 'exec sleep 3600', {
        spec: {
          restartPolicy: 'Always',
          initContainers: [{ name: 'init', image: BUSYBOX, command: ['false'] }],
        },
      }),
    );
    await eventually('it was tried again', async () => {
      const pod = await ns.pod('uninitialised');
      expect(pod.status?.initContainerStatuses?.[0]?.restartCount).toBeGreaterThan(0);
      expect(pod.status?.phase).toBe('Pending');
      expect(pod.status?.containerStatuses?.[0]?.state?.waiting?.reason).toBe('PodInitializing');
    });
  });

  test('containers of a pod share the network, and end as one pod', async () => {
    await ns.apply(
      scriptPod('pair', 'until wget -q -O - http://127.0.0.1:8080/x 2>/dev/null; do sleep 0.2; done', {
        spec: {
          containers: [
            {
              name: 'main',
              image: BUSYBOX,
              command: [
                'sh',
                '-c',
                'until wget -q -O - http://127.0.0.1:8080/x 2>/dev/null; do sleep 0.2; done',
              ],
            },
            {
              name: 'other',
              image: BUSYBOX,
              command: [
                'sh',
                '-c',
                'mkdir /www; echo neighbour > /www/x; timeout 5 httpd -f -p 8080 -h /www; exit 0',
              ],
            },
          ],
        },
      }),
    );
    await ns.ended('pair', 'Succeeded');
    expect(await ns.kubectl('logs', 'pair', '-c', 'main')).toBe('neighbour\n');
  });

  test('a crashing container is restarted with growing delays, and says CrashLoopBackOff', async () => {
    await ns.apply(scriptPod('crashing', 'exit 7', { spec: { restartPolicy: 'Always' } }));
    await eventually('it backs off', async () => {
      const pod = await ns.pod('crashing');
      const status = pod.status?.containerStatuses?.[0];
      expect(status?.state?.waiting?.reason).toBe('CrashLoopBackOff');
      expect(status?.lastState?.terminated).toMatchObject({ exitCode: 7, reason: 'Error' });
    });
    expect(restarts(await ns.pod('crashing'))).toBeGreaterThan(0);
    await eventually('the event tells', async () => {
      expect(await ns.eventReasons('crashing')).toContain('BackOff');
    });
  });

  test('restartPolicy OnFailure restarts until it succeeds, and not after', async () => {
    await ns.apply(
      scriptPod('trying', 'if [ -e /v/x ]; then exit 0; fi; touch /v/x; exit 1', {
        container: { volumeMounts: [{ name: 'v', mountPath: '/v' }] },
        spec: { restartPolicy: 'OnFailure', volumes: [{ name: 'v', emptyDir: {} }] },
      }),
    );
    const pod = await ns.ended('trying', 'Succeeded');
    expect(restarts(pod)).toBe(1);
  });

  test('a container over its memory limit is OOMKilled, and says so', async () => {
    await ns.apply(
      scriptPod('greedy', 'a=xxxxxxxxxxxxxxxx; while :; do a="$a$a"; done', {
        container: { resources: { limits: { memory: '24Mi' } } },
      }),
    );
    const pod = await ns.ended('greedy', 'Failed');
    expect(pod.status?.containerStatuses?.[0]?.state?.terminated).toMatchObject({
      reason: 'OOMKilled',
      exitCode: 137,
    });
  });
});

describe('probes', () => {
  test('a failing liveness probe restarts the container; a passing one leaves it alone', async () => {
    await ns.apply(
      scriptPod('unwell', 'touch /tmp/well; sleep 4; rm /tmp/well; exec sleep 3600', {
        spec: { restartPolicy: 'Always' },
        container: {
          livenessProbe: {
            exec: { command: ['test', '-e', '/tmp/well'] },
            periodSeconds: 1,
            failureThreshold: 2,
          },
        },
      }),
      scriptPod('well', 'exec sleep 3600', {
        spec: { restartPolicy: 'Always' },
        container: { livenessProbe: { exec: { command: ['true'] }, periodSeconds: 1, failureThreshold: 1 } },
      }),
    );
    await eventually('it was restarted', async () => {
      expect((await ns.pod('unwell')).status?.containerStatuses?.[0]?.restartCount).toBeGreaterThan(0);
    });
    const reasons = await ns.eventReasons('unwell');
    expect(reasons).toContain('Unhealthy');
    expect(reasons).toContain('Killing');
    expect((await ns.pod('well')).status?.containerStatuses?.[0]?.restartCount).toBe(0);
  });

  test('a startup probe holds the others back', async () => {
    await ns.apply(
      scriptPod('slow', 'sleep 5; touch /tmp/started; exec sleep 3600', {
        spec: { restartPolicy: 'Always' },
        container: {
          startupProbe: {
            exec: { command: ['test', '-e', '/tmp/started'] },
            periodSeconds: 1,
            failureThreshold: 60,
          },
          livenessProbe: {
            exec: { command: ['test', '-e', '/tmp/started'] },
            periodSeconds: 1,
            failureThreshold: 1,
          },
        },
      }),
    );
    const pod = await ns.ready('slow');
    expect(pod.status?.containerStatuses?.[0]).toMatchObject({ restartCount: 0, started: true });
  });

  test.each(['httpGet', 'tcpSocket'])('readiness by %s', async (kind) => {
    const name = `by-${kind.toLowerCase()}`;
    const probe =
      kind === 'httpGet' ? { httpGet: { path: '/x', port: 8080 } } : { tcpSocket: { port: 8080 } };
    await ns.apply(
      scriptPod(
        name,
        'mkdir /www; echo > /www/x; while [ ! -e /go ]; do sleep 0.2; done; exec httpd -f -p 8080 -h /www',
        {
          container: { readinessProbe: { ...probe, periodSeconds: 1 } },
        },
      ),
    );
    await eventually('it runs', async () => {
      expect((await ns.pod(name)).status?.containerStatuses?.[0]?.started).toBe(true);
    });
    await throughout(2000, async () => {
      expect((await ns.pod(name)).status?.containerStatuses?.[0]?.ready).toBe(false);
    });
    await ns.kubectl('exec', name, '--', 'touch', '/go');
    await ns.ready(name);
  });
});

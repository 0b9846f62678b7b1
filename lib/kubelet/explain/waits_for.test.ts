import type { ContainerStatus, Pod, PodStatus } from '../../api/types.ts';
import { endOf, waitsFor } from './waits_for.ts';

const probe = { tcpSocket: { port: 80 } };
const pod: Pod = {
  metadata: { name: 'web', namespace: 'ns', uid: 'u' },
  spec: {
    initContainers: [{ name: 'setup' }, { name: 'proxy', restartPolicy: 'Always', readinessProbe: probe }],
    containers: [
      { name: 'slow', startupProbe: probe },
      { name: 'web', readinessProbe: probe },
      { name: 'plain' },
    ],
  },
};
const running = (name: string, more: Partial<ContainerStatus> = {}): ContainerStatus => ({
  name,
  image: 'i',
  imageID: '',
  ready: false,
  restartCount: 0,
  state: { running: {} },
  ...more,
});
const unready = (message: string) => [{ type: 'Ready', status: 'False', message }];

test.each<[string, PodStatus, string]>([
  [
    'an init container',
    { phase: 'Pending', initContainerStatuses: [running('setup')], conditions: unready('incomplete') },
    'init container setup to end',
  ],
  [
    'probes, of sidecars too',
    {
      phase: 'Running',
      initContainerStatuses: [running('proxy', { started: true })],
      containerStatuses: [
        running('slow', { started: false }),
        running('web', { started: true }),
        running('plain'),
      ],
      conditions: unready('containers with unready status: [proxy slow web plain]'),
    },
    'being ready: readiness probe of proxy, startup probe of slow, readiness probe of web',
  ],
  [
    'a readiness gate',
    {
      phase: 'Running',
      containerStatuses: [running('web', { started: true, ready: true })],
      conditions: unready('the status of pod readiness gate "example.com/lb" is not "True", but False'),
    },
    'being ready: the status of pod readiness gate "example.com/lb" is not "True", but False',
  ],
  [
    'a resize',
    {
      phase: 'Running',
      conditions: [
        { type: 'Ready', status: 'True' },
        {
          type: 'PodResizePending',
          status: 'True',
          reason: 'Deferred',
          message: 'Node did not have enough cpu',
        },
      ],
    },
    'its resize: Deferred: Node did not have enough cpu',
  ],
  ['nothing', { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] }, ''],
])('K28: a pod waits for %s', (_, status, want) => {
  expect(waitsFor(pod, status, undefined)).toBe(want);
});

test.each<[PodStatus | undefined, string | undefined]>([
  [undefined, undefined],
  [{ phase: 'Running', reason: 'x' }, undefined],
  [{ phase: 'Succeeded' }, 'Succeeded'],
  [
    {
      phase: 'Failed',
      reason: 'OutOfcpu',
      message: 'Pod was rejected: Node did not have enough resource: cpu',
    },
    'Failed: OutOfcpu: Pod was rejected: Node did not have enough resource: cpu',
  ],
])('K28: the end of %j', (status, want) => expect(endOf(status)).toBe(want));

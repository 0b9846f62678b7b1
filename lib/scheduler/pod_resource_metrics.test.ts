import { podResourceMetrics } from './pod_resource_metrics.ts';
import { pod } from './testing/objects.ts';

const lines = (...pods: Parameters<typeof podResourceMetrics>[0] extends Iterable<infer P> ? P[] : never) =>
  podResourceMetrics(pods)
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));

test('S7: /metrics/resources tells requests and limits by pod, in the units of the stock scheduler', () => {
  const bound = pod('p', { spec: { nodeName: 'n', priority: 7, schedulerName: 'mine' } });
  const container = {
    name: 'c',
    resources: {
      requests: {
        cpu: '250m',
        memory: '1Ki',
        'hugepages-2Mi': '2Mi',
        'example.com/gpu': '2',
        'ephemeral-storage': '0',
      },
      limits: { cpu: '2' },
    },
  };
  const labels = 'namespace="default",node="n",pod="p",priority="7"';
  expect(lines({ ...bound, spec: { ...bound.spec, containers: [container] } }).sort()).toEqual([
    `kube_pod_resource_limit{${labels},resource="cpu",scheduler="mine",unit="cores"} 2`,
    `kube_pod_resource_request{${labels},resource="cpu",scheduler="mine",unit="cores"} 0.25`,
    `kube_pod_resource_request{${labels},resource="example.com/gpu",scheduler="mine",unit="integer"} 2`,
    `kube_pod_resource_request{${labels},resource="hugepages-2Mi",scheduler="mine",unit="bytes"} 2097152`,
    `kube_pod_resource_request{${labels},resource="memory",scheduler="mine",unit="bytes"} 1024`,
  ]);
});

test('S7: pods that have ended count no more; one that waits has no node', () => {
  const waiting = pod('w', { requests: { cpu: '1' } });
  const ended = { ...pod('e', { requests: { cpu: '1' } }), status: { phase: 'Succeeded' } };
  expect(lines(waiting, ended)).toEqual([
    'kube_pod_resource_request{namespace="default",node="",pod="w",priority="",resource="cpu",scheduler="default-scheduler",unit="cores"} 1',
  ]);
  expect(podResourceMetrics([])).toBe('');
});

/** One list of all pods into an informer: node measure_list.ts KUBECONFIG streamed|paginated COUNT; prints JSON. */
import type { Pod } from '../../lib/api/types.ts';
import { createInformer } from '../../lib/client/informer.ts';
import { createClient, loadKubeconfig } from '../../lib/client/kubeconfig.ts';
import { PODS } from '../../lib/client/resource.ts';

const [path = '', mode = '', count = ''] = process.argv.slice(2);
const MB = 1 << 20;

const client = createClient(loadKubeconfig({ path }), { qps: 0 });
await client.requestText({ method: 'GET', path: '/readyz' }); // a daemon's connection is there already
globalThis.gc?.();
const before = process.memoryUsage().rss;

const stop = new AbortController();
const began = performance.now();
const cpu = process.cpuUsage();
const informer = createInformer<Pod>(client, PODS, {
  paginatedList: mode === 'paginated',
  indexers: {
    node: (pod) => (pod.spec.nodeName === undefined ? [] : [pod.spec.nodeName]),
    namespace: (pod) => [pod.metadata.namespace ?? ''],
    app: (pod) => [pod.metadata.labels?.['app.kubernetes.io/name'] ?? ''],
  },
  onError: (err) => {
    throw err;
  },
});
let adds = 0;
informer.addHandler({ add: () => adds++ });
const running = informer.run(stop.signal);
await informer.synced();
const seconds = (performance.now() - began) / 1000;
const used = process.cpuUsage(cpu);
const cpuSeconds = (used.user + used.system) / 1e6;
const peakMb = (process.resourceUsage().maxRSS * 1024 - before) / MB;
globalThis.gc?.();
const keptMb = (process.memoryUsage().rss - before) / MB;
if (informer.store.size !== Number(count) || adds !== Number(count)) {
  throw new Error(`${informer.store.size} pods in the store and ${adds} told, want ${count}`);
}
if (informer.store.byIndex('node', 'node-7').length !== Number(count) / 100)
  throw new Error('index is wrong');
// What the server and TLS take alone: the same bytes, streamed and thrown away.
const floorFrom = performance.now();
const { body } = await client.stream({
  method: 'GET',
  path: '/api/v1/pods',
  query: {
    watch: true,
    allowWatchBookmarks: true,
    sendInitialEvents: true,
    resourceVersionMatch: 'NotOlderThan',
  },
});
for await (const chunk of body) if (Buffer.from(chunk).includes('initial-events-end')) break;
const floorSeconds = (performance.now() - floorFrom) / 1000;
console.log(JSON.stringify({ seconds, floorSeconds, cpuSeconds, peakMb, keptMb }));
stop.abort();
await running;
await client.close();

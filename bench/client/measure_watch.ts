/** An informer at a replayed watch: node measure_watch.ts FRAMES RATE SECONDS; prints JSON. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Pod } from '../../lib/api/types.ts';
import { createInformer } from '../../lib/client/informer.ts';
import { createClient, loadKubeconfig } from '../../lib/client/kubeconfig.ts';
import { PODS } from '../../lib/client/resource.ts';

const child = spawn(
  process.execPath,
  [join(import.meta.dirname, 'replay_server.ts'), ...process.argv.slice(2)],
  {
    stdio: ['ignore', 'pipe', 'inherit'],
  },
);
process.on('exit', () => child.kill('SIGKILL'));
let sent: number | undefined;
let sentAt = 0;
const port = await new Promise<string>((resolve) => {
  createInterface(child.stdout).on('line', (line) => {
    const [what = '', value = ''] = line.split(' ');
    if (what === 'port') resolve(value);
    else {
      sent = Number(value);
      sentAt = performance.now();
    }
  });
});

const client = createClient(loadKubeconfig({ server: `http://127.0.0.1:${port}` }), { qps: 0 });
const informer = createInformer<Pod>(client, PODS, {
  indexers: { node: (pod) => (pod.spec.nodeName === undefined ? [] : [pod.spec.nodeName]) },
  onError: (err) => {
    throw err;
  },
});
let updates = 0;
let firstAt = 0;
let cpu = process.cpuUsage();
informer.addHandler({
  update: () => {
    if (updates++ === 0) {
      firstAt = performance.now();
      cpu = process.cpuUsage();
    }
  },
});
const stop = new AbortController();
const running = informer.run(stop.signal);
await informer.synced();
const all = (): boolean => sent !== undefined && updates >= sent;
while (!all()) await new Promise((resolve) => setTimeout(resolve, 5));
const lastAt = performance.now();
const used = process.cpuUsage(cpu);
const seconds = (lastAt - firstAt) / 1000;
console.log(
  JSON.stringify({
    cores: (used.user + used.system) / 1e6 / seconds,
    cpuPer10k: (used.user + used.system) / 1e6 / (updates / 10_000),
    eventsPerSecond: updates / seconds,
    lagSeconds: (lastAt - sentAt) / 1000,
  }),
);
stop.abort();
await running;
await client.close();
process.exit(0);

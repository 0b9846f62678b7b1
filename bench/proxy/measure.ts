/** One proxy program, from its start with many Services to the end, and what it cost. */
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endpoint, service, slice } from '../../lib/proxy/testing/objects.ts';
import { BED_NODE, cleanNode } from '../../lib/proxy/testing/proxies.ts';
import type { Figures } from '../figures.ts';
import { cpuSeconds, residentMegabytes } from '../process_cost.ts';
import type { TestBed } from '../../lib/proxy/testing/test_bed.ts';
import { POD1, POD2 } from '../../lib/proxy/testing/test_bed.ts';

const API_PORT = 8001;
const CHANGES = 12;
const CONNECTIONS = 300;
const FIRST_SYNC_LIMIT_MS = 400_000;

const DEFAULTS = {
  internalTrafficPolicy: 'Cluster',
  sessionAffinity: 'None',
  ipFamilies: ['IPv4'],
  ipFamilyPolicy: 'SingleStack',
};
const ip = (n: number): string => `10.${112 + (n >> 16)}.${(n >> 8) & 255}.${n & 255}`;

export async function measure(
  bed: TestBed,
  program: readonly string[],
  mode: 'iptables' | 'nftables',
  { services, endpoints }: { services: number; endpoints: number },
): Promise<Figures> {
  const dir = mkdtempSync(join(tmpdir(), 'tsk-bench-proxy-'));
  const server = bed.spawnInNode([process.execPath, 'lib/proxy/testing/watch_server.ts', String(API_PORT)]);
  await once(server.stdout, 'data');
  const put = (resource: string, object: object, type = 'ADDED'): boolean =>
    server.stdin.write(`${JSON.stringify({ resource, type, object })}\n`);
  put('nodes', BED_NODE);
  const last = services - 1;
  const vip = (n: number): string => `10.${96 + (n >> 16)}.${(n >> 8) & 255}.${n & 255}`;
  const lastSlice = (host: string): object => slice(`b/s${last}-1`, `s${last}`, [endpoint(`${host}@n1`)]);
  for (let n = 0; n < services; n++) {
    const full = !put('services', service(`b/s${n}`, vip(n), DEFAULTS));
    const hosts = Array.from({ length: endpoints }, (_, i) => `${ip(n * endpoints + i)}@n2`);
    put('endpointslices', n === last ? lastSlice(POD1) : slice(`b/s${n}-1`, `s${n}`, hosts));
    if (full) await once(server.stdin, 'drain');
  }

  const config = join(dir, 'config');
  writeFileSync(join(dir, 'kubeconfig'), JSON.stringify(kubeconfig()));
  writeFileSync(config, JSON.stringify(proxyConfig(mode, join(dir, 'kubeconfig'))));
  const started = performance.now();
  const proxy = bed.spawnInNode([...program, '--config', config]);
  proxy.stdout.resume();
  const pid = proxy.pid ?? 0;
  try {
    const ask = () => bed.ask('far', 'tcp', vip(last), 80, 500);
    while ((await ask()).by === undefined) {
      if (performance.now() - started > FIRST_SYNC_LIMIT_MS)
        throw new Error(`${program.join(' ')}: no rules`);
      if (proxy.exitCode !== null) throw new Error(`${program.join(' ')} ended with ${proxy.exitCode}`);
    }
    const first = (performance.now() - started) / 1000;
    const firstCpu = cpuSeconds(pid);

    const latencies: number[] = [];
    for (let i = 0; i < CHANGES; i++) {
      // Longer than the least time between two syncs.
      await new Promise((resolve) => setTimeout(resolve, 1300));
      const [host, name] = i % 2 === 0 ? [POD2, 'pod2'] : [POD1, 'pod1'];
      const at = performance.now();
      put('endpointslices', lastSlice(host), 'MODIFIED');
      while ((await ask()).by !== name) if (performance.now() - at > 30_000) throw new Error('no change');
      latencies.push(performance.now() - at);
    }
    const changesCpu = ((cpuSeconds(pid) - firstCpu) / CHANGES) * 1000;

    const connects: number[] = [];
    for (let i = 0; i < CONNECTIONS; i++) {
      const at = performance.now();
      if ((await ask()).by !== undefined) connects.push(performance.now() - at);
    }
    connects.sort((a, b) => a - b);
    return {
      'first sync, s': [first],
      'first sync, CPU s': [firstCpu],
      'one endpoint changed, ms to a connection': latencies,
      'one endpoint changed, CPU ms': [changesCpu],
      'connect to the last Service, median ms': [connects[CONNECTIONS >> 1] ?? NaN],
      'connect to the last Service, p99 ms': [connects[Math.floor(CONNECTIONS * 0.99)] ?? NaN],
      'memory (RSS), MB': [residentMegabytes(pid)],
    };
  } finally {
    proxy.kill('SIGKILL');
    server.kill('SIGKILL');
    rmSync(dir, { recursive: true });
    await cleanNode(bed);
  }
}

function kubeconfig(): object {
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'bench', cluster: { server: `http://127.0.0.1:${API_PORT}` } }],
    contexts: [{ name: 'bench', context: { cluster: 'bench', user: '' } }],
    'current-context': 'bench',
  };
}

function proxyConfig(mode: string, file: string): object {
  const json = 'application/json';
  return {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    mode,
    hostnameOverride: 'n1',
    clusterCIDR: '10.66.0.0/16',
    conntrack: { maxPerCore: 0 },
    clientConnection: { kubeconfig: file, contentType: json, acceptContentTypes: json },
  };
}

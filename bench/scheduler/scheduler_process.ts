/** The scheduler under test as a process of its own: ours from dist/, or stock; configured alike. */
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ServerProcess } from '../../test/fixtures/processes.ts';
import { stockBinary } from '../../test/fixtures/stock_binaries.ts';
import { cpuSeconds, residentMegabytes } from '../process_cost.ts';
import type { ApiCluster } from './api_cluster.ts';

export const FLAVOURS = ['ours', 'stock'] as const;
export type Flavour = (typeof FLAVOURS)[number];

export class SchedulerProcess {
  readonly #process: ServerProcess;
  /** On the clock of `performance.now()`. */
  readonly startedAt: number;

  /** @param nodeOptions for ours, e.g. `--cpu-prof` */
  constructor(flavour: Flavour, cluster: ApiCluster, nodeOptions: string) {
    const { dir, kubeconfigPath } = cluster.server;
    const config = join(dir, `bench-${flavour}.json`);
    writeFileSync(
      config,
      JSON.stringify({
        apiVersion: 'kubescheduler.config.k8s.io/v1',
        kind: 'KubeSchedulerConfiguration',
        clientConnection: { kubeconfig: kubeconfigPath, qps: 5000, burst: 5000 },
        leaderElection: { leaderElect: false },
      }),
    );
    const program = flavour === 'ours' ? resolve('dist/ts-scheduler') : stockBinary('kube-scheduler');
    const argv: [string, ...string[]] = [program, `--config=${config}`, '--secure-port=0'];
    this.startedAt = performance.now();
    this.#process = new ServerProcess(
      flavour === 'ours' && nodeOptions !== '' ? ['env', `NODE_OPTIONS=${nodeOptions}`, ...argv] : argv,
      join(dir, `bench-${flavour}.log`),
    );
  }

  get #pid(): number {
    const { pid } = this.#process;
    if (pid === undefined || !this.#process.running) throw this.#process.failure('ended while measured');
    return pid;
  }

  /** CPU seconds since its start. */
  get cpuSeconds(): number {
    return cpuSeconds(this.#pid);
  }

  get residentMegabytes(): number {
    return residentMegabytes(this.#pid);
  }

  async stop(): Promise<void> {
    await this.#process.end('SIGTERM');
  }
}

/** An apiserver with the stock kube-scheduler on it, for comparing decisions. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Apiserver } from '../fixtures/apiserver.ts';
import { startApiserver } from '../fixtures/apiserver.ts';
import { freePort, ServerProcess } from '../fixtures/processes.ts';
import { stockBinary } from '../fixtures/stock_binaries.ts';
import { schedulerConfig } from './both_configs.ts';

export interface StockScheduler {
  readonly server: Apiserver;
  /** Output of the scheduler, with the scores of every node. */
  readonly logPath: string;
  stop(): Promise<void>;
}

/**
 * Admission that would change what the generated objects say is off: priorities are taken as given, and nodes do not get
 * the not-ready taint.
 *
 * @param extenderUrl of a {@link TestExtender}
 * @param gates feature gates that are on
 */
export async function startStockScheduler(
  extenderUrl: string,
  gates: readonly string[] = [],
): Promise<StockScheduler> {
  const server = await startApiserver({
    flags: [
      '--disable-admission-plugins=ServiceAccount,Priority,TaintNodesByCondition,DefaultTolerationSeconds,StorageObjectInUseProtection',
      // Or no pod could need that feature of a node.
      '--feature-gates=UserNamespacesHostNetworkSupport=true',
    ],
  });
  const config = join(server.dir, 'stock-scheduler.json');
  writeFileSync(
    config,
    JSON.stringify({
      ...schedulerConfig(extenderUrl, gates),
      clientConnection: { kubeconfig: server.kubeconfigPath, qps: 5000, burst: 5000 },
    }),
  );
  const logPath = join(server.dir, 'stock-scheduler.log');
  const port = await freePort();
  const scheduler = new ServerProcess(
    [
      stockBinary('kube-scheduler'),
      `--config=${config}`,
      `--secure-port=${port}`,
      '--bind-address=127.0.0.1',
      '-v=10',
      ...gates.map((gate) => `--feature-gates=${gate}=true`),
    ],
    logPath,
  );
  return {
    server,
    logPath,
    async stop() {
      await scheduler.end('SIGKILL');
      await server.stop();
    },
  };
}

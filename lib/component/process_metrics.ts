/** Figures of the process that stock components have and prom-client has not. */
import { readFileSync } from 'node:fs';

interface Figure<M> {
  readonly name: string;
  readonly help: string;
  readonly collect: (metric: M) => void;
}

/** Makes metrics that are read when they are asked for. */
export interface MakeMetrics {
  gauge(options: Figure<{ set(value: number): void }>): unknown;
  counter(options: Figure<{ reset(): void; inc(by: number): void }>): unknown;
}

/** Bytes of all IP traffic of the process's network namespace, from /proc/self/net/netstat. */
export function parseNetworkBytes(netstat: string): { received: number; sent: number } | undefined {
  const [names, values] = netstat
    .split('\n')
    .filter((line) => line.startsWith('IpExt:'))
    .map((line) => line.split(' '));
  const of = (name: string): number => Number(values?.[names?.indexOf(name) ?? -1] ?? Number.NaN);
  const [received, sent] = [of('InOctets'), of('OutOctets')];
  return Number.isNaN(received) || Number.isNaN(sent) ? undefined : { received, sent };
}

/** Bytes of addresses that the process may use, from /proc/self/limits; without a limit the largest number of 64 bits. */
export function parseAddressSpace(limits: string): number | undefined {
  const soft = /^Max address space +(\S+)/m.exec(limits)?.[1];
  if (soft === undefined) return undefined;
  return soft === 'unlimited' ? 2 ** 64 : Number(soft);
}

export function addProcessFigures(metrics: MakeMetrics): void {
  const traffic = (
    name: string,
    help: string,
    figure: (bytes: { received: number; sent: number }) => number,
  ): void => {
    metrics.counter({
      name,
      help,
      collect: (found) => {
        const bytes = parseNetworkBytes(text('net/netstat'));
        if (bytes === undefined) return;
        found.reset();
        found.inc(figure(bytes));
      },
    });
  };
  traffic(
    'process_network_receive_bytes_total',
    'Number of bytes received by the process over the network.',
    ({ received }) => received,
  );
  traffic(
    'process_network_transmit_bytes_total',
    'Number of bytes sent by the process over the network.',
    ({ sent }) => sent,
  );
  metrics.gauge({
    name: 'process_virtual_memory_max_bytes',
    help: 'Maximum amount of virtual memory available in bytes.',
    collect: (found) => {
      const bytes = parseAddressSpace(text('limits'));
      if (bytes !== undefined) found.set(bytes);
    },
  });
}

/** Empty where the kernel has no such file. */
function text(name: string): string {
  try {
    return readFileSync(`/proc/self/${name}`, 'utf8');
  } catch {
    return '';
  }
}

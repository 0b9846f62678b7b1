import type { Container, Probe } from '../../api/types.ts';
import type { ContainerExec } from '../contracts.ts';
import { execProbe, expandCommand } from './exec_probe.ts';
import { grpcProbe } from './grpc_probe.ts';
import { httpProbe } from './http_probe.ts';
import { portNumber, type ProbeOutcome } from './outcome.ts';
import { tcpProbe } from './tcp_probe.ts';

export interface AttemptTarget {
  readonly container: Container;
  readonly containerId: string;
  /** Primary IP of the pod. */
  readonly podIP: string;
  readonly exec: ContainerExec;
  readonly userAgent: string;
  readonly signal: AbortSignal;
}

/** Carries a probe out once. Rejects only when the signal aborts. */
export async function attempt(probe: Probe, target: AttemptTarget): Promise<ProbeOutcome> {
  const timeoutMs = (probe.timeoutSeconds ?? 1) * 1000;
  const { container, podIP, signal, userAgent } = target;
  const error = (message: string): ProbeOutcome => ({ result: 'error', message });
  const portOf = (port: unknown): number | undefined =>
    typeof port === 'number' || typeof port === 'string' ? portNumber(port, container.ports) : undefined;

  if (probe.exec !== undefined) {
    const command = expandCommand(probe.exec.command ?? [], container);
    return execProbe(target.exec, target.containerId, command, timeoutMs, signal);
  }
  if (podIP === '' && (probe.httpGet?.host ?? probe.tcpSocket?.host ?? '') === '')
    return error('the pod has no IP yet');
  if (probe.httpGet !== undefined) {
    const { host, port, path = '/', scheme = 'HTTP', httpHeaders = [] } = probe.httpGet;
    const number = portOf(port);
    if (number === undefined) return error(`invalid port number or name: ${String(port)}`);
    const url = {
      scheme: scheme.toUpperCase() === 'HTTPS' ? ('https' as const) : ('http' as const),
      host: host !== undefined && host !== '' ? host : podIP,
      port: number,
      path,
      headers: httpHeaders,
      userAgent,
    };
    return httpProbe(url, timeoutMs, signal);
  }
  if (probe.tcpSocket !== undefined) {
    const { host, port } = probe.tcpSocket;
    const number = portOf(port);
    if (number === undefined) return error(`invalid port number or name: ${String(port)}`);
    return tcpProbe(host !== undefined && host !== '' ? host : podIP, number, timeoutMs, signal);
  }
  if (probe.grpc !== undefined) {
    return grpcProbe(podIP, probe.grpc.port, probe.grpc.service ?? '', userAgent, timeoutMs);
  }
  return error(`missing probe handler for container ${container.name}`);
}

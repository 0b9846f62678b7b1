/**
 * Connection tracking outlives rules: a UDP flow that was sent to an endpoint keeps going there when the endpoint is gone,
 * and one that was sent nowhere stays so when endpoints come. This finds exactly those flows. (TCP heals itself by
 * retransmission and reset.) Pure.
 */
import type { Family } from '../model/address.ts';
import { hostPort, parseAddress } from '../model/address.ts';
import type { ServicePlan } from '../model/plan.ts';

/** One tracked flow: the packet as the client sent it, and where answers come from. */
export interface Flow {
  readonly protocol: 'udp';
  readonly source: string;
  readonly sourcePort: number;
  readonly destination: string;
  readonly destinationPort: number;
  readonly replySource: string;
  readonly replySourcePort: number;
}

const LINE =
  /^udp\s+17\s+\d+\s+src=(\S+) dst=(\S+) sport=(\d+) dport=(\d+) (?:\[\w+\] )?src=(\S+) dst=\S+ sport=(\d+) dport=\d+/;

/** Reads what `conntrack -L -p udp` prints; other lines are skipped. */
export function parseFlows(text: string): Flow[] {
  const flows: Flow[] = [];
  for (const line of text.split('\n')) {
    const match = LINE.exec(line);
    if (match === null) continue;
    const [, source, destination, sport, dport, replySource, rport] = match;
    flows.push({
      protocol: 'udp',
      source: canonical(source),
      sourcePort: Number(sport),
      destination: canonical(destination),
      destinationPort: Number(dport),
      replySource: canonical(replySource),
      replySourcePort: Number(rport),
    });
  }
  return flows;
}

function canonical(text: string | undefined): string {
  return parseAddress(text ?? '')?.ip ?? text ?? '';
}

/** Where UDP Services answer, and which endpoints may answer there. */
export class UdpFrontends {
  readonly #byAddress = new Map<string, ReadonlySet<string>>();
  readonly #byNodePort = new Map<number, ReadonlySet<string>>();

  /** @param plans those of interest; others are ignored, so that their flows are left alone */
  constructor(plans: Iterable<ServicePlan>) {
    for (const plan of plans) {
      if (plan.port.protocol !== 'UDP') continue;
      const endpoints = new Set(plan.reachable.map((e) => e.address));
      for (const frontend of plan.frontends) {
        if (frontend.kind === 'node') this.#byNodePort.set(frontend.port, endpoints);
        else this.#byAddress.set(hostPort(frontend.ip, frontend.port), endpoints);
      }
    }
  }

  get isEmpty(): boolean {
    return this.#byAddress.size + this.#byNodePort.size === 0;
  }

  /**
   * Flows that today's rules would send elsewhere: to an endpoint that is no longer one, or to none although there are
   * some.
   *
   * @param isNodeAddress node ports answer on addresses of the node only; a flow to the same port elsewhere is not ours
   */
  stale(flows: Iterable<Flow>, isNodeAddress: (ip: string) => boolean): Flow[] {
    const out: Flow[] = [];
    for (const flow of flows) {
      const endpoints =
        this.#byAddress.get(hostPort(flow.destination, flow.destinationPort)) ??
        (isNodeAddress(flow.destination) ? this.#byNodePort.get(flow.destinationPort) : undefined);
      if (endpoints === undefined) continue;
      const translated =
        flow.replySource !== flow.destination || flow.replySourcePort !== flow.destinationPort;
      const wrong = translated
        ? !endpoints.has(hostPort(flow.replySource, flow.replySourcePort))
        : endpoints.size > 0;
      if (wrong) out.push(flow);
    }
    return out;
  }
}

/**
 * Arguments of `conntrack` calls that delete these flows: one call for all flows of one place that go to one endpoint, which
 * are stale together. A flow that begins meanwhile and matches is stale as well.
 */
export function deletions(
  flows: readonly Flow[],
  family: Family,
): Array<readonly ['conntrack', ...string[]]> {
  const calls = new Map<string, readonly ['conntrack', ...string[]]>();
  for (const f of flows) {
    const version = family === 'IPv4' ? 'ipv4' : 'ipv6';
    const place = ['--orig-dst', f.destination, '--orig-port-dst', String(f.destinationPort)];
    const answerer = ['--reply-src', f.replySource, '--reply-port-src', String(f.replySourcePort)];
    const match = ['-f', version, '-p', f.protocol, ...place, ...answerer];
    calls.set(match.join(' '), ['conntrack', '-D', ...match]);
  }
  return [...calls.values()];
}

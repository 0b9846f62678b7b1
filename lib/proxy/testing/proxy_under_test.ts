/** A proxy of one family without apiserver, fed with plain objects: what tests and benchmarks drive. */
import type { Log } from '../../base/log.ts';
import { nullLog } from '../../base/log.ts';
import type { Backend, CommitResult } from '../backend.ts';
import { ConntrackCleaner } from '../conntrack/cleaner.ts';
import { IptablesBackend } from '../iptables/backend.ts';
import type { Netfilter } from '../iptables/netfilter.ts';
import { AddressRange } from '../model/address.ts';
import type { PlanChange } from '../model/planner.ts';
import { ServicePlanner } from '../model/planner.ts';
import type { FamilyPolicy } from '../model/policy.ts';
import { NftablesBackend } from '../nftables/backend.ts';
import type { Nft } from '../nftables/nft.ts';
import type { RunProgram } from '../program.ts';
import { ServiceTracker } from '../tracker/tracker.ts';

export interface ProxyUnderTestOptions {
  /** Either the iptables mode or */
  readonly netfilter?: Netfilter;
  /** the nftables mode. */
  readonly nft?: Nft;
  readonly policy?: Partial<FamilyPolicy>;
  readonly nodeName?: string;
  /** For connection tracking; left out: it is not touched. */
  readonly run?: RunProgram;
  readonly nodeAddresses?: readonly string[];
  readonly log?: Log;
}

export function rangeOf(text: string): AddressRange {
  const range = AddressRange.parse(text);
  if (range === undefined) throw new TypeError(`not a range: ${text}`);
  return range;
}

export const TEST_POLICY: FamilyPolicy = {
  localDetector: { kind: 'sourceRange', range: rangeOf('10.66.0.0/16') },
  masqueradeAll: false,
  masqueradeMark: 0x4000,
  randomFully: true,
  nodePortAddresses: undefined,
  localhostNodePorts: true,
  guardLocalnet: true,
  dropInvalid: true,
  nodeIPs: [],
};

function backendOf({ netfilter, nft }: ProxyUnderTestOptions, policy: FamilyPolicy, log: Log): Backend {
  if (nft !== undefined) return new NftablesBackend({ nft, policy, log });
  if (netfilter !== undefined) return new IptablesBackend({ netfilter, policy, log });
  throw new TypeError('want netfilter or nft');
}

export class ProxyUnderTest {
  readonly tracker: ServiceTracker;
  readonly planner: ServicePlanner;
  readonly backend: Backend;
  readonly #conntrack: ConntrackCleaner | undefined;

  constructor(options: ProxyUnderTestOptions) {
    const { nodeName = 'n1', log = nullLog, run } = options;
    const policy = { ...TEST_POLICY, ...options.policy };
    this.backend = backendOf(options, policy, log);
    const { family } = this.backend;
    this.tracker = new ServiceTracker({ nodeName });
    this.planner = new ServicePlanner(this.tracker, { family, nodeName });
    const addresses = new Set(options.nodeAddresses);
    if (run !== undefined) {
      this.#conntrack = new ConntrackCleaner({
        family,
        nodeAddresses: () => addresses,
        run,
      });
    }
  }

  /** Brings all changes into force. */
  async sync(): Promise<
    CommitResult & { readonly changes: readonly PlanChange[]; readonly flowsRemoved: number }
  > {
    const changes = this.planner.update(this.tracker.take().services);
    this.backend.apply(changes);
    const result = await this.backend.commit();
    const plans = changes.flatMap(({ after }) => (after === undefined ? [] : [after]));
    const flowsRemoved = (await this.#conntrack?.clean(plans)) ?? 0;
    return { ...result, changes, flowsRemoved };
  }
}

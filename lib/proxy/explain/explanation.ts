/** What an explanation says: `/debug/explain`, the subcommand, the page in the browser. Types alone. */

/** An address, or every address of the node, and a port. */
export interface Place {
  readonly kind: string;
  readonly ip?: string;
  readonly port: number;
}

/** One decision about a packet. */
export interface PathStep {
  readonly step: 'source ranges' | 'traffic policy' | 'endpoints' | 'affinity' | 'source address';
  readonly outcome: string;
  readonly why: string;
}

export interface PacketPath {
  readonly verdict: 'translated' | 'rejected' | 'dropped';
  /** Who may answer; empty unless translated. */
  readonly endpoints: readonly string[];
  readonly steps: readonly PathStep[];
}

/** The rules of one Service port in one family. */
export interface PortExplanation {
  /** `namespace/name:port` */
  readonly servicePort: string;
  readonly family: string;
  readonly protocol: string;
  /** Of the place that was asked for. */
  readonly verdict?: string;
  /** Of all places, when none was asked for. */
  readonly internal?: string;
  readonly external?: string;
  readonly frontends?: readonly Place[];
  readonly candidates: { readonly cluster: readonly string[]; readonly local: readonly string[] };
  /** Those that get traffic by any place. */
  readonly endpoints: readonly {
    readonly endpoint: string;
    readonly node: string;
    readonly onThisNode: boolean;
    /** `ready`, or why it is used nevertheless. */
    readonly state: string;
  }[];
  readonly affinitySeconds: number;
  readonly leftOut: readonly {
    readonly endpoint: string;
    readonly node: string | undefined;
    readonly reason: string;
  }[];
  readonly contested: readonly { readonly frontend: Place; readonly owner: string }[];
  /** For one packet: those that it meets. */
  readonly rules: {
    readonly chains: Readonly<Record<string, readonly string[]>>;
    readonly dispatch: readonly string[];
  };
}

export interface ServiceExplanation {
  /** `namespace/name` */
  readonly service: string;
  /** Why there is nothing to show. */
  readonly verdict?: string;
  readonly ports?: readonly PortExplanation[];
}

export interface PacketExplanation extends Partial<PortExplanation> {
  readonly destination: {
    readonly ip: string;
    readonly port: number;
    readonly protocol: string;
    readonly source?: string;
  };
  readonly verdict: string;
  readonly matched?: Place;
  /** Only with a source. */
  readonly path?: PacketPath;
}

/** What a component is: the program, where it runs, and how to tell that it is well. Plain data. */
import type { HealthCheck } from './health.ts';

export interface ComponentSpec {
  /** Unique in the cluster and its log's name: `kube-apiserver`, `kubelet-node-1`. */
  readonly id: string;
  /** The node in whose namespaces it runs; on the host when missing. */
  readonly node?: string;
  readonly argv: readonly [string, ...string[]];
  readonly env?: Readonly<Record<string, string>>;
  /** Files whose change asks for a restart, beside the program itself. */
  readonly inputs: readonly string[];
  readonly health: HealthCheck;
  /** Keeps running whatever changes: a node is not restarted under its pods. */
  readonly keeps?: boolean;
  /** How long an orderly stop may take. */
  readonly stopMs?: number;
}

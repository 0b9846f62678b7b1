/** What the daemon needs of a way to carry plans out in the kernel; one per address family and proxy mode. */
import type { Family } from './model/address.ts';
import type { PlanChange } from './model/planner.ts';
import type { FamilyPolicy } from './model/policy.ts';

/** A Service port whose rules the kernel refused; the others are in force. */
export interface RejectedService {
  readonly id: string;
  readonly error: Error;
}

export interface CommitResult {
  /** Everything was compared with the kernel's own list. */
  readonly full: boolean;
  /** The kernel had something else than it should have had. Only known after a full sync. */
  readonly repaired: boolean;
  /** Sending the changes alone had failed, and everything was compared therefore. */
  readonly fellBack?: boolean;
  readonly rejected: readonly RejectedService[];
  /** Rules sent, by table. */
  readonly sent: Readonly<Record<string, number>>;
}

export interface Backend {
  readonly family: Family;
  readonly policy: FamilyPolicy;
  /** Takes over plans; they come into force with the next {@link Backend.commit}. */
  apply(changes: readonly PlanChange[]): void;
  /** Settings changed, e.g. the addresses of the node. */
  setPolicy(policy: FamilyPolicy): void;
  /**
   * Brings everything applied into force.
   * @throws Error when nothing could be brought into force; calling it again tries again, all of it
   */
  commit(signal?: AbortSignal): Promise<CommitResult>;
  /** The next commit verifies everything against the kernel. */
  requestFullSync(): void;
  /** Looks cheaply whether another program has flushed or changed our tables; a full sync is needed if so. */
  isIntact(signal?: AbortSignal): Promise<boolean>;
  /** Number of rules in force, by table. */
  ruleCounts(): Readonly<Record<string, number>>;
  /** The rules of one Service port as text, for people. */
  explain(id: string): {
    readonly chains: Readonly<Record<string, readonly string[]>>;
    readonly dispatch: readonly string[];
  };
}

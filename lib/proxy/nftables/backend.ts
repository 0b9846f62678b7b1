/**
 * Service rules in nftables: one table of ours, one `nft -f -` per commit with only what changed. The kernel's rules are
 * never read back: at start, after a failure and for the periodic check the table is written whole, in one transaction
 * that takes the place of what was there (with 10,000 Services that takes half of the time that a listing does).
 */
import type { Log } from '../../base/log.ts';
import type { Backend, CommitResult, RejectedService } from '../backend.ts';
import { token } from '../iptables/rule_text.ts';
import type { Family } from '../model/address.ts';
import type { PlanChange } from '../model/planner.ts';
import type { FamilyPolicy } from '../model/policy.ts';
import { ServiceLedger } from '../service_ledger.ts';
import { NODE_PORT_IPS, SERVICES_CHAIN, SERVICE_IPS } from './names.ts';
import type { Nft, TableContents } from './nft.ts';
import { NftError } from './nft.ts';
import type { Element } from './service_objects.ts';
import { serviceObjects } from './service_objects.ts';
import { TableState } from './table_state.ts';
import type { WholeTable } from './transaction_text.ts';
import { changesText, parseCommand, wholeText } from './transaction_text.ts';

// More refused Services than that point to something else than Services.
const MAX_NAMED = 32;
/** Chains that show whether another program changed the table: its hook and its dispatch. */
const WATCHED_CHAINS: ReadonlyArray<readonly [chain: string, has: string]> = [
  ['nat-prerouting', `jump ${SERVICES_CHAIN}`],
  [SERVICES_CHAIN, `@${SERVICE_IPS}`],
];

export interface NftablesBackendOptions {
  readonly nft: Nft;
  readonly policy: FamilyPolicy;
  readonly log: Log;
}

export class NftablesBackend implements Backend {
  readonly family: Family;
  readonly #nft: Nft;
  readonly #log: Log;
  #policy: FamilyPolicy;
  #state: TableState;
  readonly #ledger: ServiceLedger;
  #full = true;
  #sent = '';

  constructor({ nft, policy, log }: NftablesBackendOptions) {
    this.family = nft.family;
    this.#nft = nft;
    this.#log = log;
    this.#policy = policy;
    this.#state = stateFor(policy);
    this.#ledger = new ServiceLedger(this.#state);
  }

  apply(changes: readonly PlanChange[]): void {
    this.#ledger.apply(changes);
  }

  setPolicy(policy: FamilyPolicy): void {
    this.#policy = policy;
    this.#state = stateFor(policy);
    this.#ledger.moveTo(this.#state);
    this.#full = true;
  }

  get policy(): FamilyPolicy {
    return this.#policy;
  }

  requestFullSync(): void {
    this.#full = true;
  }

  async commit(signal?: AbortSignal): Promise<CommitResult> {
    let fellBack = false;
    if (!this.#full) {
      try {
        const text = changesText(this.family, this.#state.changes());
        await this.#send(text, signal);
        return this.#done(false, false, text);
      } catch (err) {
        if (signal?.aborted === true) throw err;
        this.#full = true;
        fellBack = true;
        this.#log.error(err, 'Failed to apply changes; writing the whole table', { ipFamily: this.family });
      }
    }
    const done = await this.#fullSync(signal);
    return fellBack ? { ...done, fellBack } : done;
  }

  async isIntact(signal?: AbortSignal): Promise<boolean> {
    for (const [chain, has] of WATCHED_CHAINS) {
      const rules = await this.#nft.listChain(chain, signal);
      if (rules?.some((rule) => rule.includes(has)) !== true) return false;
    }
    return true;
  }

  /** No figure of rules is published in this mode: stock has none. */
  ruleCounts(): Readonly<Record<string, number>> {
    return {};
  }

  explain(id: string): ReturnType<Backend['explain']> {
    const objects = this.#state.objectsOf(id);
    return {
      chains: Object.fromEntries(objects?.chains ?? []),
      dispatch: (objects?.elements ?? []).map(
        ({ container, key, value }) => `${container} { ${value === '' ? key : `${key} ${value}`} }`,
      ),
    };
  }

  async #fullSync(signal: AbortSignal | undefined): Promise<CommitResult> {
    this.#ledger.retryRejected();
    const existing = await this.#nft.contents(signal);
    let repaired: boolean | undefined;
    const named: RejectedService[] = [];
    let recreate = false;
    for (;;) {
      const { text, chains } = this.#whole(existing, recreate);
      repaired ??= !hasAll(existing, chains);
      try {
        await this.#send(text, signal);
        return this.#done(true, repaired, text, named);
      } catch (err) {
        if (signal?.aborted === true) throw err;
        const guilty = named.length < MAX_NAMED ? this.#blamed(err) : undefined;
        if (guilty !== undefined) {
          named.push(this.#ledger.reject(guilty, err));
        } else if (!recreate && existing !== undefined) {
          // Something in the table is in the way, e.g. a set of another type that an older release left.
          recreate = true;
        } else {
          if (this.#ledger.pending === 0) throw err;
          this.#log.error(err, 'Failed to write the table; looking for the Service that is refused', {
            ipFamily: this.family,
            services: this.#ledger.pending,
          });
          break;
        }
      }
    }
    return this.#isolate(existing, named, signal);
  }

  async #isolate(
    existing: TableContents | undefined,
    named: RejectedService[],
    signal: AbortSignal | undefined,
  ): Promise<CommitResult> {
    let base = '';
    const whole = (): Promise<void> => {
      base = this.#whole(existing, true).text;
      return this.#send(base, signal);
    };
    const changes = (): Promise<void> => this.#send(changesText(this.family, this.#state.changes()), signal);
    // A transaction that fails has changed nothing.
    const undo = (): Promise<void> => Promise.resolve();
    const refused = await this.#ledger.isolate({ whole, changes, undo, signal });
    return this.#done(true, true, base, [...named, ...refused]);
  }

  /** The Service port to which the refused line belongs. */
  #blamed(err: unknown): string | undefined {
    if (!(err instanceof NftError) || err.line === undefined) return undefined;
    const command = parseCommand(this.#sent.split('\n')[err.line - 1] ?? '');
    if (command === undefined) return undefined;
    const { verb, name, rest } = command;
    const key = /^\{ (.*?) (?:comment |: |\})/.exec(rest)?.[1];
    const what = verb === 'add element' ? (key ?? '') : name;
    return this.#state.ownerOf(what, name);
  }

  #whole(existing: TableContents | undefined, recreate: boolean): WholeTable {
    return wholeText(this.family, this.#policy, this.#state.everything(), existing, recreate);
  }

  async #send(text: string, signal: AbortSignal | undefined): Promise<void> {
    this.#sent = text;
    if (text === '') return;
    if (this.#log.v(9).enabled) this.#log.v(9).info('Running nft', { input: text });
    await this.#nft.run(text, signal);
  }

  #done(
    full: boolean,
    repaired: boolean,
    text: string,
    named: readonly RejectedService[] = [],
  ): CommitResult {
    this.#sent = '';
    const rejected = this.#ledger.committed();
    this.#full = false;
    return {
      full,
      repaired,
      rejected: [...rejected, ...named],
      sent: { lines: text.split('\n').length - 1 },
    };
  }
}

function hasAll(existing: TableContents | undefined, chains: ReadonlySet<string>): boolean {
  const there = new Set(existing?.chains);
  return [...chains].every((name) => there.has(name));
}

function stateFor(policy: FamilyPolicy): TableState {
  const fixed: Element[] = (policy.nodePortAddresses ?? []).map((ip) => ({
    container: NODE_PORT_IPS,
    key: token(ip),
    value: '',
  }));
  return new TableState({ fixed, render: (plan) => serviceObjects(plan, policy) });
}

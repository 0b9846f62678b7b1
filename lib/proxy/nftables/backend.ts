/**
 * Service rules in nftables: one table of ours, one `nft -f -` per commit with only what changed. The kernel's rules are
 * never read back: at start, after a failure and for the periodic check the table is written whole, in one transaction
 * that takes the place of what was there (with 10,000 Services that takes half of the time that a listing does).
 */
import { toError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { Backend, CommitResult, RejectedService } from '../backend.ts';
import { UnsafeTokenError, token } from '../iptables/rule_text.ts';
import type { Family } from '../model/address.ts';
import type { ServicePlan } from '../model/plan.ts';
import type { PlanChange } from '../model/planner.ts';
import type { FamilyPolicy } from '../model/policy.ts';
import { baseChains } from './base_objects.ts';
import { NODE_PORT_IPS, SERVICES_CHAIN, SERVICE_IPS } from './names.ts';
import type { Nft, TableContents } from './nft.ts';
import { NftError } from './nft.ts';
import type { ServiceObjects } from './service_objects.ts';
import { serviceObjects } from './service_objects.ts';
import { TableState } from './table_state.ts';
import { changesText, parseCommand, wholeText } from './transaction_text.ts';

// More refused Services than that point to something else than Services.
const MAX_NAMED = 32;
/** Stands for the node itself among the Services: no Service has such an id. */
const NODE = 'node';
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
  #state = new TableState();
  readonly #plans = new Map<string, ServicePlan>();
  // Service ports that changed since the last commit, with what the kernel has for them.
  readonly #dirty = new Map<string, ServiceObjects | undefined>();
  readonly #rejected = new Map<string, Error>();
  #full = true;
  #sent = '';

  constructor({ nft, policy, log }: NftablesBackendOptions) {
    this.family = nft.family;
    this.#nft = nft;
    this.#log = log;
    this.#policy = policy;
    this.#state.setService(NODE, nodeObjects(policy));
  }

  apply(changes: readonly PlanChange[]): void {
    for (const { id, after } of changes) {
      if (!this.#dirty.has(id)) this.#dirty.set(id, this.#state.objectsOf(id));
      this.#rejected.delete(id);
      if (after === undefined) this.#plans.delete(id);
      else this.#plans.set(id, after);
      this.#render(id);
    }
  }

  setPolicy(policy: FamilyPolicy): void {
    this.#policy = policy;
    this.#state = new TableState();
    this.#state.setService(NODE, nodeObjects(policy));
    for (const id of this.#plans.keys()) this.#render(id);
    this.#full = true;
  }

  requestFullSync(): void {
    this.#full = true;
  }

  async commit(signal?: AbortSignal): Promise<CommitResult> {
    if (!this.#full) {
      try {
        const text = changesText(this.family, this.#state.changes());
        await this.#send(text, signal);
        return this.#done(false, false, text);
      } catch (err) {
        if (signal?.aborted === true) throw err;
        this.#full = true;
        this.#log.error(err, 'Failed to apply changes; writing the whole table', { ipFamily: this.family });
      }
    }
    return this.#fullSync(signal);
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

  #render(id: string): void {
    const plan = this.#plans.get(id);
    try {
      this.#state.setService(id, plan === undefined ? undefined : serviceObjects(plan, this.#policy));
    } catch (err) {
      if (!(err instanceof UnsafeTokenError)) throw err;
      this.#state.setService(id, undefined);
      this.#rejected.set(id, err);
    }
  }

  async #fullSync(signal: AbortSignal | undefined): Promise<CommitResult> {
    // Services that were refused may be accepted by now (a kernel module was loaded).
    for (const [id, error] of Array.from(this.#rejected)) {
      if (error instanceof UnsafeTokenError) continue;
      if (!this.#dirty.has(id)) this.#dirty.set(id, undefined);
      this.#rejected.delete(id);
      this.#render(id);
    }
    const existing = await this.#nft.contents(signal);
    const repaired = !this.#isComplete(existing);
    const named: RejectedService[] = [];
    let recreate = false;
    for (;;) {
      const text = wholeText(this.family, this.#policy, this.#state.everything(), existing, recreate);
      try {
        await this.#send(text, signal);
        return this.#done(true, repaired, text, named);
      } catch (err) {
        if (signal?.aborted === true) throw err;
        const guilty = named.length < MAX_NAMED ? this.#blamed(err) : undefined;
        if (guilty !== undefined) {
          named.push(this.#reject(guilty, toError(err)));
        } else if (!recreate && existing !== undefined) {
          // Something in the table is in the way, e.g. a set of another type that an older release left.
          recreate = true;
        } else {
          if (this.#dirty.size === 0) throw err;
          this.#log.error(err, 'Failed to write the table; looking for the Service that is refused', {
            ipFamily: this.family,
            services: this.#dirty.size,
          });
          break;
        }
      }
    }
    return this.#isolate(existing, named, signal);
  }

  /**
   * Finds the Services that the kernel refuses: the table is written as it was, then the changed Services go in by halves,
   * and a half that fails is halved again. Costs about 2·log2(n) commits for each bad one.
   */
  async #isolate(
    existing: TableContents | undefined,
    named: RejectedService[],
    signal: AbortSignal | undefined,
  ): Promise<CommitResult> {
    const ids = [...this.#dirty.keys()];
    for (const id of ids) this.#state.setService(id, this.#dirty.get(id));
    const base = wholeText(this.family, this.#policy, this.#state.everything(), existing, true);
    // If not even that goes in, no Service is to blame: the caller tries again later, with everything.
    try {
      await this.#send(base, signal);
    } catch (err) {
      for (const id of ids) this.#render(id);
      throw err;
    }
    this.#state.committed();

    const bring = async (some: readonly string[]): Promise<void> => {
      for (const id of some) this.#render(id);
      try {
        await this.#send(changesText(this.family, this.#state.changes()), signal);
        this.#state.committed();
        return;
      } catch (err) {
        if (signal?.aborted === true) throw err;
        const [only] = some;
        if (some.length === 1 && only !== undefined) {
          // Rules of an earlier state would send traffic to the wrong place: none are better.
          this.#state.setService(only, this.#dirty.get(only));
          this.#state.committed();
          named.push(this.#reject(only, toError(err)));
          await this.#send(changesText(this.family, this.#state.changes()), signal);
          this.#state.committed();
          return;
        }
        for (const id of some) this.#state.setService(id, this.#dirty.get(id));
        this.#state.committed();
      }
      const middle = some.length >> 1;
      await bring(some.slice(0, middle));
      await bring(some.slice(middle));
    };
    await bring(ids.filter((id) => !this.#rejected.has(id)));
    return this.#done(true, true, base, named);
  }

  #reject(id: string, error: Error): RejectedService {
    this.#rejected.set(id, error);
    this.#dirty.delete(id);
    this.#state.setService(id, undefined);
    return { id, error };
  }

  /** The Service port to which the refused line belongs. */
  #blamed(err: unknown): string | undefined {
    if (!(err instanceof NftError) || err.line === undefined) return undefined;
    const command = parseCommand(this.#sent.split('\n')[err.line - 1] ?? '');
    if (command === undefined) return undefined;
    const { verb, name, rest } = command;
    const key = /^\{ (.*?) (?:comment |: |\})/.exec(rest)?.[1];
    const what = verb === 'add element' ? (key ?? '') : name;
    return this.#state.ownerOf(what, name, this.#plans.keys());
  }

  #isComplete(existing: TableContents | undefined): boolean {
    const there = new Set(existing?.chains);
    const base = baseChains(this.family, this.#policy).map((c) => c.name);
    return [...base, ...this.#state.chainNames].every((name) => there.has(name));
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
    this.#state.committed();
    const rejected = [...this.#rejected]
      .filter(([id]) => this.#dirty.has(id))
      .map(([id, error]) => ({ id, error }));
    this.#dirty.clear();
    this.#full = false;
    return {
      full,
      repaired,
      rejected: [...rejected, ...named],
      sent: { lines: text.split('\n').length - 1 },
    };
  }
}

function nodeObjects(policy: FamilyPolicy): ServiceObjects {
  const addresses = policy.nodePortAddresses ?? [];
  return {
    chains: new Map(),
    sets: new Map(),
    elements: addresses.map((ip) => ({ container: NODE_PORT_IPS, key: token(ip), value: '' })),
  };
}

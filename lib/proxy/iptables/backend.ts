/**
 * Service rules in iptables: one `iptables-restore` per commit with only what changed. The kernel's own list is read only
 * at start, after a failure and for the periodic check; then the difference alone is sent, so nothing is ever flushed.
 */
import { toError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { Backend, CommitResult, RejectedService } from '../backend.ts';
import type { Family } from '../model/address.ts';
import type { ServicePlan } from '../model/plan.ts';
import type { PlanChange } from '../model/planner.ts';
import type { FamilyPolicy } from '../model/policy.ts';
import { baseChains, jumpRules } from './base_rules.ts';
import type { Table } from './names.ts';
import { CANARY_CHAIN } from './names.ts';
import type { Netfilter } from './netfilter.ts';
import { NetfilterError } from './netfilter.ts';
import type { KernelTables } from './reconcile.ts';
import { missingJumps, reconcile } from './reconcile.ts';
import type { KernelTable, Transaction } from './restore_text.ts';
import { restoreTexts } from './portions.ts';
import { EMPTY_TRANSACTION, parseSave } from './restore_text.ts';
import { UnsafeTokenError } from './rule_text.ts';
import { Ruleset } from './ruleset.ts';
import type { ServiceRules } from './service_rules.ts';
import { serviceRules } from './service_rules.ts';

// More refused Services than that point to something else than Services.
const MAX_NAMED = 32;

export interface IptablesBackendOptions {
  readonly netfilter: Netfilter;
  readonly policy: FamilyPolicy;
  readonly log: Log;
}

export class IptablesBackend implements Backend {
  readonly family: Family;
  readonly #netfilter: Netfilter;
  readonly #log: Log;
  #policy: FamilyPolicy;
  #ruleset: Ruleset;
  readonly #plans = new Map<string, ServicePlan>();
  // Service ports that changed since the last commit, with the rules that the kernel has for them.
  readonly #dirty = new Map<string, ServiceRules | undefined>();
  readonly #rejected = new Map<string, Error>();
  #full = true;
  #sent = '';
  #intactChains: ReadonlyArray<readonly [Table, string]> = [];

  constructor({ netfilter, policy, log }: IptablesBackendOptions) {
    this.family = netfilter.family;
    this.#netfilter = netfilter;
    this.#log = log;
    this.#policy = policy;
    this.#ruleset = new Ruleset(this.family, baseChains(this.family, policy));
    this.#setJumps();
  }

  apply(changes: readonly PlanChange[]): void {
    for (const { id, after } of changes) {
      if (!this.#dirty.has(id)) this.#dirty.set(id, this.#ruleset.rulesOf(id));
      this.#rejected.delete(id);
      if (after === undefined) this.#plans.delete(id);
      else this.#plans.set(id, after);
      this.#render(id);
    }
  }

  setPolicy(policy: FamilyPolicy): void {
    this.#policy = policy;
    this.#ruleset = new Ruleset(this.family, baseChains(this.family, policy));
    this.#setJumps();
    for (const id of this.#plans.keys()) this.#render(id);
    this.#full = true;
  }

  requestFullSync(): void {
    this.#full = true;
  }

  async commit(signal?: AbortSignal): Promise<CommitResult> {
    const failed = this.#full ? undefined : await this.#tryIncremental(signal);
    if (failed !== undefined && !(failed instanceof Error)) return failed;
    if (failed !== undefined) {
      this.#full = true;
      this.#log.error(failed, 'Failed to apply changed rules; comparing with the kernel', {
        ipFamily: this.family,
      });
    }
    return this.#fullSync(signal);
  }

  async isIntact(signal?: AbortSignal): Promise<boolean> {
    if ((await this.#netfilter.listChain('mangle', CANARY_CHAIN, signal)) === undefined) return false;
    const kernel: Record<Table, KernelTable> = { filter: new Map(), nat: new Map(), mangle: new Map() };
    for (const [table, chain] of this.#intactChains) {
      kernel[table].set(chain, (await this.#netfilter.listChain(table, chain, signal)) ?? []);
    }
    return missingJumps(kernel, jumpRules(this.family, this.#policy)).length === 0;
  }

  ruleCounts(): Readonly<Record<string, number>> {
    return { filter: this.#ruleset.count('filter'), nat: this.#ruleset.count('nat') };
  }

  explain(id: string): ReturnType<Backend['explain']> {
    const rules = this.#ruleset.rulesOf(id);
    return {
      chains: Object.fromEntries(rules?.chains ?? []),
      dispatch: (rules?.dispatch ?? []).map((d) => `-t ${d.table} -A ${this.#ruleset.chainOf(d)} ${d.rule}`),
    };
  }

  #setJumps(): void {
    const seen = new Map<string, readonly [Table, string]>();
    for (const { table, chain } of jumpRules(this.family, this.#policy))
      seen.set(`${table} ${chain}`, [table, chain]);
    this.#intactChains = [...seen.values()];
  }

  #render(id: string): void {
    const plan = this.#plans.get(id);
    try {
      this.#ruleset.setService(id, plan === undefined ? undefined : serviceRules(plan, this.#policy));
    } catch (err) {
      if (!(err instanceof UnsafeTokenError)) throw err;
      this.#ruleset.setService(id, undefined);
      this.#rejected.set(id, err);
    }
  }

  async #tryIncremental(signal: AbortSignal | undefined): Promise<CommitResult | Error> {
    const changes = this.#ruleset.changes();
    const transaction: Transaction = { ...EMPTY_TRANSACTION, changes };
    try {
      await this.#send(transaction, signal);
    } catch (err) {
      if (signal?.aborted === true) throw err;
      return toError(err);
    }
    return this.#done(false, false, transaction);
  }

  async #fullSync(signal: AbortSignal | undefined): Promise<CommitResult> {
    // Services that were refused may be accepted by now (a kernel module was loaded).
    const retry = [...this.#rejected]
      .filter(([, err]) => !(err instanceof UnsafeTokenError))
      .map(([id]) => id);
    for (const id of retry) {
      if (!this.#dirty.has(id)) this.#dirty.set(id, undefined);
      this.#rejected.delete(id);
      this.#render(id);
    }
    const named: RejectedService[] = [];
    for (;;) {
      const found = this.#reconciliation(await this.#read(signal));
      try {
        await this.#send(found.transaction, signal);
        const done = this.#done(true, !found.clean, found.transaction);
        return { ...done, rejected: [...done.rejected, ...named] };
      } catch (err) {
        if (signal?.aborted === true) throw err;
        // Mostly the program names the line that it or the kernel refused: then nothing else needs to be touched.
        const guilty = named.length < MAX_NAMED ? this.#blamed(err) : undefined;
        if (guilty === undefined) {
          if (this.#dirty.size === 0) throw err;
          this.#log.error(err, 'Failed to apply all rules; looking for the Service that is refused', {
            ipFamily: this.family,
            services: this.#dirty.size,
          });
          break;
        }
        const error = toError(err);
        named.push({ id: guilty, error });
        this.#rejected.set(guilty, error);
        this.#dirty.delete(guilty);
        this.#ruleset.setService(guilty, undefined);
      }
    }
    const rest = await this.#isolate(signal);
    return { ...rest, rejected: [...rest.rejected, ...named] };
  }

  /**
   * Finds the Services that the kernel refuses: everything is set back to what it had, then the changed Services go in by
   * halves, and a half that fails is halved again. Costs about 2·log2(n) commits for each bad one.
   */
  async #isolate(signal: AbortSignal | undefined): Promise<CommitResult> {
    const ids = [...this.#dirty.keys()];
    for (const id of ids) this.#ruleset.setService(id, this.#dirty.get(id));
    const base = this.#reconciliation(await this.#read(signal));
    // If not even that goes in, no Service is to blame: the caller tries again later, with everything.
    try {
      await this.#send(base.transaction, signal);
    } catch (err) {
      for (const id of ids) this.#render(id);
      throw err;
    }
    this.#ruleset.committed();

    const failures: RejectedService[] = [];
    const bring = async (some: readonly string[]): Promise<void> => {
      for (const id of some) this.#render(id);
      try {
        await this.#send({ ...EMPTY_TRANSACTION, changes: this.#ruleset.changes() }, signal);
        this.#ruleset.committed();
        return;
      } catch (err) {
        if (signal?.aborted === true) throw err;
        for (const id of some) this.#ruleset.setService(id, this.#dirty.get(id));
        // A table before the one that failed has been changed: set it back.
        await this.#send(this.#reconciliation(await this.#read(signal)).transaction, signal);
        this.#ruleset.committed();
        const [only] = some;
        if (some.length === 1 && only !== undefined) {
          const error = toError(err);
          failures.push({ id: only, error });
          this.#rejected.set(only, error);
          // Rules of an earlier state would send traffic to the wrong place: none are better.
          this.#ruleset.setService(only, undefined);
          await this.#send({ ...EMPTY_TRANSACTION, changes: this.#ruleset.changes() }, signal);
          this.#ruleset.committed();
          return;
        }
      }
      const middle = some.length >> 1;
      await bring(some.slice(0, middle));
      await bring(some.slice(middle));
    };
    await bring(ids);
    return { ...this.#done(true, true, base.transaction), rejected: failures };
  }

  /** The Service port to which the refused line belongs. */
  #blamed(err: unknown): string | undefined {
    if (!(err instanceof NetfilterError) || err.line === undefined) return undefined;
    const line = this.#sent.split('\n')[err.line - 1] ?? '';
    const [, chain, rule = ''] = /^(?:-[AI] |:)(\S+) ?(.*)$/.exec(line) ?? [];
    return chain === undefined ? undefined : this.#ruleset.ownerOf(chain, rule, this.#plans.keys());
  }

  async #read(signal: AbortSignal | undefined): Promise<KernelTables> {
    const text = await this.#netfilter.save(signal);
    const read = (table: Table): KernelTable => parseSave(text, table);
    return { nat: read('nat'), filter: read('filter'), mangle: read('mangle') };
  }

  #reconciliation(kernel: KernelTables): ReturnType<typeof reconcile> {
    const found = reconcile(kernel, this.#ruleset, jumpRules(this.family, this.#policy));
    if (found.heldByOthers.length > 0) {
      const chains = found.heldByOthers.slice(0, 10);
      this.#log.warn('Chains of former Services are kept because rules of others refer to them', { chains });
    }
    return found;
  }

  async #send(transaction: Transaction, signal: AbortSignal | undefined): Promise<void> {
    for (const text of restoreTexts(transaction)) {
      this.#sent = text;
      if (this.#log.v(9).enabled) this.#log.v(9).info('Running iptables-restore', { input: text });
      await this.#netfilter.restore(text, signal);
    }
  }

  #done(full: boolean, repaired: boolean, transaction: Transaction): CommitResult {
    this.#ruleset.committed();
    const rejected = [...this.#rejected]
      .filter(([id]) => this.#dirty.has(id))
      .map(([id, error]) => ({ id, error }));
    this.#dirty.clear();
    this.#full = false;
    return { full, repaired, rejected, sent: sentRules(transaction) };
  }
}

function sentRules(transaction: Transaction): Record<string, number> {
  const sent: Record<string, number> = { filter: 0, nat: 0 };
  const add = (table: Table, n: number): void => {
    sent[table] = (sent[table] ?? 0) + n;
  };
  for (const c of transaction.changes) {
    if (c.kind === 'replace') add(c.table, c.rules.length);
    else if (c.kind === 'edit') add(c.table, c.insert.length);
  }
  for (const r of [...transaction.prepend, ...transaction.append]) add(r.table, 1);
  return sent;
}

/**
 * Service rules in iptables: one `iptables-restore` per commit with only what changed. The kernel's own list is read only
 * at start, after a failure and for the periodic check; then the difference alone is sent, so nothing is ever flushed.
 */
import { toError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { Backend, CommitResult, RejectedService } from '../backend.ts';
import type { Family } from '../model/address.ts';
import type { PlanChange } from '../model/planner.ts';
import type { FamilyPolicy } from '../model/policy.ts';
import { ServiceLedger } from '../service_ledger.ts';
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
import { Ruleset } from './ruleset.ts';
import { serviceRules } from './service_rules.ts';

/** Above so many endpoints Services get as few rules as serve (stock leaves comments out there); until half of it. */
const LARGE_CLUSTER_ENDPOINTS = 1000;
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
  readonly #ledger: ServiceLedger;
  #endpoints = 0;
  #isLarge = false;
  #full = true;
  #sent = '';
  #intactChains: ReadonlyArray<readonly [Table, string]> = [];

  constructor({ netfilter, policy, log }: IptablesBackendOptions) {
    this.family = netfilter.family;
    this.#netfilter = netfilter;
    this.#log = log;
    this.#policy = policy;
    this.#ruleset = rulesetFor(this.family, policy, this.#isLarge);
    this.#ledger = new ServiceLedger(this.#ruleset);
    this.#setJumps();
  }

  apply(changes: readonly PlanChange[]): void {
    for (const { before, after } of changes)
      this.#endpoints += (after?.reachable.length ?? 0) - (before?.reachable.length ?? 0);
    const isLarge = this.#endpoints > LARGE_CLUSTER_ENDPOINTS / (this.#isLarge ? 2 : 1);
    if (isLarge !== this.#isLarge) {
      this.#isLarge = isLarge;
      this.#renderAll();
    }
    this.#ledger.apply(changes);
  }

  setPolicy(policy: FamilyPolicy): void {
    this.#policy = policy;
    this.#renderAll();
  }

  #renderAll(): void {
    this.#ruleset = rulesetFor(this.family, this.#policy, this.#isLarge);
    this.#ledger.moveTo(this.#ruleset);
    this.#setJumps();
    this.#full = true;
  }

  get policy(): FamilyPolicy {
    return this.#policy;
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
    const done = await this.#fullSync(signal);
    return failed === undefined ? done : { ...done, fellBack: true };
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
    this.#ledger.retryRejected();
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
          if (this.#ledger.pending === 0) throw err;
          this.#log.error(err, 'Failed to apply all rules; looking for the Service that is refused', {
            ipFamily: this.family,
            services: this.#ledger.pending,
          });
          break;
        }
        named.push(this.#ledger.reject(guilty, err));
      }
    }
    const rest = await this.#isolate(signal);
    return { ...rest, rejected: [...rest.rejected, ...named] };
  }

  async #isolate(signal: AbortSignal | undefined): Promise<CommitResult> {
    let base = EMPTY_TRANSACTION;
    const whole = async (): Promise<void> => {
      base = this.#reconciliation(await this.#read(signal)).transaction;
      await this.#send(base, signal);
    };
    const changes = (): Promise<void> =>
      this.#send({ ...EMPTY_TRANSACTION, changes: this.#ruleset.changes() }, signal);
    // Undone is a table before the one that failed.
    const refused = await this.#ledger.isolate({ whole, changes, undo: whole, signal });
    const done = this.#done(true, true, base);
    return { ...done, rejected: [...done.rejected, ...refused] };
  }

  /** The Service port to which the refused line belongs. */
  #blamed(err: unknown): string | undefined {
    if (!(err instanceof NetfilterError) || err.line === undefined) return undefined;
    const line = this.#sent.split('\n')[err.line - 1] ?? '';
    const [, chain, rule = ''] = /^(?:-[AI] |:)(\S+) ?(.*)$/.exec(line) ?? [];
    return chain === undefined ? undefined : this.#ruleset.ownerOf(chain, rule);
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
    const rejected = this.#ledger.committed();
    this.#full = false;
    return { full, repaired, rejected, sent: sentRules(transaction) };
  }
}

function rulesetFor(family: Family, policy: FamilyPolicy, isLarge: boolean): Ruleset {
  const base = baseChains(family, policy);
  return new Ruleset({ family, base, render: (plan) => serviceRules(plan, policy, isLarge) });
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

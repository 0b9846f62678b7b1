/** /healthz, /livez and /readyz with named checks, `?verbose`, `?exclude=` and one path per check. */
import { errorMessage } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Exchange } from './serving/exchange.ts';
import { text, textError } from './serving/exchange.ts';
import type { Routes } from './serving/routes.ts';

/** Resolves when all is well; the rejection says what is not. */
export type HealthCheck = () => void | Promise<void>;

interface NamedCheck {
  readonly name: string;
  readonly check: HealthCheck;
}

/** The checks behind one path. */
export class HealthChecks {
  readonly #checks: NamedCheck[] = [];
  readonly #log: Log;
  readonly #listeners: ((name: string, isWell: boolean) => void)[] = [];

  /** Starts with the check `ping`, which always succeeds. */
  constructor(log: Log, ...checks: readonly NamedCheck[]) {
    this.#log = log;
    this.#checks.push({ name: 'ping', check: () => undefined }, ...checks);
  }

  add(name: string, check: HealthCheck): void {
    if (!/^[\w./-]+$/.test(name))
      throw new RangeError(`health check name "${name}": want letters, digits, . _ - /`);
    if (this.#checks.some((c) => c.name === name))
      throw new RangeError(`health check "${name}" exists already`);
    this.#checks.push({ name, check });
  }

  get names(): readonly string[] {
    return this.#checks.map((c) => c.name);
  }

  /** Has a listener told of every check that was run. */
  onResult(listener: (name: string, isWell: boolean) => void): void {
    this.#listeners.push(listener);
  }

  /** Runs all checks, for their listeners. */
  async run(): Promise<void> {
    for (const one of this.#checks) await this.#failure(one);
  }

  /** What a check fails with, undefined: it does not. */
  async #failure({ name, check }: NamedCheck): Promise<{ readonly error: unknown } | undefined> {
    let failure: { readonly error: unknown } | undefined;
    try {
      await check();
    } catch (error) {
      failure = { error };
    }
    for (const listener of this.#listeners) listener(name, failure === undefined);
    return failure;
  }

  /** The first problem, or undefined when all is well; for the watchdog. */
  async problem(): Promise<string | undefined> {
    for (const one of this.#checks) {
      const failure = await this.#failure(one);
      if (failure !== undefined) return `${one.name}: ${errorMessage(failure.error)}`;
    }
    return undefined;
  }

  /** Answers at `path` (`/healthz`) and below it. */
  install(routes: Routes, path: string): void {
    const what = path.slice(1);
    routes.exact(path, async (exchange) => this.#answerAll(exchange, what));
    routes.prefix(`${path}/`, async (exchange) => {
      const name = exchange.path.slice(path.length + 1);
      const found = this.#checks.find((c) => c.name === name);
      if (found === undefined) return textError(exchange.res, 404, '404 page not found');
      return this.#answerOne(exchange, found);
    });
  }

  async #answerAll({ res, query }: Exchange, what: string): Promise<void> {
    const excluded = new Set(query.getAll('exclude'));
    const lines: string[] = [];
    const failed: string[] = [];
    for (const one of this.#checks) {
      const { name } = one;
      if (excluded.delete(name)) {
        lines.push(`[+]${name} excluded: ok`);
        continue;
      }
      const failure = await this.#failure(one);
      if (failure === undefined) {
        lines.push(`[+]${name} ok`);
        continue;
      }
      failed.push(`${name}: ${errorMessage(failure.error)}`);
      // Whoever may reach the port need not know why; the log does.
      lines.push(`[-]${name} failed: reason withheld`);
    }
    if (excluded.size > 0) {
      const names = [...excluded].map((n) => JSON.stringify(n)).join(', ');
      lines.push(`warn: some health checks cannot be excluded: no matches for ${names}`);
    }
    const details = `${lines.join('\n')}\n`;
    if (failed.length > 0) {
      this.#log.info('Health check failed', { check: what, failed });
      textError(res, 500, `${details}${what} check failed`);
    } else text(res, query.has('verbose') ? `${details}${what} check passed\n` : 'ok');
  }

  async #answerOne({ res }: Exchange, one: NamedCheck): Promise<void> {
    const failure = await this.#failure(one);
    if (failure === undefined) text(res, 'ok');
    else textError(res, 500, `internal server error: ${one.name}: ${errorMessage(failure.error)}`);
  }
}

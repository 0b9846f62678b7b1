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

  /** The first problem, or undefined when all is well; for the watchdog. */
  async problem(): Promise<string | undefined> {
    for (const { name, check } of this.#checks) {
      try {
        await check();
      } catch (err) {
        return `${name}: ${errorMessage(err)}`;
      }
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
    for (const { name, check } of this.#checks) {
      if (excluded.delete(name)) {
        lines.push(`[+]${name} excluded: ok`);
        continue;
      }
      try {
        await check();
        lines.push(`[+]${name} ok`);
      } catch (err) {
        failed.push(`${name}: ${errorMessage(err)}`);
        // Whoever may reach the port need not know why; the log does.
        lines.push(`[-]${name} failed: reason withheld`);
      }
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

  async #answerOne({ res }: Exchange, { name, check }: NamedCheck): Promise<void> {
    try {
      await check();
      text(res, 'ok');
    } catch (err) {
      textError(res, 500, `internal server error: ${name}: ${errorMessage(err)}`);
    }
  }
}

/** Paths to handlers. */
import type { Exchange, Handler } from './exchange.ts';
import { textError } from './exchange.ts';

export class Routes {
  readonly #exact = new Map<string, Handler>();
  /** Longest first. */
  #prefixes: { prefix: string; handler: Handler }[] = [];

  /** Answers exactly this path. */
  exact(path: string, handler: Handler): this {
    this.#exact.set(path, handler);
    return this;
  }

  /** Answers everything below `prefix`, which ends with `/`. */
  prefix(prefix: string, handler: Handler): this {
    this.#prefixes = [...this.#prefixes, { prefix, handler }].sort(
      (a, b) => b.prefix.length - a.prefix.length,
    );
    return this;
  }

  /** All paths and prefixes, sorted. */
  paths(): string[] {
    return [...this.#exact.keys(), ...this.#prefixes.map((p) => p.prefix)].sort();
  }

  readonly handle: Handler = (exchange: Exchange) => {
    const handler =
      this.#exact.get(exchange.path) ??
      this.#prefixes.find((p) => exchange.path.startsWith(p.prefix))?.handler;
    if (handler !== undefined) return handler(exchange);
    textError(exchange.res, 404, '404 page not found');
    return undefined;
  };
}

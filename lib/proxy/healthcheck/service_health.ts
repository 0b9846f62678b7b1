/**
 * Health check node ports: for each Service with external traffic policy Local, a load balancer learns here whether this
 * node has endpoints of it.
 */
import type { Log } from '../../base/log.ts';
import type { Handler } from '../../component/serving/exchange.ts';
import type { RunningServer } from '../../component/serving/server.ts';
import { createPlainServer } from '../../component/serving/server.ts';
import type { Family } from '../model/address.ts';
import { sameList } from '../../base/same_list.ts';

export interface ServiceHealth {
  readonly namespace: string;
  readonly name: string;
  /** Each family of a Service is served at addresses of that family, with its endpoints of that family. */
  readonly family: Family;
  readonly port: number;
  /** Ready endpoints on this node. */
  readonly localEndpoints: number;
}

export interface ServiceHealthServersOptions {
  readonly log: Log;
  /** Where to listen, as for node ports; asked with every update. Undefined: at all addresses of the family. */
  readonly addresses: (family: Family) => readonly string[] | undefined;
  readonly proxyHealthy: () => boolean;
  /** A port cannot be listened on (another program has it). */
  readonly onListenError: (service: ServiceHealth, err: unknown) => void;
}

/** What servers take for all addresses. */
const ALL = '';

interface Entry {
  health: ServiceHealth;
  readonly addresses: readonly string[];
  readonly servers: RunningServer[];
}

export class ServiceHealthServers {
  readonly #options: ServiceHealthServersOptions;
  readonly #entries = new Map<string, Entry>();

  constructor(options: ServiceHealthServersOptions) {
    this.#options = options;
  }

  /** Serves exactly these Services from now on. Servers of unchanged ports and addresses are left running. */
  async update(services: readonly ServiceHealth[]): Promise<void> {
    const wanted = new Map(services.map((s) => [`${s.namespace}/${s.name} ${s.family}`, s]));
    for (const [key, entry] of this.#entries) {
      const now = wanted.get(key);
      if (now !== undefined && this.#isServed(entry, now)) continue;
      this.#entries.delete(key);
      await closeAll(entry.servers);
    }
    for (const [key, health] of wanted) {
      const known = this.#entries.get(key);
      if (known !== undefined) known.health = health;
      else await this.#open(key, health);
    }
  }

  async close(): Promise<void> {
    await this.update([]);
  }

  #isServed({ health, addresses, servers }: Entry, { family, port }: ServiceHealth): boolean {
    const complete = servers.length === addresses.length;
    return complete && health.port === port && sameList(addresses, this.#addresses(family));
  }

  #addresses(family: Family): readonly string[] {
    return this.#options.addresses(family) ?? [ALL];
  }

  async #open(key: string, health: ServiceHealth): Promise<void> {
    const { port, family } = health;
    const entry: Entry = { health, addresses: this.#addresses(family), servers: [] };
    this.#entries.set(key, entry);
    const { log } = this.#options;
    const handler = this.#answer(entry);
    for (const address of entry.addresses) {
      try {
        entry.servers.push(await createPlainServer({ address, family, port, log, handler }));
      } catch (err) {
        this.#options.onListenError(health, err);
      }
    }
  }

  #answer(entry: Entry): Handler {
    return ({ res }) => {
      const { namespace, name, localEndpoints } = entry.health;
      const healthy = this.#options.proxyHealthy();
      const body = { service: { namespace, name }, localEndpoints, serviceProxyHealthy: healthy };
      res.writeHead(localEndpoints > 0 && healthy ? 200 : 503, {
        'content-type': 'application/json',
        'x-content-type-options': 'nosniff',
        'x-load-balancing-endpoint-weight': String(localEndpoints),
      });
      res.end(JSON.stringify(body, undefined, '\t'));
    };
  }
}

async function closeAll(servers: readonly RunningServer[]): Promise<void> {
  await Promise.all(servers.map((server) => server.close(0)));
}

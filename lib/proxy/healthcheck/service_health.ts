/**
 * Health check node ports: for each Service with external traffic policy Local, a load balancer learns here whether this
 * node has endpoints of it.
 */
import type { Log } from '../../base/log.ts';
import type { Handler } from '../../component/serving/exchange.ts';
import type { RunningServer } from '../../component/serving/server.ts';
import { createPlainServer } from '../../component/serving/server.ts';

export interface ServiceHealth {
  readonly namespace: string;
  readonly name: string;
  readonly port: number;
  /** Ready endpoints on this node. */
  readonly localEndpoints: number;
}

export interface ServiceHealthServersOptions {
  readonly log: Log;
  /** Addresses to listen on; one empty text: all. */
  readonly addresses: () => readonly string[];
  readonly proxyHealthy: () => boolean;
  /** A port cannot be listened on (another program has it). */
  readonly onListenError: (service: ServiceHealth, err: unknown) => void;
}

interface Entry {
  health: ServiceHealth;
  servers: RunningServer[];
}

export class ServiceHealthServers {
  readonly #options: ServiceHealthServersOptions;
  readonly #entries = new Map<string, Entry>();

  constructor(options: ServiceHealthServersOptions) {
    this.#options = options;
  }

  /** Serves exactly these Services from now on. Servers of unchanged ports are left running. */
  async update(services: readonly ServiceHealth[]): Promise<void> {
    const wanted = new Map(services.map((s) => [`${s.namespace}/${s.name}`, s]));
    for (const [key, entry] of this.#entries) {
      if (wanted.get(key)?.port === entry.health.port && entry.servers.length > 0) continue;
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

  async #open(key: string, health: ServiceHealth): Promise<void> {
    const entry: Entry = { health, servers: [] };
    this.#entries.set(key, entry);
    for (const address of this.#options.addresses()) {
      try {
        const { log } = this.#options;
        entry.servers.push(
          await createPlainServer({ address, port: health.port, log, handler: this.#answer(entry) }),
        );
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

/** A scheduler extender over HTTP that judges nodes by the digits in their names. */
import { once } from 'node:events';
import type { IncomingMessage, Server } from 'node:http';
import { createServer } from 'node:http';

export class TestExtender {
  readonly #server: Server;
  readonly url: string;
  /** How often it was asked. */
  asked = 0;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.url = `http://127.0.0.1:${port}`;
  }

  static async start(): Promise<TestExtender> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('want a TCP port');
    const extender = new TestExtender(server, address.port);
    server.on('request', (req, res) => {
      extender.asked++;
      bodyOf(req).then(
        (body) => res.end(JSON.stringify(answer(req.url ?? '', namesOf(body)))),
        (err: unknown) => res.writeHead(500).end(String(err)),
      );
    });
    return extender;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

function answer(path: string, names: readonly string[]): unknown {
  const digit = (name: string): number => Number(/\d/.exec(name)?.[0] ?? 0);
  if (path === '/prioritize') return names.map((name) => ({ Host: name, Score: (digit(name) * 7) % 10 }));
  const refused = (digits: readonly number[], why: string) =>
    Object.fromEntries(names.filter((name) => digits.includes(digit(name))).map((name) => [name, why]));
  const [failed, hopeless] = [refused([3, 6], 'rack is reserved'), refused([5], 'rack has no licence')];
  return {
    NodeNames: names.filter((name) => !(name in failed) && !(name in hopeless)),
    FailedNodes: failed,
    FailedAndUnresolvableNodes: hopeless,
  };
}

async function bodyOf(req: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of req as AsyncIterable<Buffer>) chunks.push(chunk);
  const parsed: unknown = JSON.parse(Buffer.concat(chunks).toString());
  return parsed;
}

/** Of an ExtenderArgs; its fields' names differ in case between senders. */
function namesOf(body: unknown): readonly string[] {
  const fields = typeof body === 'object' && body !== null ? Object.entries(body) : [];
  const names: unknown = fields.find(([name]) => name.toLowerCase() === 'nodenames')?.[1];
  if (!Array.isArray(names)) throw new TypeError('want ExtenderArgs with the names of nodes');
  return names.map(String);
}

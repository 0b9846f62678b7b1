/** A proxy before the apiserver that lets some of the traffic wait, or does something else first. */
import { once } from 'node:events';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { Agent, request } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Apiserver } from '../../fixtures/apiserver.ts';

/** What is done to the requests; anything left out goes through as it is. */
export interface Meddling {
  /** Awaited before the request is passed on. */
  readonly before?: (request: ProxiedRequest) => Promise<void>;
  /** Milliseconds that each piece of the answer waits, in its order. */
  readonly delay?: (request: ProxiedRequest) => number;
}

export interface ProxiedRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
}

export class SlowProxy {
  readonly #server: Server;
  readonly #agent: Agent;
  /** For {@link SchedulerArena.startScheduler}. */
  readonly kubeconfigPath: string;

  private constructor(server: Server, agent: Agent, kubeconfigPath: string) {
    this.#server = server;
    this.#agent = agent;
    this.kubeconfigPath = kubeconfigPath;
  }

  static async start(apiserver: Apiserver, meddling: Meddling): Promise<SlowProxy> {
    const agent = new Agent({ ca: apiserver.ca.cert, keepAlive: true });
    const server = createServer((req, res) => {
      pass(req, res, { apiserver, agent, meddling }).catch((err: unknown) => {
        res.destroy(err instanceof Error ? err : new Error(String(err)));
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('want a TCP port');
    const url = `http://127.0.0.1:${address.port}`;
    const user = { token: apiserver.adminToken };
    return new SlowProxy(server, agent, apiserver.writeKubeconfig('slow', user, url));
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
    this.#agent.destroy();
  }
}

async function pass(
  req: IncomingMessage,
  res: ServerResponse,
  { apiserver, agent, meddling }: { apiserver: Apiserver; agent: Agent; meddling: Meddling },
): Promise<void> {
  const body: Buffer[] = [];
  for await (const chunk of req as AsyncIterable<Buffer>) body.push(chunk);
  const asked = { method: req.method ?? '', path: req.url ?? '' };
  await meddling.before?.(asked);
  const { authorization, accept, 'content-type': type } = req.headers;
  const onward = request(`${apiserver.url}${asked.path}`, {
    method: asked.method,
    agent,
    headers: {
      ...(authorization === undefined ? {} : { authorization }),
      ...(accept === undefined ? {} : { accept }),
      ...(type === undefined ? {} : { 'content-type': type }),
    },
  });
  res.on('close', () => onward.destroy());
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    onward.on('response', resolve);
    onward.on('error', reject);
    onward.end(Buffer.concat(body));
  });
  res.writeHead(answer.statusCode ?? 500, { 'content-type': answer.headers['content-type'] ?? '' });
  res.flushHeaders();
  // Pieces may wait for different times, but none overtakes another.
  let last = Promise.resolve();
  const writeAfter = async (earlier: Promise<void>, chunk: Buffer): Promise<void> => {
    await Promise.all([earlier, sleep(meddling.delay?.(asked) ?? 0)]);
    res.write(chunk);
  };
  for await (const chunk of answer as AsyncIterable<Buffer>) last = writeAfter(last, chunk);
  await last;
  res.end();
}

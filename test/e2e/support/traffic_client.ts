/**
 * Sends requests from wherever it is started (the host, or a node's network by nsenter) and prints what came back as one
 * line of JSON. Each request is a connection of its own. Usage:
 *
 *     traffic_client.ts http HOST PORT COUNT     GET /hostname
 *     traffic_client.ts udp HOST PORT COUNT      the datagram "hostname"
 *     traffic_client.ts dns SERVER NAME          address record
 *     traffic_client.ts steady HOST PORT         GET /hostname every 20 ms until SIGTERM, counted from the first answer on
 */
import { createSocket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

const TIMEOUT_MS = 3000;
const PATIENCE_MS = 15_000;

function http(host: string, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get({ host, port, path: '/hostname', agent: false, timeout: TIMEOUT_MS }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      response.on('end', () => resolve(body));
      response.on('error', reject);
    });
    request.on('timeout', () => request.destroy(new Error('ETIMEDOUT')));
    request.on('error', reject);
  });
}

function udp(host: string, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createSocket('udp4');
    const timer = setTimeout(() => {
      socket.close();
      reject(new Error('ETIMEDOUT'));
    }, TIMEOUT_MS);
    const end = (finish: () => void): void => {
      clearTimeout(timer);
      socket.close();
      finish();
    };
    socket.on('error', (err) => end(() => reject(err)));
    socket.on('message', (message) => end(() => resolve(message.toString())));
    // Connected, so that a port-unreachable comes back as ECONNREFUSED.
    socket.connect(port, host, () => socket.send('hostname'));
  });
}

const codeOf = (err: unknown): string =>
  err instanceof Error && 'code' in err && typeof err.code === 'string'
    ? err.code
    : err instanceof Error
      ? err.message
      : String(err);

async function main([kind, host, third, count]: readonly string[]): Promise<unknown> {
  if (host === undefined || kind === undefined) throw new Error('usage: see the top of this file');
  if (kind === 'dns') {
    const resolver = new Resolver({ timeout: 2000, tries: 3 });
    resolver.setServers([host]);
    return { answers: await resolver.resolve4(third ?? '') };
  }
  const port = Number(third);
  const answers: string[] = [];
  const errors: string[] = [];
  if (kind === 'steady') {
    const stop = new AbortController();
    process.once('SIGTERM', () => stop.abort());
    process.stderr.write('started\n');
    // A Service is there before the rules for it are: what is counted begins with the first answer.
    const patience = Date.now() + PATIENCE_MS;
    while (!stop.signal.aborted && Date.now() < patience) {
      const answered = await http(host, port).then(
        () => true,
        () => false,
      );
      if (answered) break;
      await sleep(20);
    }
    let sent = 0;
    while (!stop.signal.aborted) {
      sent++;
      await http(host, port).then(
        (answer) => (answers.includes(answer) ? 0 : answers.push(answer)),
        (err: unknown) => errors.push(`${new Date().toISOString()} ${codeOf(err)}`),
      );
      await sleep(20);
    }
    return { sent, answers, errors };
  }
  for (let i = 0; i < Number(count ?? '1'); i++) {
    await (kind === 'udp' ? udp(host, port) : http(host, port)).then(
      (answer) => answers.push(answer),
      (err: unknown) => errors.push(codeOf(err)),
    );
  }
  return { answers, errors };
}

console.log(JSON.stringify(await main(process.argv.slice(2))));

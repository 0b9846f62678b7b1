/** Asks a component whether it is well, once, within a deadline. */
import { existsSync, readFileSync } from 'node:fs';
import { request } from 'node:https';
import { connect } from 'node:net';

/** How to ask. */
export type HealthCheck =
  | {
      readonly kind: 'https';
      readonly url: string;
      readonly ca?: string;
      readonly cert?: string;
      readonly key?: string;
    }
  | { readonly kind: 'socket'; readonly path: string }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number };

/** `undefined` when well, else what is wrong in a few words. Never rejects. */
export function healthProblem(check: HealthCheck, timeoutMs = 3000): Promise<string | undefined> {
  if (check.kind === 'file') return Promise.resolve(existsSync(check.path) ? undefined : 'not up yet');
  if (check.kind === 'socket') return connectionProblem({ path: check.path }, timeoutMs);
  if (check.kind === 'tcp') return connectionProblem({ host: check.host, port: check.port }, timeoutMs);
  return httpsProblem(check, timeoutMs);
}

function connectionProblem(
  target: { path: string } | { host: string; port: number },
  timeoutMs: number,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect(target);
    const end = (problem: string | undefined): void => {
      socket.destroy();
      resolve(problem);
    };
    socket.setTimeout(timeoutMs, () => end('no answer'));
    socket.once('connect', () => end(undefined));
    socket.once('error', (error) => end(error.message));
  });
}

function httpsProblem(
  check: HealthCheck & { kind: 'https' },
  timeoutMs: number,
): Promise<string | undefined> {
  const { url, ca, cert, key } = check;
  return new Promise((resolve) => {
    try {
      const options = {
        timeout: timeoutMs,
        agent: false as const,
        ...(ca === undefined ? {} : { ca: readFileSync(ca) }),
        ...(cert === undefined || key === undefined
          ? {}
          : { cert: readFileSync(cert), key: readFileSync(key) }),
      };
      const call = request(url, options, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.once('error', (error) => resolve(error.message));
        response.once('end', () => {
          if (response.statusCode === 200) resolve(undefined);
          else resolve(`answers ${response.statusCode}: ${failedChecks(Buffer.concat(chunks).toString())}`);
        });
      });
      call.once('timeout', () => call.destroy(new Error('no answer')));
      call.once('error', (error) => resolve(error.message));
      call.end();
    } catch (error) {
      resolve(error instanceof Error ? error.message : String(error));
    }
  });
}

// A Kubernetes health page lists one check a line, the failed ones with [-].
function failedChecks(body: string): string {
  const failed = body.split('\n').filter((line) => line.startsWith('[-]'));
  return (failed.length > 0 ? failed.join(' ') : body.trim()).slice(0, 200);
}

/**
 * An apiserver just good enough for a kube-proxy: lists and watches whatever it is given on stdin, no validation. It runs
 * as a program of its own, so that it can stand in the network namespace of the node under test:
 *
 *     node watch_server.ts PORT   then, a line each:   {"resource":"services","type":"ADDED","object":{...}}
 *
 * Prints `ready` when it listens, and each Event object that the proxy posts.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';

interface KubeObject {
  readonly metadata: {
    readonly namespace?: string;
    readonly name: string;
    readonly resourceVersion?: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
}

/** A line of input. */
export interface WatchServerCommand {
  /** Plural name, e.g. `endpointslices`. */
  readonly resource: string;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: KubeObject;
}

const KINDS: Readonly<Record<string, readonly [apiVersion: string, kind: string]>> = {
  services: ['v1', 'Service'],
  nodes: ['v1', 'Node'],
  endpointslices: ['discovery.k8s.io/v1', 'EndpointSlice'],
  servicecidrs: ['networking.k8s.io/v1', 'ServiceCIDR'],
};

const objects = new Map<string, Map<string, KubeObject>>();
interface Watcher {
  readonly res: ServerResponse;
  readonly isWanted: (object: KubeObject) => boolean;
}

const watchers = new Map<string, Set<Watcher>>();
let version = 1;

function ofResource(resource: string): Map<string, KubeObject> {
  const found = objects.get(resource) ?? new Map<string, KubeObject>();
  objects.set(resource, found);
  return found;
}

function carryOut({ resource, type, object }: WatchServerCommand): void {
  const { namespace = '', name } = object.metadata;
  const [apiVersion, kind] = KINDS[resource] ?? ['v1', 'Unknown'];
  const stored = {
    apiVersion,
    kind,
    ...object,
    metadata: { ...object.metadata, resourceVersion: String(++version) },
  };
  const key = `${namespace}/${name}`;
  if (type === 'DELETED') ofResource(resource).delete(key);
  else ofResource(resource).set(key, stored);
  for (const { res, isWanted } of watchers.get(resource) ?? []) if (isWanted(stored)) send(res, type, stored);
}

function send(res: ServerResponse, type: string, object: unknown): void {
  res.write(`${JSON.stringify({ type, object })}\n`);
}

function answer(req: IncomingMessage, res: ServerResponse): void {
  const url = new URL(req.url ?? '/', 'http://localhost');
  const parts = /^\/(?:api\/v1|apis\/[^/]+\/[^/]+)\/(?:namespaces\/[^/]+\/)?([^/]+)(?:\/([^/]+))?$/.exec(
    url.pathname,
  );
  if (parts === null) return json(res, 200, { major: '1', minor: '36', gitVersion: 'v1.36.3' });
  const [, resource = '', name] = parts;
  if (req.method === 'POST') return post(req, res);
  const [apiVersion, kind] = KINDS[resource] ?? ['v1', 'Unknown'];
  // What proxies ask for is that labels are missing.
  const without = (url.searchParams.get('labelSelector') ?? '').split(',').map((term) => term.slice(1));
  const isWanted = ({ metadata }: KubeObject): boolean =>
    !without.some((label) => metadata.labels?.[label] !== undefined);
  const all = [...ofResource(resource).values()].filter(isWanted);
  if (name !== undefined) {
    const found = all.find((object) => object.metadata.name === name);
    return found === undefined
      ? json(res, 404, { apiVersion: 'v1', kind: 'Status', status: 'Failure', reason: 'NotFound', code: 404 })
      : json(res, 200, found);
  }
  if (url.searchParams.get('watch') === null) {
    const metadata = { resourceVersion: String(version) };
    return json(res, 200, { apiVersion, kind: `${kind}List`, metadata, items: all });
  }
  res.writeHead(200, { 'content-type': 'application/json' });
  res.flushHeaders();
  if (url.searchParams.get('sendInitialEvents') === 'true') {
    for (const object of all) send(res, 'ADDED', object);
    const annotations = { 'k8s.io/initial-events-end': 'true' };
    const metadata = { resourceVersion: String(version), annotations };
    send(res, 'BOOKMARK', { apiVersion, kind, metadata });
  }
  const watching = watchers.get(resource) ?? new Set();
  const watcher = { res, isWanted };
  watchers.set(resource, watching.add(watcher));
  res.on('close', () => watching.delete(watcher));
}

function post(req: IncomingMessage, res: ServerResponse): void {
  let body = '';
  req.on('data', (chunk: Buffer) => (body += chunk.toString()));
  req.on('end', () => {
    process.stdout.write(`${body.trim()}\n`);
    res.writeHead(201, { 'content-type': 'application/json' });
    res.end(body);
  });
}

function json(res: ServerResponse, status: number, body: unknown): void {
  res.writeHead(status, { 'content-type': 'application/json' });
  res.end(JSON.stringify(body));
}

createServer(answer).listen(Number(process.argv[2]), '127.0.0.1', () => process.stdout.write('ready\n'));
createInterface({ input: process.stdin }).on('line', (line) => {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by the test that started this program
  carryOut(JSON.parse(line) as WatchServerCommand);
});
process.stdin.on('end', () => process.exit(0));

import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CertificateAuthority } from '../../../test/fixtures/pki.ts';
import { startHealthzServer, startReadOnlyServer } from './server.ts';
import {
  ask,
  kubelet,
  pod,
  podStatus,
  quietLog,
  routeOptions,
  useKubeletServer,
} from './testing/kubelet_server.ts';

const ca = new CertificateAuthority();
const alice = ca.issue({ commonName: 'alice' });
const scraper = ca.issue({ commonName: 'scraper' });

useKubeletServer(ca);

test.each([
  ['nobody', '/pods', null, 401, 'Unauthorized'],
  ['nobody', '/healthz', null, 401, 'Unauthorized'],
  [
    'alice',
    '/pods',
    alice,
    403,
    'Forbidden (user=alice, verb=get, resource=nodes, subresource(s)=[pods proxy])\n',
  ],
  [
    'alice',
    '/metrics',
    alice,
    403,
    'Forbidden (user=alice, verb=get, resource=nodes, subresource(s)=[metrics])\n',
  ],
  [
    'the scraper',
    '/exec/default/web/app',
    scraper,
    403,
    'Forbidden (user=scraper, verb=get, resource=nodes, subresource(s)=[proxy])\n',
  ],
])('K26: %s may not get %s', async (_, path, client, status, body) => {
  expect(await ask(path, { client })).toEqual({ status, body });
});

test.each([
  ['/healthz', 'ok'],
  ['/healthz/ping', 'ok'],
  ['/healthz/syncloop', 'ok'],
  ['/healthz/log', 'ok'],
  ['/healthz?verbose', '[+]ping ok\n[+]log ok\n[+]syncloop ok\nhealthz check passed\n'],
  ['/containerLogs/default/web/app', 'hello\n'],
  ['/containerLogs/default/web/app?timestamps=true', '2026-01-01T00:00:00.000000000Z hello\n'],
  ['/configz', '{"kubeletconfig":{"kind":"KubeletConfiguration"}}'],
  [
    '/metrics/resource',
    '# HELP node_cpu_usage_seconds_total [STABLE] Cumulative cpu time consumed by the node in core-seconds\n# TYPE node_cpu_usage_seconds_total counter\nnode_cpu_usage_seconds_total 1 1767225610000\n# HELP resource_scrape_error [STABLE] 1 if there was an error while getting container metrics, 0 otherwise\n# TYPE resource_scrape_error gauge\nresource_scrape_error 0\n',
  ],
  [
    '/runningpods/',
    '{"kind":"PodList","apiVersion":"v1","metadata":{},"items":[{"metadata":{"name":"web","namespace":"default","uid":"uid-1"},"spec":{"containers":[{"name":"app","image":"busybox","resources":{}}]},"status":{}}]}',
  ],
  [
    '/debug/explain/pod/default/web',
    '{"pod":{"namespace":"default","name":"web","uid":"uid-1"},"waitingFor":"image","entries":[]}',
  ],
])('K27: GET %s', async (path, body) => {
  expect(await ask(path)).toEqual({ status: 200, body });
});

test('K27: pods come with the status that the kubelet knows', async () => {
  const answer = await ask('/pods', { client: scraper });
  const list: unknown = JSON.parse(answer.body);
  expect(list).toEqual({
    kind: 'PodList',
    apiVersion: 'v1',
    metadata: {},
    items: [{ metadata: pod.metadata, spec: pod.spec, status: podStatus }],
  });
});

test('K27: a stuck sync loop makes health checks fail', async () => {
  kubelet.problem = 'sync loop has not turned for 5m0s';
  expect(await ask('/healthz')).toEqual({
    status: 500,
    body: '[+]ping ok\n[+]log ok\n[-]syncloop failed: reason withheld\nhealthz check failed\n',
  });
  expect((await ask('/healthz/syncloop')).body).toContain(kubelet.problem);
});

test.each([
  ['GET', '/nope', 404, '404 page not found\n'],
  ['POST', '/pods', 405, '405: Method Not Allowed'],
  ['GET', '/containerLogs/default/nopod/app', 404, 'pod "nopod" does not exist'],
  ['GET', '/containerLogs/default/web/nope', 404, 'container "nope" not found in pod "web"'],
  [
    'GET',
    '/containerLogs/default/web/idle',
    400,
    'container "idle" in pod "web" is waiting to start: ContainerCreating',
  ],
  ['GET', '/containerLogs/default/web', 404, '404: Page Not Found'],
  ['GET', '/containerLogs/default/web/other-uid/app', 404, 'pod "web" does not exist'],
  ['GET', '/containerLogs/default/web/app?tailLines=x', 400, '{"message": "Unable to decode query."}'],
  ['GET', '/containerLogs/default/web/UPPER', 404, '404: Page Not Found'],
  ['POST', '/exec/default/web/app?command=ls&output=1', 500, 'Upgrade request required\n'],
  ['POST', '/exec/default/web/app?command=ls', 400, 'you must specify at least 1 of stdin, stdout, stderr'],
  ['POST', '/exec/default/nopod/app?command=ls&output=1', 404, 'pod does not exist'],
  ['POST', '/exec/default/web/idle?command=ls&output=1', 500, 'container not found ("idle")'],
  ['POST', '/attach/default/web/idle?output=1', 500, 'container idle not found in pod web_default'],
  ['POST', '/portForward/default/web', 500, 'Upgrade request required\n'],
  ['POST', '/portForward/default/web?port=0', 400, 'invalid port "0": want a number from 1 to 65535'],
  ['DELETE', '/exec/default/web/app', 405, '405: Method Not Allowed'],
  ['POST', '/run/default/web/idle?cmd=ls', 500, 'container not found ("idle")'],
  [
    'POST',
    '/checkpoint/default/web/app',
    500,
    'checkpointing of default/web/app failed (the container runtime cannot checkpoint containers)',
  ],
  ['POST', '/checkpoint/default/web/none', 404, 'container none does not exist'],
  ['POST', '/checkpoint/default/none/app', 404, 'pod does not exist'],
  ['POST', '/run/default/web/app?cmd=false', 500, "command 'false' exited with 1: err"],
  ['GET', '/debug/explain/pod/default/other', 404, 'nothing is known of pod "default/other" on this node\n'],
])('K27: %s %s is answered with %i', async (method, path, status, body) => {
  expect(await ask(path, { method })).toEqual({ status, body });
});

test('K27: run gives the output of a command', async () => {
  expect(await ask('/run/default/web/app?cmd=ls%20-l', { method: 'POST' })).toEqual({
    status: 200,
    body: 'outerr',
  });
  expect(kubelet.calls).toEqual([['execSync', 'c1', ['ls', '-l']]]);
});

test('K27: a log file that is gone is said to be', async () => {
  rmSync(join(kubelet.dir, '0.log'));
  expect(await ask('/containerLogs/default/web/app')).toEqual({
    status: 500,
    body: 'unable to retrieve container logs for c1: the log file does not exist (any more)',
  });
});

describe('host logs', () => {
  beforeEach(() => {
    writeFileSync(join(kubelet.dir, 'log', 'syslog'), 'boot\n');
    mkdirSync(join(kubelet.dir, 'log', 'pods'));
    symlinkSync('/etc/hostname', join(kubelet.dir, 'log', 'escape'));
    symlinkSync('syslog', join(kubelet.dir, 'log', 'inside'));
  });

  test.each([
    ['/logs/syslog', 200, 'boot\n'],
    ['/logs/inside', 200, 'boot\n'],
    ['/logs/escape', 404, '404 page not found\n'],
    ['/logs/none', 404, '404 page not found\n'],
  ])('%s', async (path, status, body) => {
    expect(await ask(path)).toEqual({ status, body });
  });

  test('folders are listed', async () => {
    expect((await ask('/logs/')).body).toContain('<a href="pods/">pods/</a>\n<a href="syslog">syslog</a>');
  });
});

test('K27: a query for logs that cannot be meant is refused, by whoever may read logs', async () => {
  expect(await ask('/logs/?query=../x')).toEqual({
    status: 400,
    body: 'query: got "../x", want names of at most 16 services\n',
  });
});

test('K27: without debugging handlers there is no exec and no logs', async () => {
  await kubelet.restart({ debuggingHandlers: false });
  expect((await ask('/containerLogs/default/web/app')).status).toBe(404);
  expect((await ask('/exec/default/web/app?output=1', { method: 'POST' })).status).toBe(404);
  expect((await ask('/pods')).status).toBe(200);
});

test('K27: the read-only port gives figures and nothing else', async () => {
  const readOnly = await startReadOnlyServer({ ...routeOptions(), address: '127.0.0.1', port: 0 });
  const status = async (path: string, method = 'GET'): Promise<number> =>
    (await fetch(`http://127.0.0.1:${readOnly.port}${path}`, { method })).status;
  const open = ['/healthz', '/pods', '/metrics', '/metrics/resource', '/stats/summary'];
  const closed = ['/configz', '/containerLogs/default/web/app', '/exec/default/web/app', '/logs/', '/flagz'];
  expect(await Promise.all(open.map((path) => status(path)))).toEqual(open.map(() => 200));
  expect(await Promise.all(closed.map((path) => status(path)))).toEqual(closed.map(() => 404));
  expect(await status('/debug/flags/v', 'PUT')).toBe(404);
  await readOnly.close(0);
});

test('K27: the health server on loopback needs no credentials', async () => {
  const health = await startHealthzServer({ address: '127.0.0.1', port: 0, log: quietLog() });
  const get = async (path: string): Promise<[number, string]> => {
    const answer = await fetch(`http://127.0.0.1:${health.port}${path}`);
    return [answer.status, await answer.text()];
  };
  expect(await get('/healthz')).toEqual([200, 'ok']);
  expect(await get('/healthz?verbose')).toEqual([200, '[+]ping ok\nhealthz check passed\n']);
  expect(await get('/metrics')).toEqual([404, '404 page not found\n']);
  await health.close(0);
});

import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nullLog } from '../../base/log.ts';
import { type RunResult, SubprocessError } from '../../base/subprocess.ts';
import { createPlainServer } from '../../component/serving/server.ts';
import { journalArguments, parseNodeLogQuery, serveNodeLogQuery } from './node_log_query.ts';
import { RequestError } from './request_error.ts';

const parse = (query: string) => parseNodeLogQuery(new URLSearchParams(query));
const nothing = {
  since: undefined,
  until: undefined,
  boot: undefined,
  tailLines: undefined,
  pattern: undefined,
};

test('K27: the journal is asked for a service as the query says', () => {
  const query = parse(
    'query=kubelet&sinceTime=2026-01-01T00:00:00Z&untilTime=2026-01-01T02:00:00%2B01:00&boot=-1&tailLines=5&pattern=a b',
  );
  expect(journalArguments('kubelet', query)).toEqual([
    'journalctl',
    '--utc',
    '--no-pager',
    '--quiet',
    '--output=short-precise',
    '--since=2026-01-01 00:00:00 UTC',
    '--until=2026-01-01 01:00:00 UTC',
    '--boot=-1',
    '--lines=5',
    '--grep=a b',
    '--case-sensitive=false',
    '--unit=kubelet',
  ]);
  expect(parse('query=a&query=b,c@1.service')).toEqual({ ...nothing, services: ['a', 'b', 'c@1.service'] });
});

test.each([
  ['query=', 'query: got "", want names of at most 16 services'],
  ['query=--file', 'query: got "--file"'],
  ['query=../x', 'query: got "../x"'],
  ['query=a&tailLines=x', 'tailLines: got "x", want a whole number from 0 to 100000'],
  ['query=a&tailLines=100001', 'tailLines: got "100001"'],
  ['query=a&boot=1', 'boot: got "1", want a whole number from -1000 to 0'],
  ['query=a&sinceTime=yesterday', 'sinceTime: got "yesterday", want an RFC 3339 time'],
  ['query=a&sinceTime=2026-01-02T00:00:00Z&untilTime=2026-01-01T00:00:00Z', 'want a time after sinceTime'],
  ['query=a&pattern=a%00', 'want a regular expression of at most 1024 characters'],
])('K27: %s is refused', (query, message) => {
  expect(() => parse(query)).toThrow(RequestError);
  expect(() => parse(query)).toThrow(message);
});

describe('K27: logs of services', () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'tsk-node-logs-'));
    await writeFile(join(root, 'web.log'), 'one\nTwo\nthree\n');
    await mkdir(join(root, 'db'));
    await writeFile(join(root, 'db', 'db.log'), 'started\n');
    await symlink('/etc/hostname', join(root, 'secret.log'));
  });
  afterEach(() => rm(root, { recursive: true }));

  /** @param journal what it has of each service; undefined: there is no journal */
  async function ask(query: string, journal?: Readonly<Record<string, string>>): Promise<[number, string]> {
    const run = ([, ...argv]: readonly string[]): Promise<RunResult> => {
      if (journal === undefined)
        return Promise.reject(new SubprocessError('not found', { failure: 'start' }));
      const stdout = Buffer.from(journal[argv.at(-1)?.replace('--unit=', '') ?? ''] ?? '');
      return Promise.resolve({ exitCode: 0, stdout, stderr: Buffer.alloc(0) });
    };
    const { signal } = new AbortController();
    const server = await createPlainServer({
      address: '127.0.0.1',
      port: 0,
      log: nullLog,
      handler: async (exchange) => {
        try {
          await serveNodeLogQuery(exchange, { root, run, signal });
        } catch (error) {
          if (!(error instanceof RequestError)) throw error;
          exchange.res.writeHead(error.status).end(error.message);
        }
      },
    });
    const answer = await fetch(`http://127.0.0.1:${server.port}/logs/?${query}`);
    const told: [number, string] = [answer.status, await answer.text()];
    await server.close(0);
    return told;
  }

  test.each<[string, string, Readonly<Record<string, string>> | undefined, [number, string]]>([
    ['come from the journal', 'query=kubelet', { kubelet: 'a line\n' }, [200, 'a line\n']],
    ['of several services, one after the other', 'query=a&query=b', { a: '1\n', b: '2\n' }, [200, '1\n2\n']],
    ['come from its file, where the journal has none', 'query=web', {}, [200, 'one\nTwo\nthree\n']],
    ['come from a file in its folder, without a journal', 'query=db', undefined, [200, 'started\n']],
    ['of a file: its last lines', 'query=web&tailLines=2', undefined, [200, 'Two\nthree\n']],
    ['of a file: more lines than it has', 'query=web&tailLines=9', undefined, [200, 'one\nTwo\nthree\n']],
    ['of a file: none', 'query=web&tailLines=0', undefined, [200, '']],
    ['nothing in the journal matches', 'query=web&pattern=x', {}, [200, '']],
    ['that are nowhere', 'query=none', {}, [404, 'no logs of service "none" are on this node\n']],
    [
      'outside of the folder are none',
      'query=secret',
      {},
      [404, 'no logs of service "secret" are on this node\n'],
    ],
  ])('%s', async (_, query, journal, want) => {
    expect(await ask(query, journal)).toEqual(want);
  });
});

/** What kubectl streams through the kubelet: exec, logs, attach, port-forward, cp. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { closeApi, kubectlResult, startKubectl, twoNodes } from './support/cluster.ts';
import { eventually } from './support/eventually.ts';
import { TestNamespace } from './support/namespace.ts';
import { printed } from './support/program.ts';
import { netexecPod, scriptPod } from './support/workloads.ts';

const [first, second] = twoNodes();
let ns: TestNamespace;

beforeAll(async () => {
  ns = await TestNamespace.create('streams');
  await ns.apply(
    scriptPod('shell-1', 'echo ready; exec sleep 3600', { spec: { nodeName: first.name } }),
    scriptPod('shell-2', 'echo ready; exec sleep 3600', { spec: { nodeName: second.name } }),
    netexecPod('web', second.name),
  );
  for (const name of ['shell-1', 'shell-2', 'web']) await ns.ready(name);
});

afterAll(async () => {
  await ns[Symbol.asyncDispose]();
  await closeApi();
});

describe('exec', () => {
  test.each(['shell-1', 'shell-2'])('keeps stdout, stderr and the exit code apart (%s)', async (pod) => {
    const script = 'echo out; echo err >&2; exit 42';
    const result = await kubectlResult(['-n', ns.name, 'exec', pod, '--', 'sh', '-c', script]);
    expect(result.stdout).toBe('out\n');
    expect(result.stderr).toContain('err\n');
    expect(result.exitCode).toBe(42);
  });

  test('carries stdin to its end, byte for byte', async () => {
    const bytes = randomBytes(3_000_000);
    const result = await kubectlResult(['-n', ns.name, 'exec', '-i', 'shell-1', '--', 'sha256sum'], {
      stdin: bytes,
    });
    expect(result.stdout).toContain(createHash('sha256').update(bytes).digest('hex'));
  });

  test('carries much output', async () => {
    const result = await kubectlResult(['-n', ns.name, 'exec', 'shell-2', '--', 'seq', '1', '300000']);
    expect(result.exitCode).toBe(0);
    expect(result.stdout.split('\n').slice(-2)).toEqual(['300000', '']);
    expect(result.stdout.split('\n')).toHaveLength(300_001);
  });

  test('a program that does not exist is an error that names it', async () => {
    const result = await kubectlResult(['-n', ns.name, 'exec', 'shell-1', '--', 'no-such-program']);
    expect(result.exitCode).not.toBe(0);
    expect(result.stderr).toContain('no-such-program');
  });

  test('a container that does not exist is an error that names it', async () => {
    const result = await kubectlResult(['-n', ns.name, 'exec', 'shell-1', '-c', 'other', '--', 'true']);
    expect(result.exitCode).not.toBe(0);
    expect(result.stderr).toContain('other');
  });

  test('many at once', async () => {
    const results = await Promise.all(
      Array.from({ length: 8 }, (_, i) =>
        kubectlResult(['-n', ns.name, 'exec', i % 2 === 0 ? 'shell-1' : 'shell-2', '--', 'echo', String(i)]),
      ),
    );
    expect(results.map(({ stdout }) => stdout)).toEqual(results.map((_, i) => `${i}\n`));
  });
});

describe('logs', () => {
  test('tells both streams in order, --tail and --since-time cut', async () => {
    await ns.apply(scriptPod('talker', 'for i in 1 2 3 4 5; do echo line $i; done; sleep 1; echo error >&2'));
    // The pause: a runtime reads the two streams side by side and promises no order between them.
    await ns.ended('talker', 'Succeeded');
    expect(await ns.kubectl('logs', 'talker')).toBe('line 1\nline 2\nline 3\nline 4\nline 5\nerror\n');
    expect(await ns.kubectl('logs', 'talker', '--tail=2')).toBe('line 5\nerror\n');
    expect(await ns.kubectl('logs', 'talker', '--since-time=2199-01-01T00:00:00Z')).toBe('');
    const stamped = await ns.kubectl('logs', 'talker', '--timestamps', '--tail=1');
    expect(stamped).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z error\n$/);
  });

  test('-f follows what is written and ends with the container', async () => {
    await ns.apply(
      scriptPod('follower', 'echo one; while [ ! -e /go ]; do sleep 0.1; done; echo two; exit 0'),
    );
    await ns.ready('follower');
    await using logs = startKubectl(['-n', ns.name, 'logs', '-f', 'follower']);
    await printed(logs, 'one\n');
    await ns.kubectl('exec', 'follower', '--', 'touch', '/go');
    await printed(logs, 'one\ntwo\n');
    expect(await logs.exitedWithin(15_000)).toBe(0);
  });

  test('--previous tells the container before the restart', async () => {
    await ns.apply(
      scriptPod(
        'again',
        'if [ -e /data/x ]; then echo second; exec sleep 600; fi; touch /data/x; echo first; exit 1',
        {
          spec: { restartPolicy: 'OnFailure', volumes: [{ name: 'data', emptyDir: {} }] },
          container: { volumeMounts: [{ name: 'data', mountPath: '/data' }] },
        },
      ),
    );
    await eventually('it was restarted', async () => {
      const status = (await ns.pod('again')).status?.containerStatuses?.[0];
      expect(status).toMatchObject({ restartCount: 1, ready: true });
    });
    expect(await ns.kubectl('logs', 'again', '--previous')).toBe('first\n');
    expect(await ns.kubectl('logs', 'again')).toBe('second\n');
  });
});

test('attach sees output from now on and carries stdin', async () => {
  await ns.apply(
    scriptPod('echoing', 'while read line; do echo "got $line"; [ "$line" = end ] && exit 0; done', {
      container: { stdin: true },
    }),
  );
  await ns.ready('echoing');
  await using attached = startKubectl(['-n', ns.name, 'attach', '-i', 'echoing']);
  attached.write('hello\n');
  await printed(attached, 'got hello\n');
  attached.write('end\n');
  await printed(attached, 'got end\n');
  expect(await attached.exitedWithin(15_000)).toBe(0);
  await ns.ended('echoing', 'Succeeded');
});

describe('port-forward', () => {
  function fetchText(port: number, path: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const request = get({ host: '127.0.0.1', port, path, agent: false, timeout: 10_000 }, (response) => {
        text(response).then(resolve, reject);
      });
      request.on('timeout', () => request.destroy(new Error('timed out')));
      request.on('error', reject);
    });
  }

  test('carries many connections at once, and says so when nobody listens', async () => {
    await using forward = startKubectl(['-n', ns.name, 'port-forward', 'web', ':8080', ':9']);
    await printed(forward, /127\.0\.0\.1:\d+ -> 9\b/);
    const port = Number(/127\.0\.0\.1:(\d+) -> 8080/.exec(forward.stdout)?.[1]);
    const answers = await Promise.all(Array.from({ length: 10 }, () => fetchText(port, '/hostname')));
    expect(new Set(answers)).toEqual(new Set(['web']));
    const nobody = Number(/127\.0\.0\.1:(\d+) -> 9\b/.exec(forward.stdout)?.[1]);
    await expect(fetchText(nobody, '/')).rejects.toThrow();
    await eventually('the failure is told', async () => {
      expect(forward.stderr).toMatch(/refused/);
    });
  });
});

test('cp brings a file there and back unchanged', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'e2e-cp-'));
  try {
    const bytes = randomBytes(1_000_000);
    await writeFile(join(dir, 'there'), bytes);
    await ns.kubectl('cp', join(dir, 'there'), 'shell-2:/tmp/file');
    await ns.kubectl('cp', 'shell-2:/tmp/file', join(dir, 'back'));
    expect((await readFile(join(dir, 'back'))).equals(bytes)).toBe(true);
  } finally {
    await rm(dir, { recursive: true });
  }
});

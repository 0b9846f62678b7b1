import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { missingPrograms, requiredVersion, STOCK_NAMES, stockCatalogue } from './stock_catalogue.ts';
import { downloadProgram, fetchVerified, parseChecksum } from './stock_download.ts';
import { cannotObtain, goVersionProblem, obtainStock, saysVersion } from './stock_programs.ts';
import { createProgress } from './progress.ts';

const GO_MOD = `module x

go 1.26.0

require k8s.io/kubernetes v1.36.3

require (
\tgithub.com/coredns/caddy v1.1.4 // indirect
\tgithub.com/coredns/coredns v1.14.6
)
`;

test.each([
  ['k8s.io/kubernetes', 'v1.36.3'],
  ['github.com/coredns/coredns', 'v1.14.6'],
])('go.mod pins %s at %s', (module, version) => {
  expect(requiredVersion(GO_MOD, module)).toBe(version);
});

test('a module that is not required is an error', () => {
  expect(() => requiredVersion(GO_MOD, 'k8sXio/kubernetes')).toThrow('does not require k8sXio/kubernetes');
});

test.each([
  ['Kubernetes v1.36.3\n', true],
  ['Client Version: v1.36.3\nKustomize Version: v5.7.1\n', true],
  ['Kubernetes v1.36.30\n', false],
  ['etcd Version: 1.36.3\nGit SHA: Not provided\n', true],
  ['Kubernetes v1.35.3\n', false],
  ['', false],
])('%p says v1.36.3: %p', (output, want) => {
  expect(saysVersion(output, 'v1.36.3')).toBe(want);
});

test.each([
  ['go1.26.8', undefined],
  ['go1.21.0', undefined],
  ['go2.0', undefined],
  ['go1.19.8', 'Go 1.19.8 is too old (want 1.21 or newer)'],
  ['', 'Go of unknown version is too old (want 1.21 or newer)'],
])('%p: %p', (version, want) => {
  expect(goVersionProblem(version)).toBe(want);
});

const DIGEST = 'a'.repeat(64);
const OTHER = 'b'.repeat(64);
test.each([
  [DIGEST, DIGEST],
  [`${DIGEST.toUpperCase()}  kubectl\n`, DIGEST],
  [`${OTHER}  kubelet\n${DIGEST}  kubectl\n`, DIGEST],
  [`${OTHER}  kubelet\n${DIGEST}  kubectl.old\n`, undefined],
  ['<html>not found</html>', undefined],
  [DIGEST.slice(1), undefined],
])('checksum file %p', (text, want) => {
  expect(parseChecksum(text, 'kubectl')).toBe(want);
});

test('every stock program has its module pinned and a place of its own', () => {
  const catalogue = stockCatalogue(path.resolve(), '/cache');
  const files = STOCK_NAMES.map((name) => catalogue.file(name));
  expect(new Set(files).size).toBe(files.length);
  expect(catalogue.file('etcd')).toBe(`/cache/stock/etcd-${catalogue.version('etcd')}/etcd`);
  expect(() => catalogue.file('nothing')).toThrow('no stock program nothing, want one of kube-apiserver, ');
});

test('what cannot be had is one sentence with both ways out', () => {
  const text = cannotObtain(['kubectl'], 'there is no Go on PATH');
  expect(text).toMatch(/^[^\n]*install Go[^\n]*--download[^\n]*\.$/);
});

describe('fetching', () => {
  const body = Buffer.from('#!/bin/sh\necho kubectl\n');
  const sum = createHash('sha256').update(body).digest('hex');
  const answers = new Map<string, { status: number; body: string | Buffer; cut?: boolean }>();
  let server: Server;
  let site: string;
  let dir: string;

  beforeAll(async () => {
    server = createServer((request, response) => {
      const answer = answers.get(request.url ?? '') ?? { status: 404, body: 'not here' };
      response.writeHead(answer.status, answer.cut === true ? { 'content-length': 1000 } : {});
      if (answer.cut === true) response.write(answer.body, () => response.destroy());
      else response.end(answer.body);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    site = `http://127.0.0.1:${isInet(address) ? address.port : 0}`;
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));
  beforeEach(() => {
    answers.clear();
    dir = mkdtempSync(path.join(os.tmpdir(), 'tsk-fetch-'));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));
  const isInet = (address: AddressInfo | string | null): address is AddressInfo =>
    typeof address === 'object' && address !== null;

  test('a file with the right checksum', async () => {
    answers.set('/kubectl', { status: 200, body });
    answers.set('/kubectl.sha256', { status: 200, body: sum });
    await fetchVerified(`${site}/kubectl`, path.join(dir, 'kubectl'));
    expect(readFileSync(path.join(dir, 'kubectl'))).toEqual(body);
  });

  test.each([
    [
      'another checksum',
      { status: 200, body },
      { status: 200, body: DIGEST },
      'the checksum of what came is',
    ],
    ['no checksum', { status: 200, body }, { status: 404, body: '' }, '/kubectl.sha256 answers 404'],
    [
      'a page instead of a checksum',
      { status: 200, body },
      { status: 200, body: '<html>' },
      'holds no SHA-256',
    ],
    ['no file', { status: 500, body: 'x' }, { status: 200, body: sum }, '/kubectl answers 500'],
    ['a connection cut in the middle', { status: 200, body, cut: true }, { status: 200, body: sum }, ''],
  ])('%s leaves nothing behind', async (_, file, checksum, message) => {
    answers.set('/kubectl', file);
    answers.set('/kubectl.sha256', checksum);
    await expect(fetchVerified(`${site}/kubectl`, path.join(dir, 'kubectl'))).rejects.toThrow(message);
    expect(existsSync(path.join(dir, 'kubectl'))).toBe(false);
  });

  test('nobody there', async () => {
    await expect(fetchVerified('http://127.0.0.1:1/kubectl', path.join(dir, 'kubectl'))).rejects.toThrow(
      /cannot be fetched .*: check the connection/,
    );
  });

  test.each([
    ['coredns', 'coredns_1.14.6_linux', 'tgz', 'coredns', (name: string) => `${name}.sha256`],
    ['etcd', 'etcd-v1.14.6-linux', 'tar.gz', 'etcd-v1.14.6-linux/etcd', () => 'SHA256SUMS'],
  ])('%s comes out of its archive', async (name, folder, ending, member, sumsOf) => {
    const machine = process.arch === 'x64' ? 'amd64' : process.arch;
    const archive = `${folder}${ending === 'tgz' ? '_' : '-'}${machine}.${ending}`;
    const content = member.replace('-linux/', `-linux-${machine}/`);
    mkdirSync(path.join(dir, path.dirname(content)), { recursive: true });
    writeFileSync(path.join(dir, content), body);
    execFileSync('tar', ['-czf', 'archive', content], { cwd: dir });
    const packed = readFileSync(path.join(dir, 'archive'));
    const digest = createHash('sha256').update(packed).digest('hex');
    answers.set(`/v1.14.6/${archive}`, { status: 200, body: packed });
    answers.set(`/v1.14.6/${sumsOf(archive)}`, {
      status: 200,
      body: `${DIGEST}  other\n${digest}  ${archive}\n`,
    });
    const sites = { kubernetes: site, coredns: site, etcd: site };
    await downloadProgram(name, 'v1.14.6', path.join(dir, 'program'), { sites });
    expect(readFileSync(path.join(dir, 'program'))).toEqual(body);
    expect(existsSync(path.join(dir, 'program.tgz'))).toBe(false);
  });

  test('hack/up --download puts an executable into the cache, once', async () => {
    const [repo, cache, empty] = ['repo', 'cache', 'empty'].map((name) => path.join(dir, name));
    if (repo === undefined || cache === undefined || empty === undefined) throw new Error('unreachable');
    for (const module of ['kubernetes', 'coredns']) {
      mkdirSync(path.join(repo, 'hack/stock', module), { recursive: true });
      writeFileSync(path.join(repo, 'hack/stock', module, 'go.mod'), GO_MOD);
    }
    const machine = process.arch === 'x64' ? 'amd64' : process.arch;
    const url = `/v1.36.3/bin/linux/${machine}/kubectl`;
    answers.set(url, { status: 200, body });
    answers.set(`${url}.sha256`, { status: 200, body: sum });
    const searchPath = process.env['PATH'];
    const options = {
      repo,
      cache,
      download: true,
      progress: createProgress(() => undefined),
      sites: { kubernetes: site, coredns: site, etcd: site },
    };
    // A machine without Go and kubectl, but with flock and uname's like.
    process.env['PATH'] = onlyFlock(dir);
    try {
      const catalogue = await obtainStock(['kubectl'], options);
      expect(missingPrograms(catalogue, ['kubectl', 'kubelet'])).toEqual(['kubelet']);
      expect(statSync(catalogue.file('kubectl')).mode & 0o777).toBe(0o755);
      answers.clear();
      await expect(obtainStock(['kubectl'], options)).resolves.toBeDefined();
      await expect(obtainStock(['kubelet'], { ...options, download: false })).rejects.toThrow(
        'there is no Go on PATH',
      );
    } finally {
      process.env['PATH'] = searchPath;
    }
  });

  function onlyFlock(below: string): string {
    const bin = path.join(below, 'bin');
    mkdirSync(bin);
    writeFileSync(path.join(bin, 'flock'), '#!/bin/sh\nexec /usr/bin/flock "$@"\n', { mode: 0o755 });
    return bin;
  }
});

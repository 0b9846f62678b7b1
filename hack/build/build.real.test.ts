/** Builds a daemon for real and runs it, in place and moved elsewhere. */
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

jest.setTimeout(60_000);

const root = join(__dirname, '..', '..');
let dir: string;
let program: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'tsk-build-'));
  execFileSync(process.execPath, [join(root, 'hack/build/build.ts'), `--outdir=${dir}`, 'ts-scheduler'], {
    stdio: 'pipe',
  });
  program = join(dir, 'ts-scheduler');
});
afterAll(() => rmSync(dir, { recursive: true }));

function run(file: string, args: string[], env: Record<string, string> = {}) {
  const { status, stdout, stderr } = spawnSync(file, args, {
    encoding: 'utf8',
    env: { PATH: '/usr/bin:/bin', TSK_NODE: process.execPath, ...env },
    timeout: 30_000,
  });
  return { status, stdout, stderr };
}

test('the version is that of the stock release', () => {
  expect(run(program, ['--version'])).toEqual({ status: 0, stdout: 'Kubernetes v1.36.3\n', stderr: '' });
});

test('all of the build information', () => {
  const { stdout } = run(program, ['--version=raw']);
  expect(stdout).toMatch(
    /^version\.Info\{Major:"1", Minor:"36", GitVersion:"v1\.36\.3", GitCommit:"[0-9a-f]{40}", /,
  );
});

test('the executable and its native module may be moved together', () => {
  const elsewhere = join(dir, 'elsewhere');
  mkdirSync(elsewhere);
  const native = `koffi-${process.platform}-${process.arch}.node`;
  for (const name of ['ts-scheduler', native]) copyFileSync(join(dir, name), join(elsewhere, name));
  expect(run(join(elsewhere, 'ts-scheduler'), ['--version']).stdout).toBe('Kubernetes v1.36.3\n');
});

test('a wrong flag ends with 1 and one sentence', () => {
  expect(run(program, ['--secure-prt=1'])).toMatchObject({ status: 1, stdout: '' });
  expect(run(program, ['--logging-format=xml'])).toEqual({
    status: 1,
    stdout: '',
    stderr:
      'Error: invalid argument "xml" for "--logging-format" flag: must be one of "text", "json"\n' +
      'See "ts-scheduler --help" for all flags.\n',
  });
  expect(run(program, ['up', 'down']).stderr).toMatch(
    /^Error: "ts-scheduler" does not take any arguments, got \["up" "down"\]\n/,
  );
});

test('help names every section', () => {
  const { status, stdout } = run(program, ['--help']);
  expect(status).toBe(0);
  expect(stdout).toMatch(/Usage:\n {2}ts-scheduler \[flags\]\n[^]*Logs flags:/);
});

test('what went into the bundle is written down for the SBOM', () => {
  expect(existsSync(`${program}.meta.json`)).toBe(true);
  expect(readFileSync(`${program}.meta.json`, 'utf8')).toContain('"lib/component/daemon_main.ts"');
});

test('an unknown daemon is refused', () => {
  const { status, stderr } = run(process.execPath, [join(root, 'hack/build/build.ts'), 'ts-kublet']);
  expect([status, stderr]).toEqual([
    1,
    'build: unknown daemon "ts-kublet", want some of ts-kubelet, ts-kube-proxy, ts-scheduler\n',
  ]);
});

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runStage } from './run_stage.ts';
import type { Command } from './stages.ts';

let repo: string;
let printed: string[];
beforeEach(() => {
  repo = mkdtempSync(join(tmpdir(), 'stage-'));
  printed = [];
  script('ok', 'exit 0');
  script('bad', 'exit 3');
  script('note', 'echo "$1" >> log');
  // Stands for jest: writes the report where --outputFile says.
  script(
    'jest',
    'for a; do case $a in --outputFile=*) echo "$REPORT" > "${a#*=}";; esac; done; exit "$CODE"',
  );
});
afterEach(() => rmSync(repo, { recursive: true }));

function script(name: string, text: string): void {
  writeFileSync(join(repo, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
}

function run(
  stage: Parameters<typeof runStage>[0],
  signal = new AbortController().signal,
): ReturnType<typeof runStage> {
  return runStage(stage, { repo, write: (text) => printed.push(text.toString()), signal });
}

const command = (...argv: [string, ...string[]]): Command => ({ argv, timeoutMs: 10_000 });
const jestCommand = (report: string, code: string): Command => ({
  ...command('jest'),
  jest: true,
  env: { REPORT: report, CODE: code },
});
const report = (passed: number, failed: number): string =>
  JSON.stringify({
    testResults: [
      {
        name: '/x.test.ts',
        status: failed > 0 ? 'failed' : 'passed',
        assertionResults: [
          ...Array.from({ length: passed }, (_, i) => ({ fullName: `good ${i}`, status: 'passed' })),
          ...Array.from({ length: failed }, (_, i) => ({ fullName: `bad ${i}`, status: 'failed' })),
        ],
      },
    ],
  });

test('each command counts once; the first failure ends the stage', async () => {
  const commands = [command('ok'), command('bad'), command('ok')];
  expect(await run({ name: 'x', commands })).toEqual({ passed: 1, failed: 1, flaky: [] });
  expect(await run({ name: 'x', commands, independent: true })).toEqual({ passed: 2, failed: 1, flaky: [] });
});

test('clean-up runs after a failure, and after an abort', async () => {
  const stage = { name: 'x', commands: [command('bad')], cleanUp: [command('note', 'cleaned')] };
  expect(await run(stage)).toEqual({ passed: 1, failed: 1, flaky: [] });
  expect(await run(stage, AbortSignal.abort())).toEqual({ passed: 1, failed: 0, flaky: [] });
  expect(readFileSync(join(repo, 'log'), 'utf8')).toBe('cleaned\ncleaned\n');
});

test.each([
  ['its counts', jestCommand(report(5, 0), '0'), { passed: 5, failed: 0, flaky: [] }],
  ['its failures', jestCommand(report(5, 2), '1'), { passed: 5, failed: 2, flaky: [] }],
  ['a failure outside of tests', jestCommand(report(5, 0), '1'), { passed: 5, failed: 1, flaky: [] }],
  ['no report', jestCommand('', '0'), { passed: 0, failed: 1, flaky: [] }],
])('jest: %s', async (_, one, expected) => {
  expect(await run({ name: 'x', commands: [one] })).toEqual(expected);
});

test('a jest file that failed is run again; what passes then is flaky', async () => {
  script(
    'jest',
    'echo "$@" >> calls; for a; do case $a in --outputFile=*) f=${a#*=};; esac; done; ' +
      'if [ -e once ]; then echo "$GOOD" > "$f"; else touch once; echo "$REPORT" > "$f"; exit 1; fi',
  );
  const one: Command = {
    ...command('jest', '--config=c', 'pattern'),
    jest: true,
    env: { REPORT: report(5, 1), GOOD: report(6, 0) },
  };
  expect(await run({ name: 'x', commands: [one] })).toEqual({ passed: 6, failed: 0, flaky: ['bad 0'] });
  expect(readFileSync(join(repo, 'calls'), 'utf8')).toMatch(/--config=c --runTestsByPath \/x\.test\.ts\n$/);
  expect(printed.join('')).toContain('flaky: failed, then passed: bad 0');
});

test('a command that does not print what it must has failed', async () => {
  script('say', 'echo one two');
  expect(await run({ name: 'x', commands: [{ ...command('say'), mustPrint: 'one two' }] })).toEqual({
    passed: 1,
    failed: 0,
    flaky: [],
  });
  expect(await run({ name: 'x', commands: [{ ...command('say'), mustPrint: 'three' }] })).toEqual({
    passed: 0,
    failed: 1,
    flaky: [],
  });
});

test('a command that does not end in time is ended, with its children', async () => {
  script('hang', 'sleep 600 & echo $! > child; wait');
  expect(await run({ name: 'x', commands: [{ ...command('hang'), timeoutMs: 300 }] })).toEqual({
    passed: 0,
    failed: 1,
    flaky: [],
  });
  const child = Number(readFileSync(join(repo, 'child'), 'utf8'));
  // A zombie until its new parent has reaped it; running it is not.
  const state = ((): string => {
    try {
      return /^State:\s+(\w)/m.exec(readFileSync(`/proc/${child}/status`, 'utf8'))?.[1] ?? '';
    } catch {
      return 'gone';
    }
  })();
  expect(['gone', 'Z']).toContain(state);
});

test('a command that cannot be started has failed, and says so', async () => {
  expect(await run({ name: 'x', commands: [command('none')] })).toEqual({ passed: 0, failed: 1, flaky: [] });
  expect(printed.join('')).toContain('cannot start');
});

import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nullLog } from '../../base/log.ts';
import { MESSAGE_PATH_ANNOTATION, MESSAGE_POLICY_ANNOTATION } from '../runtime/runtime_names.ts';
import { TerminationMessages } from './termination_message.ts';
import { runtimeContainer } from '../testing/runtime_pod.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'tsk-termination-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

interface Ended {
  readonly file?: string;
  readonly log?: string;
  readonly policy?: string;
  readonly exitCode?: number;
  readonly message?: string;
}

function messageOf({ file, log, policy = 'File', exitCode = 1, message = '' }: Ended): string {
  if (file !== undefined) writeFileSync(join(dir, 'message'), file);
  if (log !== undefined) writeFileSync(join(dir, '0.log'), log);
  const container = runtimeContainer('c', {
    state: 'exited',
    exitCode,
    message,
    logPath: join(dir, '0.log'),
    annotations: { [MESSAGE_PATH_ANNOTATION]: '/dev/termination-log', [MESSAGE_POLICY_ANNOTATION]: policy },
    mounts: [
      {
        containerPath: '/dev/termination-log',
        hostPath: join(dir, 'message'),
        readonly: false,
        recursiveReadOnly: false,
      },
    ],
  });
  return new TerminationMessages(nullLog).of(container);
}

const fallback = 'FallbackToLogsOnError';
const log = 't stdout F one\nt stderr P tw\nt stderr F o\n';

test.each<[string, Ended, string]>([
  ['from the file', { file: 'done' }, 'done'],
  ['nothing written', { file: '' }, ''],
  ['no file at all', {}, ''],
  ['the first 4 KiB', { file: 'x'.repeat(5000) }, 'x'.repeat(4096)],
  ['the file before the log', { file: 'done', log, policy: fallback }, 'done'],
  ['the log when it failed', { file: '', log, policy: fallback }, 'one\ntwo\n'],
  ['not when it succeeded', { file: '', log, policy: fallback, exitCode: 0 }, ''],
  ['not with policy File', { file: '', log }, ''],
  ['the last 80 lines', { log: 't stdout F l\n'.repeat(100), policy: fallback }, 'l\n'.repeat(80)],
  ['the last 2 KiB', { log: `t stdout F ${'y'.repeat(3000)}\n`, policy: fallback }, `${'y'.repeat(2047)}\n`],
  ["the runtime's own word first", { file: 'done', message: 'OCI' }, 'OCI: done'],
])('K6: %s', (_, ended, want) => expect(messageOf(ended)).toBe(want));

test('K6: a link that the container put there is not followed', () => {
  writeFileSync(join(dir, 'secret'), 'secret');
  symlinkSync(join(dir, 'secret'), join(dir, 'message'));
  expect(messageOf({})).toBe('');
});

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RecordingLog } from '../../base/log.ts';
import { settleKernel } from './kernel_settings.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tsk-kernel-'));
  mkdirSync(join(root, 'vm'));
  mkdirSync(join(root, 'kernel'));
  writeFileSync(join(root, 'vm/overcommit_memory'), '0\n');
  writeFileSync(join(root, 'kernel/panic'), '10\n');
});
afterEach(() => rmSync(root, { recursive: true }));

test('what differs is set; what this kernel has not is left', async () => {
  await settleKernel({ protectKernelDefaults: false }, new RecordingLog(), root);
  expect(readFileSync(join(root, 'vm/overcommit_memory'), 'utf8')).toBe('1');
  expect(readFileSync(join(root, 'kernel/panic'), 'utf8')).toBe('10\n');
});

test('protected settings are not touched: the kubelet does not start', async () => {
  const log = new RecordingLog();
  await expect(settleKernel({ protectKernelDefaults: true }, log, root)).rejects.toThrow(
    'invalid kernel flag: vm/overcommit_memory, expected value: 1, actual value: 0',
  );
  expect(readFileSync(join(root, 'vm/overcommit_memory'), 'utf8')).toBe('0\n');
});

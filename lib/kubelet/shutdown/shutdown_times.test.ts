import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RecordingLog } from '../../base/log.ts';
import { Metrics } from '../../component/metrics.ts';
import { ShutdownTimes } from './shutdown_times.ts';

let path: string;
beforeEach(async () => {
  path = join(await mkdtemp(join(tmpdir(), 'tsk-shutdown-')), 'graceful_node_shutdown_state');
});
afterEach(() => rm(join(path, '..'), { recursive: true }));

const START = Date.parse('2026-01-01T00:00:00Z');

async function started() {
  const log = new RecordingLog();
  const metrics = new Metrics();
  const times = new ShutdownTimes(path, metrics, log);
  await times.load();
  const shown = async (): Promise<number[]> =>
    [...(await metrics.registry.metrics()).matchAll(/^kubelet_graceful_shutdown_\w+ (\S+)$/gm)].map(
      ([, value]) => Number(value),
    );
  return { log, shown, times };
}

test('K23: when the machine is up again it is known when pods were ended for its shutdown', async () => {
  const before = await started();
  expect(await before.shown()).toEqual([0, 0]);
  await before.times.note('start', START);
  await before.times.note('end', START + 5000);
  const after = await started();
  expect(await after.shown()).toEqual([START / 1000, START / 1000 + 5]);
  expect(JSON.parse(await readFile(path, 'utf8'))).toEqual({
    startTime: '2026-01-01T00:00:00.000Z',
    endTime: '2026-01-01T00:00:05.000Z',
  });
  // One that begins has not ended.
  await after.times.note('start', START + 60_000);
  expect(await after.shown()).toEqual([START / 1000 + 60, 0]);
});

test.each([
  [
    'of stock',
    '{"startTime":"2026-01-01T00:00:00.5Z","endTime":"0001-01-01T00:00:00Z"}',
    [START / 1000 + 0.5, 0],
    0,
  ],
  ['cut short', '{"startTime":"2026', [0, 0], 1],
  ['of something else', '[]', [0, 0], 0],
])('K23, K31: a file %s', async (_, text, want, errors) => {
  await writeFile(path, text);
  const { log, shown } = await started();
  expect(await shown()).toEqual(want);
  expect(log.messages).toHaveLength(errors);
  expect([existsSync(path), existsSync(`${path}.corrupt`)]).toEqual([errors === 0, errors > 0]);
});

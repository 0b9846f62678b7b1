import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Hierarchy } from '../../cgroups/hierarchy.ts';
import { cgroupStats } from './cgroup_stats.ts';

const TIME = '2026-01-01T00:00:00.000Z';
let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'tsk-cgroup-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function hierarchy(version: 1 | 2, files: Record<string, string>): Hierarchy {
  const mounts = new Map(
    ['cpu', 'cpuacct', 'memory'].map((c) => [c, version === 2 ? dir : join(dir, c)] as const),
  );
  for (const root of mounts.values()) mkdirSync(join(root, 'kubepods'), { recursive: true });
  for (const [name, text] of Object.entries(files)) {
    const controller = name.startsWith('memory') ? 'memory' : 'cpuacct';
    writeFileSync(join(mounts.get(controller) ?? '', 'kubepods', name), text);
  }
  return { version, mounts, roots: [...new Set(mounts.values())] };
}

test.each([
  [
    1 as const,
    {
      'cpuacct.usage': '5000\n',
      'memory.usage_in_bytes': '1000\n',
      'memory.stat':
        'inactive_file 7\ntotal_inactive_file 300\ntotal_rss 400\ntotal_swap 9\ntotal_pgfault 3\n',
    },
  ],
  [
    2 as const,
    {
      'cpu.stat': 'usage_usec 5\nuser_usec 1\n',
      'memory.current': '1000\n',
      'memory.stat': 'anon 400\ninactive_file 300\npgfault 3\n',
      'memory.swap.current': '9\n',
    },
  ],
])(
  'K27: usage of a group, cgroup v%d: page cache that is not in use does not count',
  async (version, files) => {
    expect(await cgroupStats(hierarchy(version, files), 'kubepods', TIME)).toEqual({
      cpu: { time: TIME, usageCoreNanoSeconds: 5000 },
      memory: { time: TIME, usageBytes: 1000, workingSetBytes: 700, rssBytes: 400, pageFaults: 3 },
      swap: { time: TIME, swapUsageBytes: 9 },
    });
  },
);

test('K27: of a group that is not there nothing is known', async () => {
  expect(await cgroupStats(hierarchy(1, {}), 'other', TIME)).toEqual({});
});

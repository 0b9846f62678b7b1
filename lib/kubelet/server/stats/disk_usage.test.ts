import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FakeClock } from '../../../base/fake_clock.ts';
import { DiskUsage, folderUsage } from './disk_usage.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'tsk-usage-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

describe('K27: a folder', () => {
  test('counts files and folders below it, hard links once, and follows no symlink', async () => {
    const empty = await folderUsage(dir);
    expect(empty.inodesUsed).toBe(1);
    mkdirSync(join(dir, 'a'));
    writeFileSync(join(dir, 'a', 'file'), Buffer.alloc(100_000, 1));
    linkSync(join(dir, 'a', 'file'), join(dir, 'again'));
    symlinkSync('/', join(dir, 'out'));
    const full = await folderUsage(dir);
    expect(full.inodesUsed).toBe(4);
    expect(full.usedBytes - empty.usedBytes).toBeGreaterThanOrEqual(100_000);
    expect(full.usedBytes - empty.usedBytes).toBeLessThan(200_000);
  });

  test('that is not there rejects', async () => {
    await expect(folderUsage(join(dir, 'none'))).rejects.toThrow('ENOENT');
  });
});

describe('K27: remembered usage', () => {
  function scene() {
    const clock = new FakeClock();
    const walks: string[] = [];
    const usage = new DiskUsage({
      clock,
      maxAgeMs: 60_000,
      walk: (path) => {
        walks.push(path);
        return path === 'gone'
          ? Promise.reject(new Error('ENOENT'))
          : Promise.resolve({ usedBytes: walks.length, inodesUsed: 1 });
      },
    });
    return { clock, walks, usage };
  }

  test('is walked once for many askers, and anew in the background when old', async () => {
    const { clock, walks, usage } = scene();
    const answers = await Promise.all([usage.of('a'), usage.of('a')]);
    expect(answers.map((a) => a?.usedBytes)).toEqual([1, 1]);
    await clock.advance(59_999);
    expect((await usage.of('a'))?.usedBytes).toBe(1);
    await clock.advance(1);
    expect((await usage.of('a'))?.usedBytes).toBe(1); // the old figure, at once
    await usage.of('b');
    expect((await usage.of('a'))?.usedBytes).toBe(2);
    expect(walks).toEqual(['a', 'a', 'b']);
  });

  test('of a folder that is not there is unknown, and is not walked again at once', async () => {
    const { walks, usage } = scene();
    expect(await usage.of('gone')).toBeUndefined();
    expect(await usage.of('gone')).toBeUndefined();
    expect(walks).toEqual(['gone']);
  });

  test('is forgotten when nobody asks', async () => {
    const { walks, usage } = scene();
    await usage.of('a');
    usage.forgetUnseen();
    usage.forgetUnseen();
    await usage.of('a');
    expect(walks).toEqual(['a', 'a']);
  });
});

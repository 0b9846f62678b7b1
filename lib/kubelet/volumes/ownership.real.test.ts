import { chownSync, lstatSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setDirectoryGroup, setVolumeOwnership } from './ownership.ts';

const GROUP = 4242;
let root: string;
beforeEach(() => {
  root = join(mkdtempSync(join(tmpdir(), 'tsk-ownership-')), 'volume');
  mkdirSync(join(root, 'sub'), { recursive: true, mode: 0o700 });
  writeFileSync(join(root, 'sub/file'), '', { mode: 0o600 });
  writeFileSync(join(root, 'program'), '', { mode: 0o4755 });
  symlinkSync('/etc/hostname', join(root, 'link'));
});
afterEach(() => rmSync(join(root, '..'), { recursive: true }));

/** Group and mode, octal. */
function seen(...names: readonly string[]): string[] {
  return names.map((name) => {
    const { gid, mode } = lstatSync(join(root, name));
    return `${gid} ${(mode & 0o7777).toString(8)}`;
  });
}

test.each([
  ['writable', false, ['4242 2770', '4242 2770', '4242 660', '4242 4775']],
  ['read-only', true, ['4242 2750', '4242 2750', '4242 640', '4242 4755']],
])('K8, K15: fsGroup owns all of a %s volume, directories pass the group on', async (_, readOnly, want) => {
  const outside = lstatSync('/etc/hostname').gid;
  await setVolumeOwnership(root, GROUP, { readOnly });
  expect(seen('', 'sub', 'sub/file', 'program')).toEqual(want);
  // The link itself, not what it leads to.
  expect([lstatSync(join(root, 'link')).gid, lstatSync('/etc/hostname').gid]).toEqual([GROUP, outside]);
});

test('K8, K15: OnRootMismatch: a root that is right stands for all below, another has all of it done', async () => {
  const options = { readOnly: false, policy: 'OnRootMismatch' } as const;
  await setVolumeOwnership(root, GROUP, options);
  chownSync(join(root, 'sub/file'), 0, 0);
  await setVolumeOwnership(root, GROUP, options);
  expect(seen('sub/file')).toEqual(['0 660']);
  await setVolumeOwnership(root, GROUP, { ...options, policy: 'Always' });
  expect(seen('sub/file')).toEqual(['4242 660']);
  chownSync(root, 0, 0);
  chownSync(join(root, 'sub/file'), 0, 0);
  await setVolumeOwnership(root, GROUP, options);
  expect(seen('', 'sub/file')).toEqual(['4242 2770', '4242 660']);
});

test('K15: a volume that is taken down meanwhile is left', async () => {
  const stop = new AbortController();
  stop.abort(new Error('the pod is gone'));
  const work = setVolumeOwnership(root, GROUP, { readOnly: false, signal: stop.signal });
  await expect(work).rejects.toThrow('the pod is gone');
  expect(seen('sub/file')).toEqual(['0 600']);
});

test('K15: a directory itself, without what is in it', async () => {
  await setDirectoryGroup(root, GROUP);
  expect(seen('', 'sub')).toEqual(['4242 2770', '0 700']);
});

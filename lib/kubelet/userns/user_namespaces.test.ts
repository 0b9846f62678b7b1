import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Pod } from '../../api/types.ts';
import { RecordingLog } from '../../base/log.ts';
import { hostIds, UserNamespaces, type UserNamespacesOptions } from './user_namespaces.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tsk-userns-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const pod = (uid: string, hostUsers: boolean | undefined = false): Pod => ({
  metadata: { name: uid, namespace: 'ns', uid },
  spec: { containers: [], ...(hostUsers === undefined ? {} : { hostUsers }) },
});
const load = (more: Partial<UserNamespacesOptions> = {}, log = new RecordingLog()) =>
  UserNamespaces.load({
    dirs: { root },
    idsPerPod: 65_536,
    ids: { hostId: 65_536, length: 65_536 * 3 },
    handlers: () => [
      { name: '', features: { userNamespaces: true } },
      { name: 'plain', features: { userNamespaces: false } },
    ],
    log,
    ...more,
  });

test('K2: each pod has a range of its own, and the same one after a restart', async () => {
  const before = await load();
  expect([
    await before.range(pod('a'), ''),
    await before.range(pod('b'), ''),
    await before.range(pod('a'), ''),
  ]).toEqual([
    { hostId: 65_536, length: 65_536 },
    { hostId: 131_072, length: 65_536 },
    { hostId: 65_536, length: 65_536 },
  ]);
  const mapping = [{ hostId: 131_072, containerId: 0, length: 65_536 }];
  expect(JSON.parse(readFileSync(join(root, 'pods', 'b', 'userns'), 'utf8'))).toEqual({
    uidMappings: mapping,
    gidMappings: mapping,
  });
  rmSync(join(root, 'pods', 'a'), { recursive: true });
  const after = await load();
  expect([after.known('b')?.hostId, (await after.range(pod('c'), ''))?.hostId]).toEqual([131_072, 65_536]);
});

test.each([true, undefined])('none for hostUsers %p', async (hostUsers) => {
  const namespaces = await load();
  const given = { ...pod('a'), spec: { containers: [], ...(hostUsers === undefined ? {} : { hostUsers }) } };
  expect([await namespaces.range(given, 'plain'), namespaces.known('a')]).toEqual([undefined, undefined]);
});

test.each<[string, string, Partial<UserNamespacesOptions>, string]>([
  [
    'the runtime cannot',
    '',
    { handlers: () => [] },
    "can't set `spec.hostUsers: false`, runtime does not support user namespaces",
  ],
  ['its handler cannot', 'plain', {}, 'RuntimeClass handler "plain" does not support user namespaces'],
  ['its handler is not known', 'other', {}, 'RuntimeClass handler "other" does not support user namespaces'],
  [
    'there is no range left',
    '',
    { ids: { hostId: 65_536, length: 65_535 } },
    'no range of user ids is left on the node',
  ],
])('K2: refused: %s', async (_, handler, more, message) => {
  await expect((await load(more)).range(pod('a'), handler)).rejects.toThrow(message);
});

test('K2: ranges are used again when their pods are gone, and not before', async () => {
  const namespaces = await load();
  for (const uid of ['a', 'b', 'c']) await namespaces.range(pod(uid), '');
  await expect(namespaces.range(pod('d'), '')).rejects.toThrow('no range of user ids is left');
  namespaces.release('b');
  expect((await namespaces.range(pod('d'), ''))?.hostId).toBe(131_072);
});

test.each(['', '{}', '{"uidMappings":[]}', '{"uidMappings":[{"hostId":"1","length":2}]}'])(
  'K31: a file that says %j is set aside and reported',
  async (text) => {
    mkdirSync(join(root, 'pods', 'a'), { recursive: true });
    writeFileSync(join(root, 'pods', 'a', 'userns'), text);
    const log = new RecordingLog();
    const namespaces = await load({}, log);
    expect([namespaces.known('a'), log.entries.length]).toEqual([undefined, 1]);
    expect(readdirSync(join(root, 'pods', 'a'))).toEqual(['userns.corrupt']);
    // It is given one when it needs it.
    expect(await namespaces.range(pod('a'), '')).toBeDefined();
  },
);

describe('K2: ids of the host', () => {
  const ids = (subuid: string | undefined, subgid: string | undefined) => {
    const files = { subuid: join(root, 'subuid'), subgid: join(root, 'subgid') };
    if (subuid !== undefined) writeFileSync(files.subuid, subuid);
    if (subgid !== undefined) writeFileSync(files.subgid, subgid);
    return hostIds(65_536, files);
  };
  const ok = 'someone:1:2\nkubelet:131072:131072\n';

  test.each<[string, string | undefined, string | undefined, object]>([
    ['no files', undefined, undefined, { hostId: 65_536, length: 2 ** 32 - 65_536 }],
    ['no user kubelet', 'someone:1:2\n', '', { hostId: 65_536, length: 2 ** 32 - 65_536 }],
    ['its ranges', ok, ok, { hostId: 131_072, length: 131_072 }],
  ])('%s', async (_, subuid, subgid, want) => expect(await ids(subuid, subgid)).toEqual(want));

  test.each<[string, string, string, string]>([
    ['users without groups', ok, '', 'must give the user kubelet the same range of ids'],
    ['two ranges', `${ok}kubelet:1:2\n`, ok, 'gives the user kubelet 2 ranges of ids, want one'],
    [
      'the users of the host',
      'kubelet:0:65536',
      'kubelet:0:65536',
      'want at least 65536 from a multiple of 65536 on',
    ],
    ['too few', 'kubelet:65536:9', 'kubelet:65536:9', 'gives the user kubelet 9 ids from 65536 on'],
  ])('refused: %s', (_, subuid, subgid, message) => expect(ids(subuid, subgid)).rejects.toThrow(message));
});

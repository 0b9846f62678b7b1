import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RecordingLog } from '../../base/log.ts';
import { Keyring } from './keyring.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'tsk-keyring-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const entry = (username: string) => ({ 'r.example': { username, password: 'p' } });

function scene(node: string | undefined) {
  const events: string[] = [];
  const log = new RecordingLog();
  if (node !== undefined) writeFileSync(join(dir, 'config.json'), node);
  const keyring = new Keyring({
    secret: (namespace, name) =>
      name === 'none'
        ? Promise.reject(new Error('not found'))
        : Promise.resolve({
            metadata: { name, namespace, uid: `uid-${name}` },
            data: { '.dockercfg': Buffer.from(JSON.stringify(entry(name))).toString('base64') },
          }),
    plugins: {
      credentials: () =>
        Promise.resolve([{ auth: { username: 'plugin', password: 'p' }, owner: { kind: 'node' } }]),
    },
    nodeConfigs: [join(dir, 'absent.json'), join(dir, 'config.json')],
    events: { pod: (_pod, type, reason, message) => events.push(`${type} ${reason} ${message}`) },
    log,
  });
  const users = async (...secrets: string[]): Promise<string[]> =>
    (
      await keyring.credentials(
        {
          metadata: { name: 'p', namespace: 'ns', uid: 'u' },
          spec: { containers: [], imagePullSecrets: secrets.map((name) => ({ name })) },
        },
        { domain: 'r.example', path: 'app' },
        new AbortController().signal,
      )
    ).map(({ auth, owner }) => `${auth.username} ${owner.kind}`);
  return { users, events, log };
}

test('K14: the secrets of the pod, then plugins, then the docker config of the node', async () => {
  const s = scene(JSON.stringify({ auths: entry('node') }));
  expect(await s.users('a', 'b')).toEqual(['a secret', 'b secret', 'plugin node', 'node node']);
});

test('K14: secrets that are not there are told together', async () => {
  const s = scene(undefined);
  expect(await s.users('none', 'a')).toEqual(['a secret', 'plugin node']);
  expect(s.events).toEqual([
    'Warning FailedToRetrieveImagePullSecret Unable to retrieve some image pull secrets (none); attempting to pull the image may not succeed.',
  ]);
});

test('K14: a docker config that is none is reported, without its text', async () => {
  const s = scene('{"auths": "hidden"');
  expect(await s.users()).toEqual(['plugin node']);
  expect(s.log.entries.length).toBe(1);
  expect(JSON.stringify(s.log.entries)).not.toContain('hidden');
});

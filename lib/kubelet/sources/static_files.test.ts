import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FakeClock } from '../../base/fake_clock.ts';
import { RecordingLog } from '../../base/log.ts';
import { PodManager } from './pod_manager.ts';
import { StaticFiles } from './static_files.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'tsk-static-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const manifest = (name: string, image = 'i'): string =>
  `apiVersion: v1\nkind: Pod\nmetadata: {name: ${name}}\nspec: {containers: [{name: c, image: ${image}}]}\n`;
const put = (file: string, text: string): void => writeFileSync(join(dir, file), text);

function scene(path = dir) {
  const told: string[] = [];
  const nameOf = new Map<string, string>();
  const pods = new PodManager();
  pods.listen({
    pod: (pod) => {
      nameOf.set(pod.metadata.uid ?? '', pod.metadata.name);
      told.push(`set ${pod.metadata.name} ${pod.spec.containers[0]?.image ?? ''}`);
    },
    gone: (uid) => told.push(`gone ${nameOf.get(uid) ?? uid}`),
  });
  const log = new RecordingLog();
  const files = new StaticFiles({
    path,
    intervalMs: 20_000,
    nodeName: 'n',
    pods,
    clock: new FakeClock(),
    log,
  });
  const scan = async (): Promise<string[]> => {
    told.length = 0;
    await files.scan();
    return [...told];
  };
  return { scan, log, pods };
}

test('K1: added, changed, removed', async () => {
  const { scan } = scene();
  put('a.yaml', manifest('a'));
  put(
    'b.json',
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'b' },
      spec: { containers: [{ name: 'c', image: 'i' }] },
    }),
  );
  put('.hidden.yaml', manifest('hidden'));
  expect(await scan()).toEqual(['set a-n i', 'set b-n i']);
  expect(await scan()).toEqual([]);
  put('a.yaml', manifest('a', 'j'));
  // Another spec is another pod: the old one ends, the new one begins.
  expect(await scan()).toEqual(['gone a-n', 'set a-n j']);
  put('a.yaml', `# a comment\n${manifest('a', 'j')}`);
  expect(await scan()).toEqual([]);
  rmSync(join(dir, 'a.yaml'));
  expect(await scan()).toEqual(['gone a-n']);
});

test('K1: a file that breaks keeps its pod, and is complained of once', async () => {
  const { scan, log } = scene();
  put('a.yaml', manifest('a'));
  await scan();
  put('a.yaml', 'kind: [');
  expect(await scan()).toEqual([]);
  expect(await scan()).toEqual([]);
  expect(log.entries.filter(({ err }) => err !== undefined).length).toBe(1);
  put('a.yaml', manifest('a'));
  expect(await scan()).toEqual([]);
});

test('K1: the directory gone: its pods go; one file in place of a directory', async () => {
  const { scan } = scene();
  put('a.yaml', manifest('a'));
  await scan();
  rmSync(dir, { recursive: true });
  expect(await scan()).toEqual(['gone a-n']);
  writeFileSync(dir, manifest('b'));
  expect(await scan()).toEqual(['set b-n i']);
});

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { checkMethods, loadPlugins } from './load_plugins.ts';

const good = { name: 'Own', create: () => ({}) };

describe('S3: what is wrong with a module is named', () => {
  test.each<[string, unknown, string]>([
    ['throws', new Error('no such thing'), 'plugin module m.ts: cannot be loaded: no such thing'],
    [
      'no default export',
      { other: good },
      'want a default export { name, create(args, handle) }, or a list of these; there is no default export',
    ],
    ['no name', { default: { create: good.create } }, 'its name is undefined'],
    ['strange name', { default: { ...good, name: 'my plugin' } }, 'its name is "my plugin"'],
    ['no create', { default: { name: 'Own' } }, 'create of "Own" is undefined'],
    ['weight', { default: { ...good, weight: -1 } }, 'weight of "Own" is -1'],
    [
      'budget',
      { default: { ...good, budget: { podMs: '1s' } } },
      'budget.podMs of "Own" is "1s", want a number above 0',
    ],
    ['whenSuspended', { default: { ...good, whenSuspended: 'wait' } }, 'want "fail" or "skip"'],
    [
      'name of an in-tree plugin',
      { default: { ...good, name: 'NodeName' } },
      '"NodeName" is the name of an in-tree plugin',
    ],
    ['same name twice', { default: [good, good] }, 'a plugin "Own" comes from m.ts already'],
  ])('%s', async (_name, module, message) => {
    const load = (): Promise<unknown> =>
      module instanceof Error ? Promise.reject(module) : Promise.resolve(module);
    await expect(loadPlugins(['m.ts'], load)).rejects.toThrow(message);
  });

  test.each<[string, unknown, string]>([
    ['nothing', undefined, 'plugin "Own": create returned undefined, want an object'],
    [
      'no point',
      { filtre: () => undefined },
      'plugin "Own": create returned no method of an extension point',
    ],
    ['not a method', { filter: 5 }, 'plugin "Own": filter is number, want a method'],
  ])('create returns: %s', (_name, created, message) => {
    expect(() => checkMethods(created, 'Own')).toThrow(message);
  });
});

/** The daemon's own program, run by Node as it is. */
describe('S3: in a process', () => {
  const main = resolve('cmd/ts-scheduler/main.ts');
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'plugins-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const cluster = (): string =>
    file(
      'cluster.yaml',
      'apiVersion: v1\nkind: Node\nmetadata: {name: n1}\nstatus: {capacity: {cpu: 1, pods: 9}}\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c}]}\n',
    );

  test('a TypeScript module anywhere imports the API, and its arguments come from the configuration', () => {
    const plugin = file(
      'own.ts',
      `import type { Pod } from 'ts-kubernetes-node/scheduler-plugin';
import { definePlugin, unschedulable } from 'ts-kubernetes-node/scheduler-plugin';
export default definePlugin({
  name: 'Own',
  create: (args) => ({ filter: (_state, pod: Pod) => unschedulable(\`no \${pod.metadata.name}: \${JSON.stringify(args)}\`) }),
});`,
    );
    const config = file(
      'config.yaml',
      'apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\nprofiles: [{plugins: {filter: {enabled: [{name: Own}]}}, pluginConfig: [{name: Own, args: {a: 1}}]}]\n',
    );
    const out = execFileSync(
      process.execPath,
      [main, 'simulate', `--config=${config}`, `--plugin-module=${plugin}`, cluster()],
      { encoding: 'utf8' },
    );
    expect(out).toContain('0/1 nodes are available: 1 no p: {"a":1}.');
  });

  test('a configuration names a plugin that was not loaded', () => {
    const config = file(
      'config.yaml',
      'apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\nprofiles: [{plugins: {filter: {enabled: [{name: Own}]}}}]\n',
    );
    const { status, stderr } = spawnSync(
      process.execPath,
      [main, 'simulate', `--config=${config}`, cluster()],
      {
        encoding: 'utf8',
      },
    );
    expect(status).toBe(1);
    expect(stderr).toContain('field "profiles[0].plugins.filter.enabled[0].name": no plugin "Own"');
  });

  test('a plugin that never returns ends the process, with its name', () => {
    const script = file(
      'hang.ts',
      `const { watchPlugins } = await import(${JSON.stringify(resolve('lib/scheduler/own_plugins/plugin_watchdog.ts'))});
const watch = watchPlugins(100);
setTimeout(() => { watch.enter('Own', 'Filter'); for (;;); }, 200);`,
    );
    const { signal, stderr } = spawnSync(process.execPath, [script], {
      encoding: 'utf8',
      timeout: 20_000,
      killSignal: 'SIGTERM',
    });
    expect(signal).toBe('SIGKILL');
    expect(stderr).toContain('plugin "Own" at Filter has not returned for');
  });
});

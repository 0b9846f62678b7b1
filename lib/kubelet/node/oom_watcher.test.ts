import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { RecordingLog } from '../../base/log.ts';
import { oomVictim, OomWatcher } from './oom_watcher.ts';

const victim = (task: string, pid: number, scope = 'global_oom'): string =>
  `oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,${scope},task_memcg=/kubepods/x,task=${task},pid=${pid},uid=0`;

describe('K22: victims of the machine running out of memory', () => {
  test.each<[string, string, ReturnType<typeof oomVictim>]>([
    ['of the machine', `4,7,99,-;${victim('stress', 12)}`, { process: 'stress', pid: 12 }],
    ['with a comma in its name', `6,7,99,-;${victim('a,pid=1', 12)}`, { process: 'a,pid=1', pid: 12 }],
    ['of a cgroup: the container tells', `4,7,99,-;${victim('sh', 3, 'oom_memcg=/kubepods/x')}`, undefined],
    ['written by a program', `12,7,99,-;${victim('stress', 12)}`, undefined],
    ['another line', '4,7,99,-;Memory cgroup out of memory: Killed process 1 (sh)', undefined],
    ['a continuation', ' DEVICE=+acpi:1', undefined],
    ['empty', '', undefined],
  ])('%s', (_, line, expected) => {
    expect(oomVictim(line)).toEqual(expected);
  });

  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'oom-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  const watch = (file: string): { watcher: OomWatcher; events: string[]; log: RecordingLog } => {
    const events: string[] = [];
    const log = new RecordingLog();
    const watcher = new OomWatcher({
      events: { node: (type, reason, message) => events.push(`${type} ${reason} ${message}`) },
      log,
      file,
    });
    watcher.open();
    return { watcher, events, log };
  };

  test('only those after the start are told, each once', () => {
    const file = path.join(folder, 'kmsg');
    writeFileSync(file, `4,1,1,-;${victim('before', 1)}\n`);
    const { watcher, events } = watch(file);
    watcher.poll();
    expect(events).toEqual([]);
    appendFileSync(file, `4,2,2,-;${victim('one', 2)}\n SUBSYSTEM=x\n4,3,3,-;${victim('two', 3)}\n`);
    watcher.poll();
    watcher.poll();
    watcher.close();
    expect(events).toEqual([
      'Warning SystemOOM System OOM encountered, victim process: one, pid: 2',
      'Warning SystemOOM System OOM encountered, victim process: two, pid: 3',
    ]);
  });

  test('a log that is not there is named once; nothing else fails', () => {
    const { watcher, events, log } = watch(path.join(folder, 'nothing'));
    watcher.poll();
    watcher.close();
    expect(events).toEqual([]);
    expect(log.messages).toEqual([
      'Cannot read the log of the kernel: no events tell when the machine runs out of memory',
    ]);
  });
});

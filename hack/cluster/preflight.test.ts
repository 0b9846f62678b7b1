import {
  cgroupProblem,
  packageProblem,
  portProblems,
  placeProblem,
  privilegeProblem,
  spaceProblem,
} from './preflight.ts';

const oneSentence = (text: string | undefined): void => expect(text).toMatch(/^[^\n]+: [^\n]+\.$/);

test('who may', () => {
  oneSentence(privilegeProblem(1000));
  oneSentence(privilegeProblem(0, (bit) => bit !== 21));
  expect(privilegeProblem(0, () => true)).toBeUndefined();
});

test('space', () => {
  const need = { dir: '/var/lib/x', what: 'state', bytes: 2 * 1024 ** 3, variable: 'TSK_STATE' };
  expect(spaceProblem(need, () => need.bytes)).toBeUndefined();
  const problem = spaceProblem(need, () => 1024 ** 3);
  oneSentence(problem);
  expect(problem).toContain('1.0 GiB are free for state at /var/lib/x, it needs 2.0 GiB');
});

describe('ports', () => {
  const owner = { pid: 42, name: 'nginx', state: 'S', parent: 1, threads: 1, startTicks: 1 };
  const nobodyOurs = (): boolean => false;
  const at = (address: string, port = 6443): { address: string; port: number; inode: string }[] => [
    { address, port, inode: '1' },
  ];

  test.each(['0.0.0.0', '::', '10.100.0.1'])('a listener at %s is in the way', (address) => {
    const [problem] = portProblems('10.100.0.1', nobodyOurs, at(address), () => owner);
    oneSentence(problem);
    expect(problem).toContain('port 6443 is taken');
    expect(problem).toContain('nginx (pid 42), kube-apiserver needs it');
  });

  test.each([at('127.0.0.1'), at('10.101.0.1'), at('0.0.0.0', 8080), []])(
    '%p is not in the way',
    (...sockets) => {
      expect(portProblems('10.100.0.1', nobodyOurs, sockets.flat(), () => owner)).toEqual([]);
    },
  );

  test('the cluster itself is not in its way', () => {
    expect(
      portProblems(
        '10.100.0.1',
        (pid) => pid === 42,
        at('10.100.0.1'),
        () => owner,
      ),
    ).toEqual([]);
  });

  test('a holder in another namespace is said to be unseen', () => {
    expect(portProblems('10.100.0.1', nobodyOurs, at('::'), () => undefined)[0]).toContain(
      'a process that cannot be seen',
    );
  });
});

test('control groups', () => {
  const good = {
    version: 2 as const,
    mountPoints: ['/sys/fs/cgroup'],
    controllers: ['memory', 'cpu', 'pids'],
  };
  expect(cgroupProblem(good, () => true)).toBeUndefined();
  oneSentence(cgroupProblem(undefined));
  oneSentence(cgroupProblem(good, () => false));
  const problem = cgroupProblem({ ...good, controllers: ['cpu', 'pids'] }, () => true);
  oneSentence(problem);
  expect(problem).toContain('controller memory is missing');
});

test('packages', () => {
  const missing = [
    { program: 'containerd', packages: ['containerd'] },
    { program: 'cni:ptp', packages: ['containernetworking-plugins'] },
  ];
  expect(packageProblem([], false)).toBeUndefined();
  expect(packageProblem(missing, true)).toBeUndefined();
  oneSentence(packageProblem(missing, false));
});

test('places', () => {
  for (const dir of ['/var/lib/x', '/srv', '/running/x'])
    expect(placeProblem(dir, 'the state', 'move it')).toBeUndefined();
  for (const dir of ['/run/x', '/etc/ts-kubernetes', '/var/log'])
    oneSentence(placeProblem(dir, 'the state', 'move it'));
});

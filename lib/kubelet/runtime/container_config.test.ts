import type { Container } from '../../api/types.ts';
import { Signal } from '../../cri/generated/api.ts';
import { resourceOptions } from '../testing/resource_options.ts';
import { containerConfig } from './container_config.ts';

const make = (more: Partial<Container>) => {
  const container: Container = { name: 'c', image: 'img:1', ...more };
  return containerConfig({
    pod: { metadata: { name: 'p', namespace: 'ns', uid: 'u' }, spec: { containers: [container] } },
    container,
    restartCount: 2,
    imageRef: 'sha256:1',
    imageUser: { uid: 0, username: '' },
    env: new Map([['WHO', 'me']]),
    mounts: [],
    volumeImages: new Map(),
    devices: [],
    volumeGroups: [],
    security: { seccompRoot: '/seccomp', seccompDefault: false },
    resources: resourceOptions(),
    targetId: undefined,
    users: undefined,
    expand: (text, env) => text.replace('$(WHO)', env.get('WHO') ?? ''),
  });
};

test.each<[string, Partial<Container>, object]>([
  ['names and count', {}, { metadata: { name: 'c', attempt: 2 }, logPath: 'c/2.log' }],
  [
    'the image by its id, and as the spec names it',
    {},
    { image: { image: 'sha256:1', userSpecifiedImage: 'img:1' } },
  ],
  [
    'command and arguments with variables',
    { command: ['a', '$(WHO)'], args: ['$(WHO)!'] },
    { command: ['a', 'me'], args: ['me!'] },
  ],
  [
    'terminal and standard input',
    { tty: true, stdin: true, stdinOnce: true },
    { tty: true, stdin: true, stdinOnce: true },
  ],
  ['no stop signal: that of the image', {}, { stopSignal: Signal.RUNTIME_DEFAULT }],
  ['a stop signal', { lifecycle: { stopSignal: 'SIGUSR1' } }, { stopSignal: Signal.SIGUSR1 }],
  ['a real-time signal', { lifecycle: { stopSignal: 'SIGRTMIN+3' } }, { stopSignal: Signal.SIGRTMINPLUS3 }],
])('%s', (_, more, want) => expect(make(more)).toMatchObject(want));

test.each(['SIGNOPE', 'RUNTIME_DEFAULT'])('the stop signal %s is refused', (stopSignal) => {
  expect(() => make({ lifecycle: { stopSignal } })).toThrow(
    `stopSignal "${stopSignal}" is no signal that the runtime knows`,
  );
});

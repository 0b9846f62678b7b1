/** Calls of this process in another network namespace. */
import { closeSync, openSync } from 'node:fs';
import koffi from 'koffi';

const CLONE_NEWNET = 0x40000000;

/**
 * Calls `act`, which must not wait for anything, with this thread in the network namespace of that name (`ip netns`).
 * Sockets that it opens stay there.
 */
export function inNamespace<T>(name: string, act: () => T): T {
  const setns = koffi.load(null).func('int setns(int fd, int kind)');
  const enter = (path: string): void => {
    const fd = openSync(path, 'r');
    try {
      if (setns(fd, CLONE_NEWNET) !== 0) throw new Error(`setns ${path}: errno ${koffi.errno()}`);
    } finally {
      closeSync(fd);
    }
  };
  const leave = (): void => {
    if (setns(home, CLONE_NEWNET) !== 0) throw new Error(`setns back: errno ${koffi.errno()}`);
  };
  const home = openSync('/proc/thread-self/ns/net', 'r');
  try {
    enter(`/run/netns/${name}`);
    try {
      return act();
    } finally {
      leave();
    }
  } finally {
    closeSync(home);
  }
}

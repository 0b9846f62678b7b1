import { FakeClock } from '../base/fake_clock.ts';
import { RecordingLog } from '../base/log.ts';
import type { NotifierOptions } from './notify.ts';
import { createNotifier } from './notify.ts';

function notifier(env: Record<string, string | undefined>, fail?: () => boolean) {
  const sent: string[] = [];
  const paths: string[] = [];
  const clock = new FakeClock();
  const log = new RecordingLog();
  const options: NotifierOptions = {
    env,
    log,
    clock,
    pid: 42,
    open: (path) => {
      paths.push(path);
      return {
        send: (datagram) => {
          if (fail?.()) throw new Error('ECONNREFUSED');
          sent.push(Buffer.from(datagram).toString());
        },
        close: () => undefined,
      };
    },
  };
  return { notify: createNotifier(options), sent, paths, clock, log };
}

const SOCKET = { NOTIFY_SOCKET: '/run/systemd/notify' };

test('K30: without a socket nothing is sent', async () => {
  const { notify, sent, clock } = notifier({ WATCHDOG_USEC: '1000000' });
  notify.ready();
  notify.startWatchdog(() => true, new AbortController().signal);
  await clock.advance(10_000);
  expect([notify.enabled, sent]).toEqual([false, []]);
});

test('K30: messages go out in order, and the environment is cleaned', async () => {
  const env = { ...SOCKET, WATCHDOG_USEC: '1', WATCHDOG_PID: '1', OTHER: 'x' };
  const { notify, sent, paths, clock } = notifier(env);
  notify.ready('serving');
  notify.status('two\nREADY=0');
  notify.extendTimeout(1500);
  notify.stopping();
  await clock.advance(0);
  expect(sent).toEqual([
    'READY=1\nSTATUS=serving',
    'STATUS=two READY=0',
    'EXTEND_TIMEOUT_USEC=1500000',
    'STOPPING=1',
  ]);
  expect(paths).toEqual(['/run/systemd/notify']);
  expect(env).toEqual({ OTHER: 'x' });
});

test('K30: a socket that is neither path nor abstract name is refused', () => {
  const { notify, log } = notifier({ NOTIFY_SOCKET: 'vsock:2:1234' });
  expect(notify.enabled).toBe(false);
  expect(log.messages[0]).toContain('NOTIFY_SOCKET must begin with / or @');
});

test('K30: the watchdog is fed at half its interval while the daemon is healthy', async () => {
  const { notify, sent, clock, log } = notifier({ ...SOCKET, WATCHDOG_USEC: '4000000' });
  const abort = new AbortController();
  let healthy = true;
  notify.startWatchdog(() => healthy, abort.signal);
  await clock.advance(4000);
  expect(sent).toEqual(['WATCHDOG=1', 'WATCHDOG=1', 'WATCHDOG=1']);
  healthy = false;
  await clock.advance(4000);
  expect(sent.length).toBe(3);
  expect(log.messages).toEqual(['Not healthy: the watchdog of the service manager is not fed']);
  healthy = true;
  await clock.advance(2000);
  expect(sent.length).toBe(4);
  abort.abort();
  await clock.advance(60_000);
  expect(sent.length).toBe(4);
});

test('K30: a health check that hangs or fails feeds no watchdog', async () => {
  const { notify, sent, clock, log } = notifier({ ...SOCKET, WATCHDOG_USEC: '2000000' });
  notify.startWatchdog(() => new Promise(() => undefined), new AbortController().signal);
  notify.startWatchdog(() => Promise.reject(new Error('stuck')), new AbortController().signal);
  await clock.advance(5000);
  expect(sent).toEqual([]);
  expect(log.messages).toEqual(['Health check failed: the watchdog of the service manager is not fed']);
});

test('K30: a watchdog meant for another process is not fed', async () => {
  const { notify, sent, clock } = notifier({ ...SOCKET, WATCHDOG_USEC: '2000000', WATCHDOG_PID: '41' });
  notify.startWatchdog(() => true, new AbortController().signal);
  await clock.advance(5000);
  expect(sent).toEqual([]);
});

test('K30: a manager that is away is reported once, not at every beat', async () => {
  let away = true;
  const { notify, sent, clock, log } = notifier({ ...SOCKET, WATCHDOG_USEC: '2000000' }, () => away);
  notify.startWatchdog(() => true, new AbortController().signal);
  await clock.advance(5000);
  expect(log.messages).toEqual(['Cannot notify the service manager']);
  away = false;
  await clock.advance(1000);
  expect(sent).toEqual(['WATCHDOG=1']);
});

import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FakeClock } from '../../base/fake_clock.ts';
import { RecordingLog } from '../../base/log.ts';
import { parseKubeconfig } from '../../client/kubeconfig.ts';
import type { KeyPair } from '../../component/x509/self_signed.ts';
import { selfSignedCertificate } from '../../component/x509/self_signed.ts';
import { bootstrap, needsBootstrap } from './bootstrap.ts';
import { CertificateStore, namesIn, pairOf, validity } from './certificate_store.ts';
import { CertificateRotation, rotationTime } from './rotation.ts';

const START = Date.parse('2026-01-01T00:00:00Z');
let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'tsk-certs-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const pairAt = (nowMs: number): KeyPair =>
  selfSignedCertificate({ commonName: 'node', hosts: ['node'], nowMs });
const settle = async (): Promise<void> => {
  for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
};

describe('K19: the store', () => {
  test('keeps each pair in a file of its own, readable by nobody else, with a link to the present one', async () => {
    const store = new CertificateStore(join(dir, 'pki'), 'kubelet-client');
    expect(await store.current()).toBeUndefined();
    const [first, second] = [pairAt(START), pairAt(START)];
    await store.update(first, START);
    await store.update(second, START + 1000);
    expect((await store.current())?.cert.trim()).toBe(second.cert.trim());
    expect(readdirSync(join(dir, 'pki')).sort()).toEqual([
      'kubelet-client-2026-01-01-00-00-00.pem',
      'kubelet-client-2026-01-01-00-00-01.pem',
      'kubelet-client-current.pem',
    ]);
    expect(statSync(store.path).mode & 0o777).toBe(0o600);
  });

  test('K31: a kubelet that was killed between the file of a new pair and its link has the one before, and takes the next', async () => {
    const store = new CertificateStore(dir, 'kubelet-client');
    const [first, second, third] = [pairAt(START), pairAt(START), pairAt(START)];
    await store.update(first, START);
    writeFileSync(join(dir, 'kubelet-client-2026-01-01-00-00-01.pem'), second.cert);
    symlinkSync('kubelet-client-2026-01-01-00-00-01.pem', `${store.path}.new`);
    expect((await store.current())?.cert.trim()).toBe(first.cert.trim());
    await store.update(third, START + 2000);
    expect((await store.current())?.cert.trim()).toBe(third.cert.trim());
  });

  test('does not take what is no pair, and keeps the one before', async () => {
    const store = new CertificateStore(dir, 'kubelet-client');
    const [good, other] = [pairAt(START), pairAt(START)];
    await store.update(good, START);
    await expect(store.update({ cert: good.cert, key: other.key }, START + 1000)).rejects.toThrow(
      'kubelet-client',
    );
    expect((await store.current())?.cert.trim()).toBe(good.cert.trim());
    rmSync(store.path);
    writeFileSync(store.path, 'nothing');
    await expect(store.current()).rejects.toThrow('does not hold a certificate and its key');
    expect(pairOf(good.cert)).toBeUndefined();
  });
});

test('K19: renewal falls between 70 and 90 percent of the lifetime', () => {
  const times = [0, 0.5, 1].map((random) => rotationTime({ fromMs: 1000, untilMs: 2000 }, random));
  expect(times).toEqual([1700, 1800, 1900]);
});

describe('K19: rotation', () => {
  function scene(first?: KeyPair, wanted?: () => string, madeFor?: (pair: KeyPair) => string) {
    const clock = new FakeClock(START);
    const kept: KeyPair[] = first === undefined ? [] : [first];
    const log = new RecordingLog();
    const told: KeyPair[] = [];
    let refusals = 0;
    const rotation = new CertificateRotation({
      store: {
        path: 'p',
        current: async () => kept.at(-1),
        update: async (pair) => void kept.push(pair),
      },
      request: () => {
        if (refusals > 0) {
          refusals -= 1;
          return Promise.reject(new Error('not approved'));
        }
        return Promise.resolve(pairAt(clock.now()));
      },
      ...(wanted === undefined ? {} : { wanted }),
      ...(madeFor === undefined ? {} : { madeFor }),
      changed: (pair) => told.push(pair),
      clock,
      log,
      random: () => 0.5,
    });
    const stop = new AbortController();
    const observed = { untilMs: 0, failures: 0 };
    rotation.observe({
      has: (untilMs) => void (observed.untilMs = untilMs),
      failed: () => void observed.failures++,
    });
    return {
      observed,
      clock,
      log,
      told,
      kept,
      refuse: (times: number) => {
        refusals = times;
      },
      start: async () => {
        const running = rotation.run(stop.signal);
        await settle();
        return async () => {
          stop.abort();
          await running;
        };
      },
    };
  }

  test('asks for the first certificate at once, and again after a refusal, with growing pauses', async () => {
    const { clock, observed, told, log, refuse, start } = scene();
    refuse(2);
    const end = await start();
    expect(told).toHaveLength(0);
    await clock.advance(2300);
    await settle();
    expect(told).toHaveLength(0);
    await clock.advance(4600);
    await settle();
    expect(told).toHaveLength(1);
    expect(log.messages.filter((m) => m.startsWith('Cannot renew'))).toHaveLength(2);
    expect(observed).toEqual({ untilMs: validity(told[0]?.cert ?? '').untilMs, failures: 2 });
    await end();
  });

  test('a certificate that is still good is used and renewed when its time comes', async () => {
    const { fromMs, untilMs } = validity(pairAt(START).cert);
    // Made so long ago that it is to be renewed in two minutes.
    const first = pairAt(START - (untilMs - fromMs) * 0.8 + (START - fromMs) + 120_000);
    const { clock, told, start } = scene(first);
    const end = await start();
    expect(told).toEqual([first]);
    await clock.advance(119_000);
    await settle();
    expect(told).toHaveLength(1);
    await clock.advance(2000);
    await settle();
    expect(told).toHaveLength(2);
    await end();
  });

  test('an expired one is not shown to anybody', async () => {
    const old = pairAt(START - 5 * 365 * 86_400_000);
    const { told, start } = scene(old);
    const end = await start();
    expect(told).toHaveLength(1);
    expect(told[0]).not.toBe(old);
    await end();
  });

  test('nothing is asked for before it is known what for', async () => {
    let addresses = '';
    const { clock, told, start } = scene(undefined, () => addresses);
    const end = await start();
    await clock.advance(5000);
    await settle();
    expect(told).toEqual([]);
    addresses = '10.0.0.1';
    await clock.advance(1000);
    await settle();
    expect(told).toHaveLength(1);
    await end();
  });

  test('a certificate that was kept is renewed at once when it is for other addresses', async () => {
    const first = selfSignedCertificate({
      commonName: 'n',
      hosts: ['n1', '10.0.0.1', '2001:db8::7'],
      nowMs: START,
    });
    expect(namesIn(first.cert)).toEqual(['10.0.0.1', '2001:db8::7', 'n1']);
    for (const [wanted, renewals] of [
      ['10.0.0.1,2001:db8::7,n1', 0],
      ['10.0.0.2,n1', 1],
    ] as const) {
      const { kept, start } = scene(
        first,
        () => wanted,
        ({ cert }) => namesIn(cert).join(),
      );
      const end = await start();
      expect(kept).toHaveLength(1 + renewals);
      await end();
    }
  });

  test('new addresses call for a new certificate', async () => {
    let addresses = '10.0.0.1';
    const { clock, told, start } = scene(undefined, () => addresses);
    const end = await start();
    expect(told).toHaveLength(1);
    addresses = '10.0.0.2';
    await clock.advance(60_000);
    await settle();
    expect(told).toHaveLength(2);
    await end();
  });
});

describe('K19: bootstrap', () => {
  test('is called for while the kubeconfig is missing, broken, or its certificate has ended', () => {
    const path = join(dir, 'kubeconfig');
    const good = pairAt(START);
    const config = (cert: string) => ({
      server: 'https://x',
      tls: {},
      auth: { clientCertificate: { cert: { data: cert }, key: { data: good.key } } },
    });
    expect(needsBootstrap(path, () => config(good.cert), START)).toBe('there is no kubeconfig yet');
    writeFileSync(path, '');
    expect(needsBootstrap(path, () => config(good.cert), START)).toBeUndefined();
    expect(needsBootstrap(path, () => config(good.cert), START + 1e13)).toBe(
      'the client certificate has expired',
    );
    expect(
      needsBootstrap(path, () => ({ server: 'https://x', tls: {}, auth: { token: 't' } }), START),
    ).toBeUndefined();
    const broken = (): never => {
      throw new Error('not valid YAML');
    };
    expect(needsBootstrap(path, broken, START)).toBe('not valid YAML');
  });

  test('writes a kubeconfig that names the certificate; a refusal writes nothing', async () => {
    const kubeconfig = join(dir, 'etc', 'kubeconfig');
    const store = new CertificateStore(join(dir, 'pki'), 'kubelet-client');
    const options = {
      config: {
        server: 'https://10.0.0.1:6443',
        tls: { ca: { data: pairAt(START).cert } },
        auth: { token: 't' },
      },
      kubeconfig,
      store,
      clock: new FakeClock(START),
      log: new RecordingLog(),
      signal: new AbortController().signal,
    };
    await expect(
      bootstrap({ ...options, request: () => Promise.reject(new Error('denied')) }),
    ).rejects.toThrow('denied');
    expect(existsSync(kubeconfig)).toBe(false);
    await bootstrap({ ...options, request: () => Promise.resolve(pairAt(START)) });
    expect(statSync(kubeconfig).mode & 0o777).toBe(0o600);
    expect(parseKubeconfig(readFileSync(kubeconfig, 'utf8'), { path: kubeconfig })).toMatchObject({
      server: 'https://10.0.0.1:6443',
      auth: { clientCertificate: { cert: { file: store.path }, key: { file: store.path } } },
    });
    // A second start finds the certificate and asks nobody.
    rmSync(kubeconfig);
    await bootstrap({ ...options, request: () => Promise.reject(new Error('asked again')) });
    expect(existsSync(kubeconfig)).toBe(true);
  });
});

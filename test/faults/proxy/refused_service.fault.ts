/** A Service that the kernel refuses is left out and named in an event; all others go in. */
import { chmodSync, copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { service, slice } from '../../../lib/proxy/testing/objects.ts';
import { POD1 } from '../../../lib/proxy/testing/test_bed.ts';
import { eventually } from '../../e2e/support/eventually.ts';
import { MODES, OURS, ProxyNode } from '../support/proxy_node.ts';

const node = ProxyNode.forTests();
const BAD = '10.66.0.77';
const SERVICES = 200;

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'tsk-refusing-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

// As a kernel would that lacks what the rule needs: everything else is carried out by the real program.
function refusing(program: string, says: string): void {
  const path = join(dir, program);
  writeFileSync(
    path,
    `#!/bin/sh
case " $* " in *" -f "*|*" --noflush "*) ;; *) exec /usr/sbin/${program} "$@" ;; esac
in=$(mktemp "${dir}/in.XXXXXX"); cat >"$in"
line=$(grep -n '${BAD}' "$in" | head -n 1 | cut -d: -f1)
if test -n "$line"; then echo "${says}" | sed "s/LINE/$line/" >&2; exit 1; fi
exec /usr/sbin/${program} "$@" <"$in"
`,
  );
  chmodSync(path, 0o755);
}

test.each([
  ...MODES.map(
    (mode) =>
      [
        mode,
        'the line is named',
        'iptables-restore: line LINE failed',
        '/dev/stdin:LINE:1-5: Error: no',
      ] as const,
  ),
  ...MODES.map((mode) => [mode, 'the line is not named', 'not supported', 'not supported'] as const),
])('P11: %s, %s', async (mode, _name, iptablesSays, nftSays) => {
  refusing('iptables-restore', iptablesSays);
  refusing('nft', nftSays);
  for (let n = 0; n < SERVICES; n++) {
    await node.api.put('services', service(`b/s${n}`, `10.97.0.${n}`));
    await node.api.put('endpointslices', slice(`b/s${n}-1`, `s${n}`, [`${n === 7 ? BAD : POD1}@n1`]));
  }
  // Without the native module beside it the program has no way to the kernel but these tools.
  const alone = join(dir, 'ts-kube-proxy');
  copyFileSync(OURS[0], alone);
  const env = [`PATH=${dir}:${process.env['PATH'] ?? ''}`, `TSK_NODE=${process.execPath}`];
  const program = ['env', ...env, alone];
  const proxy = await node.start(program, mode, { [mode]: { minSyncPeriod: '100ms' } });
  await eventually('the refused one is named', async () => {
    if (!/refused the rules of a Service.*b\/s7:p/.test(proxy.log())) throw new Error('not yet');
  });
  for (const n of [0, 6, 8, SERVICES - 1]) await node.answers(`10.97.0.${n}`, 80, /pod1/);
  const rules = await eventually('both families have rules', async () => node.rules(mode));
  expect(rules).not.toContain(BAD);
  await eventually('an event says so', async () => {
    const event = node.api.events().find((e) => e.reason === 'FailedToProgramService');
    if (event === undefined) throw new Error('no event');
    expect(event.regarding).toMatchObject({ kind: 'Service', namespace: 'b', name: 's7' });
  });
  // Changes of others go on, and the Service goes in with another endpoint.
  await node.api.put('services', service('c/new', '10.96.0.99'));
  await node.api.put('endpointslices', slice('c/new-1', 'new', [`${POD1}@n1`]));
  await eventually('a new Service answers', () => node.answers('10.96.0.99', 80, /pod1/));
  await node.api.put('endpointslices', slice('b/s7-1', 's7', [`${POD1}@n1`]), 'MODIFIED');
  await eventually('the Service answers with another endpoint', () => node.answers('10.97.0.7', 80, /pod1/));
});

/** What hack/test runs, in order. Data: running is in run_stage.ts. */
import type { Flavour, Swappable } from '../cluster/options.ts';

/** Name of the cluster that the end-to-end stages bring up, and take down. */
export const CLUSTER = 'e2e';

/** One command of a stage. */
export interface Command {
  readonly argv: readonly [string, ...string[]];
  readonly timeoutMs: number;
  /** The command is jest: its own counts are taken, from its JSON report. Otherwise it counts as one test. */
  readonly jest?: boolean;
  readonly env?: Readonly<Record<string, string>>;
  /** What the output has to contain for the command to pass. */
  readonly mustPrint?: string;
}

export interface Stage {
  readonly name: string;
  /** Run one after the other; the first failure ends the stage, unless they are independent. */
  readonly commands: readonly Command[];
  readonly independent?: boolean;
  /** Run after them in any case, and counted too. */
  readonly cleanUp?: readonly Command[];
  /** Stages that must have passed; otherwise this one counts as failed without being run. */
  readonly needs?: readonly string[];
}

const MINUTE = 60_000;

const down: Command = { argv: ['hack/down', `--name=${CLUSTER}`], timeoutMs: 3 * MINUTE };

function jest(timeoutMs: number, ...args: string[]): Command {
  return { argv: ['node_modules/.bin/jest', ...args], timeoutMs, jest: true };
}

interface EndToEnd {
  readonly name: string;
  /** Flags of hack/up. */
  readonly up: readonly string[];
  /** Arguments of jest, beside its configuration. */
  readonly select: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly minutes: number;
}

function endToEnd({ name, up, select, env, minutes }: EndToEnd): Stage {
  const upArgv: [string, ...string[]] = ['hack/up', `--name=${CLUSTER}`, '--nodes=2', ...up];
  return {
    name,
    needs: ['packages', 'build', 'stock programs'],
    commands: [
      down,
      { argv: upArgv, timeoutMs: 15 * MINUTE },
      { argv: upArgv, timeoutMs: 2 * MINUTE, mustPrint: 'nothing changed' },
      { ...jest(minutes * MINUTE, '--config=test/e2e/jest.config.cjs', ...select), env },
    ],
    cleanUp: [down, { argv: ['hack/testing/nothing_left.ts', CLUSTER], timeoutMs: MINUTE }],
  };
}

/** All stages. `flavours` is what the first end-to-end stage runs; what is not told is ours. */
export function stages(flavours: Readonly<Partial<Record<Swappable, Flavour>>>): readonly Stage[] {
  const mix = Object.entries(flavours).map(([part, flavour]) => `--${part}=${flavour}`);
  return [
    {
      name: 'lint',
      independent: true,
      commands: [
        { argv: ['node_modules/.bin/oxlint', '--type-aware', '--max-warnings=0'], timeoutMs: 5 * MINUTE },
        {
          argv: [
            'node_modules/.bin/depcruise',
            '--config=.dependency-cruiser.cjs',
            'cmd',
            'lib',
            'hack',
            'test',
            'bench',
          ],
          timeoutMs: 5 * MINUTE,
        },
        { argv: ['node_modules/.bin/prettier', '--check', '.'], timeoutMs: 5 * MINUTE },
      ],
    },
    {
      name: 'types',
      commands: [
        { argv: ['node_modules/.bin/tsc', '--noEmit'], timeoutMs: 5 * MINUTE },
        ...['lib/scheduler/ui/browser', 'lib/proxy/ui/browser', 'lib/kubelet/ui/browser'].map(
          (folder): Command => ({
            argv: ['node_modules/.bin/tsc', '--noEmit', '-p', folder],
            timeoutMs: 5 * MINUTE,
          }),
        ),
      ],
    },
    { name: 'packages', commands: [{ argv: ['hack/testing/packages.ts'], timeoutMs: 10 * MINUTE }] },
    { name: 'stock programs', commands: [{ argv: ['hack/stock-binaries'], timeoutMs: 20 * MINUTE }] },
    {
      name: 'build',
      commands: [{ argv: ['hack/build/build.ts'], timeoutMs: 5 * MINUTE }],
    },
    {
      name: 'unit',
      needs: ['packages', 'stock programs', 'build'],
      // One worker: the tests against real programs want the second core.
      commands: [jest(20 * MINUTE, '--maxWorkers=1')],
    },
    endToEnd({ name: 'e2e', up: mix, select: [], env: {}, minutes: 20 }),
    {
      name: 'conformance slice',
      needs: ['packages', 'build', 'stock programs'],
      commands: [{ argv: ['hack/conformance', '--slice', '--timeout=20', ...mix], timeoutMs: 35 * MINUTE }],
      cleanUp: [
        { argv: ['hack/down', '--name=conformance'], timeoutMs: 3 * MINUTE },
        { argv: ['hack/testing/nothing_left.ts', 'conformance'], timeoutMs: MINUTE },
      ],
    },
    endToEnd({
      name: 'e2e in-cluster',
      up: ['--in-cluster'],
      // The short form: what differs when the two run as pods.
      select: ['in_cluster', 'services', 'rollout'],
      env: { TSK_E2E_IN_CLUSTER: '1' },
      minutes: 8,
    }),
  ];
}

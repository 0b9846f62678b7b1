/** `ts-scheduler simulate`: schedules the pods of a dump or of manifests without a cluster, and answers what-if questions. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { errorMessage } from '../../base/errors.ts';
import { decodeConfig, loadConfigFile } from '../../component/config/document.ts';
import { flag } from '../../component/flag_types.ts';
import type { FlagValues } from '../../component/flags.ts';
import { defineFlags, FlagError, flagUsage, parseFlags } from '../../component/flags.ts';
import type { SchedulerConfig } from '../config/scheduler_config.ts';
import { SCHEDULER_CONFIG_KIND } from '../config/scheduler_config.ts';
import { validate } from '../config/scheduler_config_validation.ts';
import type { Pod } from '../../api/types.ts';
import { answerPluginImports } from '../own_plugins/import_hook.ts';
import { loadPlugins } from '../own_plugins/load_plugins.ts';
import type { GivenObjects } from './cluster_objects.ts';
import { givenObjects } from './cluster_objects.ts';
import { InputError, readObjects } from './documents.ts';
import { simulate } from './simulate.ts';
import { simulationHtml } from './simulation_html.ts';
import type { SimulationResult } from './simulation_result.ts';
import { simulationText } from './simulation_text.ts';
import { expandWorkloads } from './workloads.ts';

const section = 'What if';

export const simulateFlags = defineFlags({
  config: flag.string({
    help: 'KubeSchedulerConfiguration with the profiles to schedule by. Left out: the default profile.',
  }),
  'plugin-module': flag.stringArray({
    help: 'TypeScript or JavaScript module with scheduler plugins. May be repeated.',
  }),
  seed: flag.int({
    default: 1,
    help: 'For choices between nodes of equal score: the same seed, the same result.',
  }),
  output: flag.string({
    shorthand: 'o',
    default: 'table',
    help: 'Form of the answer: table, json, or html=FILE.',
  }),
  html: flag.string({ help: 'Write a report with a picture of the nodes to this file as well.' }),
  expand: flag.choice(['absent', 'missing', 'none'], {
    default: 'absent',
    help: 'Which pods of Deployments, StatefulSets, Jobs, ... are made up: those of workloads that were given without any (absent), whatever a workload has too few (missing), or none.',
  }),
  'fail-on-pending': flag.bool({ help: 'Exit with code 3 when pods stay pending.' }),
  drain: flag.stringArray({
    section,
    help: 'Cordon this node and evict its pods, as far as disruption budgets allow. May be repeated.',
  }),
  'add-nodes': flag.int({ section, help: 'Add so many nodes of the kind that --like names.' }),
  like: flag.string({ section, help: 'The node that added nodes are like.' }),
  'remove-taint': flag.stringArray({
    section,
    help: 'NODE:KEY[=VALUE]:EFFECT, with * for all nodes. May be repeated.',
  }),
  capacity: flag.stringArray({
    section,
    help: 'How many more of this pod fit: a file, or NAMESPACE/NAME of a pod that was given. May be repeated.',
  }),
  'capacity-limit': flag.int({ default: 10_000, section, help: 'Of each shape, so many pods are tried.' }),
  help: flag.bool({ shorthand: 'h', help: 'Print this.' }),
});

const USAGE = `Usage:
  ts-scheduler simulate [flags] FILE|FOLDER|- ...

Takes YAML and JSON: manifests, "kubectl get nodes,pods,pvc,pv,... -A -o json", folders of "kubectl cluster-info dump".
Exit codes: 0; 1 when the objects or the configuration are wrong; 2 for a wrong command line; 3 see --fail-on-pending.
`;

type Values = FlagValues<typeof simulateFlags>;

export interface CommandEdge {
  readonly out: (text: string) => void;
  readonly complain: (text: string) => void;
  readonly stdin: () => string;
}

const PROCESS: CommandEdge = {
  out: (text) => void process.stdout.write(text),
  complain: (text) => void process.stderr.write(text),
  stdin: () => readFileSync(0, 'utf8'),
};

/** @returns the exit code */
export async function simulateCommand(args: readonly string[], edge: CommandEdge = PROCESS): Promise<number> {
  let values: Values;
  let paths: readonly string[];
  let output: Output;
  try {
    ({ values, args: paths } = parseFlags(simulateFlags, args));
    if (values.help) {
      edge.out(`${USAGE}\n${flagUsage(simulateFlags)}`);
      return 0;
    }
    output = outputOf(values.output, values.html);
    checkFlags(values, paths);
  } catch (err) {
    if (!(err instanceof FlagError)) throw err;
    edge.complain(`Error: ${err.message}\nSee "ts-scheduler simulate --help".\n`);
    return 2;
  }
  let result: SimulationResult;
  try {
    const plugins = values['plugin-module'];
    if (plugins.length > 0) answerPluginImports();
    const definitions = await loadPlugins(plugins);
    const config = configOf(
      values.config,
      definitions.map((definition) => definition.name),
    );
    const given = givenObjects(readObjects(paths, edge.stdin));
    result = await simulate(given, {
      config,
      source: values.config === '' ? 'default configuration' : values.config,
      plugins: definitions,
      seed: values.seed,
      expand: values.expand,
      drain: [...new Set(values.drain)],
      ...(values['add-nodes'] > 0 ? { addNodes: { count: values['add-nodes'], like: values.like } } : {}),
      removeTaints: values['remove-taint'],
      capacity: values.capacity.map((shape) => ({ shape, pod: (all) => shapeOf(shape, all) })),
      capacityLimit: values['capacity-limit'],
    });
    if (output.html !== undefined) writeReport(output.html, simulationHtml(result));
  } catch (err) {
    edge.complain(`Error: ${errorMessage(err)}\n`);
    return 1;
  }
  if (output.form === 'json') edge.out(`${JSON.stringify(result, null, 2)}\n`);
  else if (output.form === 'table') edge.out(simulationText(result));
  return values['fail-on-pending'] && result.pending.length > 0 ? 3 : 0;
}

/** @throws InputError */
function writeReport(path: string, page: string): void {
  try {
    writeFileSync(path, page);
  } catch (err) {
    throw new InputError(`--html: ${path} cannot be written: ${errorMessage(err)}`, { cause: err });
  }
}

interface Output {
  readonly form: 'table' | 'json' | 'none';
  /** Where the report goes. */
  readonly html?: string;
}

function outputOf(output: string, file: string): Output {
  const html = file === '' ? {} : { html: file };
  if (output === 'table' || output === 'json') return { form: output, ...html };
  const match = /^html=(.+)$/.exec(output);
  if (match?.[1] === undefined)
    throw new FlagError(`--output: got ${JSON.stringify(output)}, want table, json or html=FILE`);
  return { form: 'none', html: match[1] };
}

function checkFlags(values: Values, paths: readonly string[]): void {
  if (paths.length === 0) throw new FlagError('want at least one file or folder, or - for standard input');
  if (values['add-nodes'] < 0) throw new FlagError(`--add-nodes: got ${values['add-nodes']}, want 1 or more`);
  if (values['add-nodes'] > 0 && values.like === '')
    throw new FlagError('--add-nodes: want --like NODE as well');
  if (values['add-nodes'] === 0 && values.like !== '')
    throw new FlagError('--like: want --add-nodes N as well');
  if (values['capacity-limit'] < 1)
    throw new FlagError(`--capacity-limit: got ${values['capacity-limit']}, want 1 or more`);
}

function configOf(path: string, own: readonly string[]): SchedulerConfig {
  const { apiVersion, kind } = SCHEDULER_CONFIG_KIND;
  const config =
    path === ''
      ? decodeConfig({ apiVersion, kind }, 'default configuration', [SCHEDULER_CONFIG_KIND])
      : loadConfigFile(path, [SCHEDULER_CONFIG_KIND]);
  validate(config, path, own);
  return config;
}

/** The pod that a capacity question is about. @throws InputError */
function shapeOf(shape: string, given: GivenObjects): Pod {
  const key = shape.includes('/') ? shape : `default/${shape}`;
  const known = given.get('Pod', key);
  if (known !== undefined) return known;
  if (!existsSync(shape))
    throw new InputError(`--capacity: "${shape}" is neither a file nor a pod among the objects given`);
  const own = givenObjects(
    readObjects([shape], () => ''),
    given,
  );
  expandWorkloads(own, 'absent');
  const [pod, ...more] = own.of('Pod');
  if (pod === undefined) throw new InputError(`--capacity: ${shape} holds no pod`);
  // The replicas of one workload are all alike.
  if (more.some((p) => JSON.stringify(p.spec) !== JSON.stringify(pod.spec)))
    throw new InputError(`--capacity: ${shape} holds ${more.length + 1} pods, want one`);
  return pod;
}

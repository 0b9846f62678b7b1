/** The stock programs at their pinned versions: which Go module each is built from, and where it lies in the cache. */
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

export type StockModule =
  'kubernetes' | 'coredns' | 'etcd' | 'containerd' | 'registry' | 'sample-apiserver' | 'e2e' | 'critest';

/** Go modules by their folder in hack/stock. */
const MODULES: Readonly<Record<StockModule, string>> = {
  kubernetes: 'k8s.io/kubernetes',
  coredns: 'github.com/coredns/coredns',
  etcd: 'go.etcd.io/etcd/server/v3',
  containerd: 'github.com/containerd/containerd/v2',
  registry: 'github.com/distribution/distribution/v3',
  'sample-apiserver': 'k8s.io/sample-apiserver',
  // The suite is of the Kubernetes that it tests; it depends on more modules than the programs.
  e2e: 'k8s.io/kubernetes',
  critest: 'sigs.k8s.io/cri-tools',
};

export interface StockProgram {
  readonly module: StockModule;
  /** Go package that `go build` is given. */
  readonly packagePath: string;
  /** Arguments that make the program print its version; absent when one on PATH is never taken (it goes into an image). */
  readonly versionArgs?: readonly string[];
  /** For tests only: no release site carries it. */
  readonly notReleased?: boolean;
  /** No ordinary cluster wants it, but the conformance suite: built when asked for by name. */
  readonly conformanceOnly?: boolean;
  /** The package is a test: it is built with `go test -c`. */
  readonly test?: boolean;
}

const kubernetes = (packagePath: string, ...versionArgs: readonly string[]): StockProgram => ({
  module: 'kubernetes',
  packagePath: `k8s.io/kubernetes/${packagePath}`,
  versionArgs: versionArgs.length > 0 ? versionArgs : ['--version'],
});

const conformance = (module: StockModule, packagePath: string): StockProgram => ({
  module,
  packagePath,
  notReleased: true,
  conformanceOnly: true,
});

/** By name, in the order in which they are built: each is kept even when a later one fails or the run is interrupted. */
export const STOCK_PROGRAMS: Readonly<Record<string, StockProgram>> = {
  'kube-apiserver': kubernetes('cmd/kube-apiserver'),
  'kube-controller-manager': kubernetes('cmd/kube-controller-manager'),
  kubectl: kubernetes('cmd/kubectl', 'version', '--client'),
  kubelet: kubernetes('cmd/kubelet'),
  'kube-proxy': kubernetes('cmd/kube-proxy'),
  'kube-scheduler': kubernetes('cmd/kube-scheduler'),
  agnhost: { module: 'kubernetes', packagePath: 'k8s.io/kubernetes/test/images/agnhost', notReleased: true },
  coredns: { module: 'coredns', packagePath: '.' },
  // Older ones (Debian 12 has 3.4) answer no progress requests: the apiserver streams no lists from them, and its watch
  // caches fall behind for good when it is restarted.
  etcd: { module: 'etcd', packagePath: 'go.etcd.io/etcd/server/v3', versionArgs: ['--version'] },
  // The distribution's may be older than what the newest kubelet can make use of: hack/up --containerd=pinned.
  containerd: conformance('containerd', 'github.com/containerd/containerd/v2/cmd/containerd'),
  'containerd-shim-runc-v2': conformance(
    'containerd',
    'github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2',
  ),
  'sample-apiserver': conformance('sample-apiserver', 'k8s.io/sample-apiserver'),
  'resource-consumer': conformance('kubernetes', 'k8s.io/kubernetes/test/images/resource-consumer'),
  'consume-cpu': conformance('kubernetes', 'k8s.io/kubernetes/test/images/resource-consumer/consume-cpu'),
  'regression-issue-74839': conformance('kubernetes', 'k8s.io/kubernetes/test/images/regression-issue-74839'),
  registry: conformance('registry', 'github.com/distribution/distribution/v3/cmd/registry'),
  'e2e.test': { ...conformance('e2e', 'k8s.io/kubernetes/test/e2e'), test: true },
  ginkgo: conformance('e2e', 'github.com/onsi/ginkgo/v2/ginkgo'),
  critest: { ...conformance('critest', 'sigs.k8s.io/cri-tools/cmd/critest'), test: true },
};

export const STOCK_NAMES: readonly string[] = Object.keys(STOCK_PROGRAMS);

/** @throws Error for a name that is none of {@link STOCK_NAMES} */
export function stockProgram(name: string): StockProgram {
  const program = STOCK_PROGRAMS[name];
  if (program === undefined)
    throw new Error(`no stock program ${name}, want one of ${STOCK_NAMES.join(', ')}`);
  return program;
}

/** The version that a go.mod requires of `module`, e.g. `v1.36.3`. */
export function requiredVersion(goMod: string, module: string): string {
  const escaped = module.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const version = new RegExp(`^(?:require\\s+|\\s+)${escaped}\\s+(v\\S+)`, 'm').exec(goMod)?.[1];
  if (version === undefined) throw new Error(`go.mod: does not require ${module}`);
  return version;
}

/** Pinned versions, and where each program lies in the cache. */
export interface StockCatalogue {
  /** E.g. `v1.36.3`. */
  version(name: string): string;
  file(name: string): string;
}

export function stockCatalogue(repo: string, cache: string): StockCatalogue {
  const versions = new Map<StockModule, string>();
  const versionOf = (module: StockModule): string => {
    let version = versions.get(module);
    if (version === undefined) {
      const goMod = readFileSync(path.join(repo, 'hack/stock', module, 'go.mod'), 'utf8');
      version = requiredVersion(goMod, MODULES[module]);
      versions.set(module, version);
    }
    return version;
  };
  return {
    version: (name) => versionOf(stockProgram(name).module),
    file: (name) => {
      const { module } = stockProgram(name);
      const folder =
        module === 'kubernetes' || module === 'e2e' ? versionOf(module) : `${module}-${versionOf(module)}`;
      return path.join(cache, 'stock', folder, name);
    },
  };
}

/** Those of `names` that are not in the cache. */
export function missingPrograms(catalogue: StockCatalogue, names: readonly string[]): string[] {
  return names.filter((name) => !isExecutable(catalogue.file(name)));
}

/** Path of `program` on PATH. */
export function onPath(program: string, searchPath = process.env['PATH'] ?? ''): string | undefined {
  return searchPath
    .split(':')
    .filter((dir) => dir !== '')
    .map((dir) => path.join(dir, program))
    .find(isExecutable);
}

function isExecutable(file: string): boolean {
  if (!existsSync(file)) return false;
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

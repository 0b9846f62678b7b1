/** Filled in by hack/build (esbuild `define`); absent when the sources run unbundled. */
declare const TSK_BUILD_COMMIT: string | undefined;
declare const TSK_BUILD_TREE_STATE: string | undefined;
declare const TSK_BUILD_DATE: string | undefined;

/** The Kubernetes release whose behaviour, flags and API level these daemons implement. */
export const KUBERNETES_VERSION = 'v1.36.3';

/** What `--version=raw`, `/version` and the `kubernetes_build_info` metric report. */
export interface BuildInfo {
  major: string;
  minor: string;
  gitVersion: string;
  gitCommit: string;
  gitTreeState: string;
  /** RFC 3339. */
  buildDate: string;
  /** The Node.js release, in the field where Go programs give theirs. */
  goVersion: string;
  compiler: string;
  platform: string;
}

const ARCHITECTURES: Partial<Record<string, string>> = { x64: 'amd64', ia32: '386' };

/** The version of this program and of what it runs on. */
export function buildInfo(gitVersion: string = KUBERNETES_VERSION): BuildInfo {
  const [major = '', minor = ''] = KUBERNETES_VERSION.slice(1).split('.');
  return {
    major,
    minor,
    gitVersion,
    gitCommit: (typeof TSK_BUILD_COMMIT === 'undefined' ? '' : TSK_BUILD_COMMIT) || 'unknown',
    gitTreeState: (typeof TSK_BUILD_TREE_STATE === 'undefined' ? '' : TSK_BUILD_TREE_STATE) || 'unknown',
    buildDate: (typeof TSK_BUILD_DATE === 'undefined' ? '' : TSK_BUILD_DATE) || '1970-01-01T00:00:00Z',
    goVersion: `node${process.versions.node}`,
    compiler: 'v8',
    platform: `${process.platform}/${ARCHITECTURES[process.arch] ?? process.arch}`,
  };
}

/** The value of a User-Agent header, in the form every Kubernetes client uses. */
export function userAgent(program: string): string {
  const info = buildInfo();
  return `${program}/${info.gitVersion} (${info.platform}) kubernetes/${info.gitCommit.slice(0, 7)}`;
}

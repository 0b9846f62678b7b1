/** Where a running scheduler is asked, and as whom. */
import { loadKubeconfig } from '../../client/kubeconfig.ts';
import type { ClientConfig } from '../../client/kubeconfig.ts';
import { flag } from '../../component/flag_types.ts';
import { FlagError } from '../../component/flags.ts';

export const debugServerFlags = {
  server: flag.string({
    default: 'https://127.0.0.1:10259',
    help: 'The secure port of the scheduler. With leader election, ask the leader.',
  }),
  kubeconfig: flag.string({
    help: 'Whose credentials to use; left out: $KUBECONFIG. They must be allowed to get the URLs /debug/explain/* or /ui, /ui/*.',
  }),
  'certificate-authority': flag.string({
    help: 'Who signed the certificate of the scheduler. Left out, the certificate is not checked, and only a server on a loopback address is asked.',
  }),
};

/** @throws FlagError, KubeconfigError */
export function debugServerConfig(server: string, kubeconfig: string, ca: string): ClientConfig {
  const path = kubeconfig === '' ? (process.env['KUBECONFIG'] ?? '') : kubeconfig;
  const auth = path === '' ? {} : loadKubeconfig({ path }).auth;
  if (ca !== '') return { server, tls: { ca: { file: ca } }, auth };
  // Its own certificate is signed by itself: it proves nothing, and credentials must not go to whoever answers.
  const { hostname } = new URL(server);
  if (!/^(127\.\d+\.\d+\.\d+|\[::1\]|localhost)$/.test(hostname))
    throw new FlagError(
      `--server: ${hostname} is not a loopback address: want --certificate-authority as well`,
    );
  return { server, tls: { insecureSkipVerify: true }, auth };
}

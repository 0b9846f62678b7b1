/** Kubeconfig files (client-go `Config` v1) with everything embedded, so that they can be copied away. */
import { stringify } from 'yaml';
import type { KeyPair } from './pki/certificate.ts';

/** Renders the kubeconfig of `user` for the apiserver at `server`. */
export function kubeconfig(
  cluster: string,
  server: string,
  authorityPem: string,
  user: string,
  pair: KeyPair,
): string {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  const context = `${user}@${cluster}`;
  return stringify(
    {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: cluster, cluster: { server, 'certificate-authority-data': base64(authorityPem) } }],
      users: [
        {
          name: user,
          user: {
            'client-certificate-data': base64(pair.certificate),
            'client-key-data': base64(pair.key),
          },
        },
      ],
      contexts: [{ name: context, context: { cluster, user } }],
      'current-context': context,
    },
    { lineWidth: 0 },
  );
}

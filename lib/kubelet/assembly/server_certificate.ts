/** The certificate of port 10250: the given files, one that the cluster signs, or one that the kubelet makes itself. */
import type { Source } from '../../component/serving/certificates.ts';
import { SettableSource } from '../../component/serving/certificates.ts';
import { servingCertificate } from '../../component/serving_certificate.ts';
import type { KeyPair } from '../../component/x509/self_signed.ts';
import { selfSignedCertificate } from '../../component/x509/self_signed.ts';
import { requestCertificate } from '../certificates/certificate_request.ts';
import { CertificateStore, namesIn, sameAddress } from '../certificates/certificate_store.ts';
import { CertificateRotation } from '../certificates/rotation.ts';
import { certificateMetrics } from '../metrics/certificate_metrics.ts';
import type { Base } from './base.ts';
import type { KubeletMetrics } from './metrics.ts';
import type { NodeParts } from './node.ts';

/** @throws CertificateError naming the files that cannot be used */
export async function kubeletCertificate(
  kubelet: Base & NodeParts & KubeletMetrics,
): Promise<Source<KeyPair>> {
  const { config, flags, hostIPs, nodeName } = kubelet;
  const { tlsCertFile: certFile, tlsPrivateKeyFile: keyFile } = config;
  const hosts = [nodeName, ...hostIPs()];
  if (config.serverTLSBootstrap && certFile === '' && kubelet.hasApi) return signedByCluster(kubelet, hosts);
  return servingCertificate({
    ...kubelet,
    certFile,
    keyFile,
    certDir: flags.certDir,
    name: 'kubelet',
    hosts,
  });
}

/**
 * Asked for by CertificateSigningRequest, and again before it ends and when the node's addresses change. Until somebody
 * approves, a certificate made here keeps the port open to those who do not verify it.
 */
function signedByCluster(
  kubelet: Base & NodeParts & KubeletMetrics,
  hosts: readonly string[],
): Source<KeyPair> {
  const { background, client, clock, flags, log, nodeName, reporter, signal } = kubelet;
  const source = new SettableSource(
    selfSignedCertificate({ commonName: nodeName, hosts, nowMs: clock.now() }),
  );
  const wanted = (): readonly string[] => {
    const addresses = (reporter.node().status?.addresses ?? []).map(({ address }) => address);
    // Who approves compares with the addresses of the node: a certificate is for them and for nothing else.
    return [...new Set(addresses.map(sameAddress))].sort();
  };
  const rotation = new CertificateRotation({
    store: new CertificateStore(flags.certDir, 'kubelet-server'),
    request: (requestSignal) =>
      requestCertificate(
        { kind: 'serving', nodeName, hosts: wanted() },
        { client, clock, signal: requestSignal },
      ),
    wanted: () => wanted().join(),
    madeFor: ({ cert }) => namesIn(cert).join(),
    changed: (pair) => source.set(pair),
    clock,
    log,
  });
  rotation.observe(certificateMetrics(kubelet.metrics, 'server', clock));
  background.start('Rotation of the serving certificate failed', rotation.run(signal));
  return source;
}

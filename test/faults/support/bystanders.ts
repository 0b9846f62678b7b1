/** Pods that have nothing to do with the fault, and must not notice it; and pods that come and go as if it were not there. */
import type { Manifest, TestNamespace } from '../../e2e/support/namespace.ts';
import { containerIdentities } from '../../e2e/support/namespace.ts';
import { scriptPod } from '../../e2e/support/workloads.ts';
import { NODE } from './node_under_fault.ts';

/** Runs until SIGTERM. */
export const STAYS = 'trap "exit 0" TERM; while :; do sleep 3600 & wait; done';

/** A {@link scriptPod} that is started again when it ends, on the node under test. */
export function stayingPod(name: string, labels: Manifest = {}, spec: Manifest = {}): Manifest {
  return scriptPod(name, STAYS, { labels, spec: { nodeName: NODE, restartPolicy: 'Always', ...spec } });
}

export class Bystanders {
  readonly #ns: TestNamespace;
  readonly #before: Record<string, readonly string[]>;

  private constructor(ns: TestNamespace, before: Record<string, readonly string[]>) {
    this.#ns = ns;
    this.#before = before;
  }

  /** Starts them and waits until they are ready. */
  static async start(ns: TestNamespace, count = 5): Promise<Bystanders> {
    const names = Array.from({ length: count }, (_, i) => `bystander-${i}`);
    await ns.apply(...names.map((name) => stayingPod(name, { role: 'bystander' })));
    for (const name of names) await ns.ready(name);
    return new Bystanders(ns, containerIdentities(await ns.pods('role=bystander')));
  }

  /** Fails when a container of theirs was restarted or replaced. */
  async haveNotNoticed(): Promise<void> {
    expect(containerIdentities(await this.#ns.pods('role=bystander'))).toEqual(this.#before);
  }
}

let counter = 0;

/** Starts and deletes a pod; both have to go as fast as they do on any day. */
export async function comesAndGoes(ns: TestNamespace, withinMs = 15_000): Promise<void> {
  const name = `passer-by-${counter++}`;
  await ns.apply(stayingPod(name));
  await ns.ready(name, withinMs);
  await ns.kubectl('delete', 'pod', name, '--wait=false');
  await ns.gone(name, withinMs);
}

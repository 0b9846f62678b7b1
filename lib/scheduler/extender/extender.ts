/** A scheduler extender: an HTTP server that has a say in where pods go (scheduler extender v1 protocol). */
import type { Node, Pod } from '../../api/types.ts';
import { errorMessage } from '../../base/errors.ts';
import { podResources } from '../cache/pod_resources.ts';
import type { Outcome } from '../framework/status.ts';
import { errorStatus } from '../framework/status.ts';
import type { Candidate } from '../framework/candidate.ts';
import type { ExtenderConfig } from './extender_config.ts';
import type { ExtenderFilterAnswer, ExtenderScore, ExtenderVictims } from './extender_protocol.ts';
import {
  bindingAnswer,
  filterAnswer,
  preemptionAnswer,
  prioritizeAnswer,
  preemptionRequest,
} from './extender_protocol.ts';

/** Highest score that an extender gives. */
export const MAX_EXTENDER_SCORE = 10;

/** Sends a JSON body and gives the JSON answer; rejects when there is none within the time. */
export type PostJson = (
  url: string,
  body: unknown,
  options: { readonly timeoutMs: number; readonly signal: AbortSignal },
) => Promise<unknown>;

export class Extender {
  readonly name: string;
  readonly #config: ExtenderConfig;
  readonly #post: PostJson;
  readonly #managed: ReadonlySet<string>;

  constructor(config: ExtenderConfig, post: PostJson) {
    this.name = config.urlPrefix;
    this.#config = config;
    this.#post = post;
    this.#managed = new Set(config.managedResources.map((r) => r.name));
  }

  /** Its failures do not fail the pod. */
  get ignorable(): boolean {
    return this.#config.ignorable;
  }

  get filters(): boolean {
    return this.#config.filterVerb !== '';
  }

  get prioritizes(): boolean {
    return this.#config.prioritizeVerb !== '';
  }

  get binds(): boolean {
    return this.#config.bindVerb !== '';
  }

  get preempts(): boolean {
    return this.#config.preemptVerb !== '';
  }

  get weight(): number {
    return this.#config.weight;
  }

  /** Without managed resources it is asked for every pod, else for those that want one of them. */
  isInterested(pod: Pod): boolean {
    if (this.#managed.size === 0) return true;
    for (const resource of podResources(pod).requests.keys()) if (this.#managed.has(resource)) return true;
    return false;
  }

  async filter(pod: Pod, nodes: readonly Node[], signal: AbortSignal): Promise<ExtenderFilterAnswer> {
    const answer = await this.#call(this.#config.filterVerb, this.#args(pod, nodes), signal);
    return filterAnswer(answer, this.#config.nodeCacheCapable);
  }

  /** Scores from 0 to {@link MAX_EXTENDER_SCORE}. */
  async prioritize(pod: Pod, nodes: readonly Node[], signal: AbortSignal): Promise<readonly ExtenderScore[]> {
    return prioritizeAnswer(await this.#call(this.#config.prioritizeVerb, this.#args(pod, nodes), signal));
  }

  async bind(pod: Pod, node: string, signal: AbortSignal): Promise<Outcome> {
    const { namespace = '', name, uid = '' } = pod.metadata;
    const body = { podName: name, podNamespace: namespace, podUID: uid, node };
    try {
      const error = bindingAnswer(await this.#call(this.#config.bindVerb, body, signal));
      return error === '' ? undefined : errorStatus(error);
    } catch (err) {
      return errorStatus(errorMessage(err), err);
    }
  }

  /** The victims that it leaves, by node; a node that it does not name is no candidate. */
  async preempt(
    pod: Pod,
    candidates: readonly Candidate[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, ExtenderVictims>> {
    const body = preemptionRequest(pod, candidates, this.#config.nodeCacheCapable);
    return preemptionAnswer(await this.#call(this.#config.preemptVerb, body, signal));
  }

  #args(pod: Pod, nodes: readonly Node[]): unknown {
    // The names of the Go fields: the protocol's JSON has them in lower camel case.
    return this.#config.nodeCacheCapable
      ? { pod, nodenames: nodes.map((n) => n.metadata.name) }
      : { pod, nodes: { metadata: {}, items: nodes } };
  }

  async #call(verb: string, body: unknown, signal: AbortSignal): Promise<unknown> {
    const url = `${this.#config.urlPrefix.replace(/\/+$/, '')}/${verb}`;
    return await this.#post(url, body, { timeoutMs: this.#config.httpTimeout, signal });
  }
}

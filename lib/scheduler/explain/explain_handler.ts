/** `GET /debug/explain/pod/NAMESPACE/NAME[?format=text]`: why a pod is where it is, or waits. */
import type { Pod } from '../../api/types.ts';
import type { ReadonlyStore } from '../../client/store.ts';
import type { Handler } from '../../component/serving/exchange.ts';
import { json, statusError, text } from '../../component/serving/exchange.ts';
import type { SchedulingQueue } from '../queue/scheduling_queue.ts';
import type { DecisionLog } from './decision_log.ts';
import { EXPLAIN_PREFIX } from './explain_prefix.ts';
import { explainText } from './explain_text.ts';
import type { PodExplanation } from './pod_explanation.ts';

export interface ExplainSources {
  readonly pods: ReadonlyStore<Pod>;
  readonly queue: SchedulingQueue;
  readonly decisions: DecisionLog;
}

export function explainHandler(sources: ExplainSources): Handler {
  return ({ req, res, path, query }) => {
    if (req.method !== 'GET' && req.method !== 'HEAD') {
      statusError(res, 405, 'MethodNotAllowed', 'want GET');
      return;
    }
    const [namespace, name, ...rest] = path.slice(EXPLAIN_PREFIX.length).split('/').map(decodeURIComponent);
    if (namespace === undefined || namespace === '' || name === undefined || name === '' || rest.length > 0) {
      statusError(res, 404, 'NotFound', `want ${EXPLAIN_PREFIX}NAMESPACE/NAME`);
      return;
    }
    const explanation = explainPod(`${namespace}/${name}`, sources);
    if (explanation === undefined)
      statusError(res, 404, 'NotFound', `pod "${namespace}/${name}" is not known to this scheduler`);
    else if (query.get('format') === 'text') text(res, explainText(explanation));
    else json(res, 200, explanation);
  };
}

/** What is known of the pod; undefined when it neither exists nor was decided on lately. */
export function explainPod(
  key: string,
  { pods, queue, decisions }: ExplainSources,
): PodExplanation | undefined {
  const pod = pods.get(key);
  const lastDecision = decisions.get(key);
  if (pod === undefined && lastDecision === undefined) return undefined;
  const waiting = pod === undefined ? undefined : queue.describe(pod);
  const nominatedNode = pod === undefined ? undefined : queue.nominated.nodeOf(pod);
  return {
    pod: key,
    ...(pod?.spec.nodeName === undefined ? {} : { node: pod.spec.nodeName }),
    ...(nominatedNode === undefined ? {} : { nominatedNode }),
    ...(waiting === undefined
      ? {}
      : {
          queue: {
            place: waiting.place,
            attempts: waiting.queued.attempts,
            ...(waiting.retryInMs === undefined
              ? {}
              : { retryInSeconds: Math.ceil(waiting.retryInMs / 1000) }),
            ...(waiting.queued.gatedBy === undefined ? {} : { gatedBy: waiting.queued.gatedBy }),
            refusedBy: [...waiting.queued.refusedBy],
          },
        }),
    ...(lastDecision === undefined ? {} : { lastDecision }),
  };
}

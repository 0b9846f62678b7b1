/** Which permission on the Node object a request to the kubelet needs, and how refusals are worded. */
import type { User } from '../../component/authn/authenticator.ts';
import type { Attributes } from '../../component/authz/authorizer.ts';
import type { RequestTarget } from '../../component/serving/exchange.ts';
import type { RefusalWriter } from '../../component/serving/server.ts';

/** Subresources of `nodes`, any of which is enough. `proxy` is the old permission to everything. */
type Subresources = readonly [string, ...string[]];

/** First path segment to subresources (KEP-2862, kubelet fine-grained authorization); everything else is `proxy`. */
const SUBRESOURCES: ReadonlyMap<string, Subresources> = new Map([
  ['stats', ['stats']],
  ['metrics', ['metrics']],
  ['logs', ['log']],
  ['checkpoint', ['checkpoint']],
  ['statusz', ['statusz']],
  ['flagz', ['configz']],
  ['configz', ['configz', 'proxy']],
  ['healthz', ['healthz', 'proxy']],
  ['pods', ['pods', 'proxy']],
  ['runningpods', ['pods', 'proxy']],
]);

const VERBS: Readonly<Record<string, string>> = {
  GET: 'get',
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

/** The questions to the authorizer for one request, the finer permission first. */
export function kubeletAttributes(
  nodeName: string,
): (user: User, target: RequestTarget, method: string) => readonly [Attributes, ...Attributes[]] {
  return (user, { path }, method) => {
    const [first, ...others] = subresources(path);
    const attributes = (subresource: string): Attributes => ({
      user,
      verb: VERBS[method] ?? '',
      path,
      resource: { group: '', version: 'v1', resource: 'nodes', subresource, namespace: '', name: nodeName },
    });
    return [attributes(first), ...others.map(attributes)];
  };
}

function subresources(path: string): Subresources {
  return SUBRESOURCES.get(path.split('/')[1] ?? '') ?? ['proxy'];
}

/** Plain text, as clients of the kubelet know it. */
export const kubeletRefusals: RefusalWriter = {
  unauthorized: (res) => plain(res, 401, 'Unauthorized'),
  forbidden: (res, attributes) => {
    const [first] = attributes;
    const names = attributes.map((a) => a.resource?.subresource ?? '').join(' ');
    const message = `Forbidden (user=${first?.user.name}, verb=${first?.verb}, resource=nodes, subresource(s)=[${names}])`;
    plain(res, 403, `${message}\n`);
  },
  failed: (res, { user, verb, resource }) =>
    plain(
      res,
      500,
      `Authorization error (user=${user.name}, verb=${verb}, resource=nodes, subresource=${resource?.subresource})`,
    ),
};

type Response = Parameters<RefusalWriter['unauthorized']>[0];

/** Answers with a text as it is, without a line feed. */
export function plain(res: Response, status: number, message: string): void {
  res.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'content-length': Buffer.byteLength(message),
  });
  res.end(message);
}

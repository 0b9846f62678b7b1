/** What a user may do. */
import type { User } from '../authn/authenticator.ts';

export interface ResourceAttributes {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
}

/** One question: may this user do that, to a resource or else to a path. */
export interface Attributes {
  readonly user: User;
  /** `get`, `create`, ...; for paths the HTTP method in lower case. */
  readonly verb: string;
  readonly path: string;
  readonly resource?: ResourceAttributes;
}

export interface Decision {
  readonly allowed: boolean;
  /** Why, for the 403; may be empty. */
  readonly reason: string;
}

export interface Authorizer {
  /** Undefined: no opinion. Rejects when the question could not be answered: the request then fails with 500. */
  authorize(attributes: Attributes): Promise<Decision | undefined>;
}

/** The first opinion counts; nobody having one means no. */
export function anyOf(authorizers: readonly Authorizer[]): Authorizer {
  return {
    async authorize(attributes) {
      for (const authorizer of authorizers) {
        const decision = await authorizer.authorize(attributes);
        if (decision !== undefined) return decision;
      }
      return { allowed: false, reason: '' };
    },
  };
}

/** Allows everything (`--authorization-mode=AlwaysAllow`). */
export const alwaysAllow: Authorizer = { authorize: async () => ({ allowed: true, reason: '' }) };

/** Members of these groups may do anything, without a question to the apiserver. */
export function privilegedGroups(...groups: readonly string[]): Authorizer {
  return {
    authorize: async ({ user }) =>
      user.groups.some((g) => groups.includes(g)) ? { allowed: true, reason: '' } : undefined,
  };
}

/**
 * Allows paths (not resources) whoever asks; `/healthz/*` with a star at the end is a prefix.
 *
 * @throws Error for a star elsewhere
 */
export function alwaysAllowPaths(paths: readonly string[]): Authorizer {
  const exact = new Set<string>();
  const prefixes: string[] = [];
  for (const path of paths) {
    const text = path.replace(/^\//, '');
    if (text.slice(0, -1).includes('*')) throw new Error(`only trailing * allowed in "${path}"`);
    if (text.endsWith('*')) prefixes.push(text.slice(0, -1));
    else exact.add(text);
  }
  return {
    authorize: async ({ path, resource }) => {
      if (resource !== undefined) return undefined;
      const text = path.replace(/^\//, '');
      return exact.has(text) || prefixes.some((p) => text.startsWith(p))
        ? { allowed: true, reason: '' }
        : undefined;
    },
  };
}

/** The sentence for a 403, as every Kubernetes server words it. */
export function forbiddenMessage({ user, verb, path, resource }: Attributes, reason: string): string {
  const because = reason === '' ? '' : `: ${reason}`;
  if (resource === undefined) return `User "${user.name}" cannot ${verb} path "${path}"${because}`;
  const what =
    resource.subresource === '' ? resource.resource : `${resource.resource}/${resource.subresource}`;
  const where =
    resource.namespace === '' ? 'at the cluster scope' : `in the namespace "${resource.namespace}"`;
  return `User "${user.name}" cannot ${verb} resource "${what}" in API group "${resource.group}" ${where}${because}`;
}

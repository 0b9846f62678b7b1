/** Who sends a request. */
import type { X509Certificate } from 'node:crypto';

/** Headers by lower-case name, every occurrence on its own (`IncomingMessage.headersDistinct`). */
export type Headers = Readonly<Record<string, readonly string[] | undefined>>;

export interface User {
  readonly name: string;
  readonly uid: string;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

/** What a request brings to show who sent it. */
export interface Credentials {
  readonly headers: Headers;
  /** The client's certificate, if it showed one, and the others it sent with it; nothing about them is verified yet. */
  readonly certificate?: X509Certificate;
  readonly intermediates?: readonly X509Certificate[];
}

/** Credentials were shown and are wrong (or could not be checked): the request is answered with 401. */
export class AuthenticationError extends Error {
  override readonly name = 'AuthenticationError';
}

export interface Authenticator {
  /**
   * The user, or undefined when the request shows no credentials of the kind looked for.
   * Rejects with {@link AuthenticationError}.
   */
  authenticate(credentials: Credentials): Promise<User | undefined>;
}

export const ANONYMOUS: User = {
  name: 'system:anonymous',
  uid: '',
  groups: ['system:unauthenticated'],
  extra: {},
};

const AUTHENTICATED = 'system:authenticated';

/**
 * Asks each in turn; the first user counts and is put into group system:authenticated. Wrong credentials of one kind do
 * not stop the others from being tried, but never end as anonymous.
 *
 * @param options `anonymous`: requests without any credentials are `system:anonymous` instead of undefined
 */
export function firstOf(
  authenticators: readonly Authenticator[],
  options: { anonymous: boolean },
): Authenticator {
  return {
    async authenticate(credentials) {
      const failures: AuthenticationError[] = [];
      for (const authenticator of authenticators) {
        try {
          const user = await authenticator.authenticate(credentials);
          if (user !== undefined) return withGroup(user);
        } catch (err) {
          if (!(err instanceof AuthenticationError)) throw err;
          failures.push(err);
        }
      }
      if (failures.length > 0)
        throw new AuthenticationError(failures.map((f) => f.message).join('; '), { cause: failures[0] });
      return options.anonymous ? ANONYMOUS : undefined;
    },
  };
}

function withGroup(user: User): User {
  if (user.name === ANONYMOUS.name || user.groups.includes(AUTHENTICATED)) return user;
  return { ...user, groups: [...user.groups, AUTHENTICATED] };
}

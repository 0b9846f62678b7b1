/** Why a container is not running yet: for its waiting state. */
export interface WaitingReason {
  readonly reason: string;
  readonly message: string;
}

/** The kernel refused a request over netlink, or could not be asked. */
export class NetlinkError extends Error {
  override readonly name = 'NetlinkError';
}

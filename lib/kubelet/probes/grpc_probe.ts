import { Client, credentials, status, type ServiceError } from '@grpc/grpc-js';
import { joinHostPort, type ProbeOutcome } from './outcome.ts';

const CHECK = '/grpc.health.v1.Health/Check';
const SERVING = 1;
const NAMES: readonly string[] = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'];

/** Asks the gRPC health service (grpc.health.v1), without TLS. */
export async function grpcProbe(
  host: string,
  port: number,
  service: string,
  userAgent: string,
  timeoutMs: number,
): Promise<ProbeOutcome> {
  const address = joinHostPort(host, port);
  const client = new Client(address, credentials.createInsecure(), {
    'grpc.primary_user_agent': userAgent,
    'grpc.enable_retries': 0,
    'grpc.enable_http_proxy': 0,
    'grpc.max_receive_message_length': 64 * 1024,
  });
  try {
    const answer = await check(client, service, Date.now() + timeoutMs);
    if (answer === SERVING) return { result: 'success', message: 'service healthy' };
    return { result: 'failure', message: `service unhealthy (responded with "${NAMES[answer] ?? answer}")` };
  } catch (err) {
    return { result: 'failure', message: failureMessage(err, address, timeoutMs) };
  } finally {
    client.close();
  }
}

function check(client: Client, service: string, deadlineMs: number): Promise<number> {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      CHECK,
      (name: string) => encodeRequest(name),
      (bytes: Buffer) => decodeStatus(bytes),
      service,
      { deadline: deadlineMs },
      (err: ServiceError | null, value?: number) => {
        if (err === null) resolve(value ?? 0);
        else reject(err);
      },
    );
  });
}

function failureMessage(err: unknown, address: string, timeoutMs: number): string {
  const code = err instanceof Error && 'code' in err ? err.code : undefined;
  const text = err instanceof Error ? err.message : String(err);
  const seconds = `${timeoutMs / 1000}s`;
  switch (code) {
    case status.UNIMPLEMENTED:
      return `error: this server does not implement the grpc health protocol (grpc.health.v1.Health): ${text}`;
    case status.DEADLINE_EXCEEDED:
      return `timeout: health rpc did not complete within ${seconds}`;
    case status.UNAVAILABLE:
      return `error: failed to connect service "${address}": ${text}`;
    default:
      return `error: health rpc probe failed: ${text}`;
  }
}

/** `HealthCheckRequest { string service = 1; }` */
export function encodeRequest(service: string): Buffer {
  if (service === '') return Buffer.alloc(0);
  const name = Buffer.from(service);
  return Buffer.concat([Buffer.from([0x0a, ...varint(name.length)]), name]);
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (; value >= 0x80; value >>>= 7) bytes.push((value & 0x7f) | 0x80);
  return [...bytes, value];
}

/** `HealthCheckResponse { ServingStatus status = 1; }`; other fields do not exist in version 1. */
export function decodeStatus(bytes: Uint8Array): number {
  return bytes[0] === 0x08 ? (bytes[1] ?? 0) : 0;
}

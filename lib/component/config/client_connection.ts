/** ClientConnectionConfiguration: the `clientConnection` field of config files, in which a component finds its apiserver. */
import type { Schema } from './schema.ts';
import { integer, number, object, string, withDefault } from './schema.ts';

/**
 * Schema of the field. Zero and the empty text stand for the default, as they do for the stock components.
 *
 * @param defaults calls per second, and in a burst
 */
export function clientConnection(defaults: { qps: number; burst: number }) {
  return object({
    kubeconfig: withDefault(string(), ''),
    acceptContentTypes: withDefault(string(), ''),
    contentType: orDefault(string(), 'application/vnd.kubernetes.protobuf', ''),
    qps: orDefault(number(), defaults.qps, 0),
    burst: orDefault(integer({ min: 0 }), defaults.burst, 0),
  });
}

function orDefault<T>(schema: Schema<T>, value: NoInfer<T>, zero: NoInfer<T>): Schema<T> {
  const plain = withDefault(schema, value);
  return {
    ...plain,
    decode: (given, path, problems) => plain.decode(given === zero ? value : given, path, problems),
  };
}

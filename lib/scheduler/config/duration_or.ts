/** A duration of which none and 0 stand for a default, as for the stock scheduler. */
import type { Schema } from '../../component/config/schema.ts';
import { duration, withDefault } from '../../component/config/schema.ts';

/** @param ms the default. Milliseconds */
export function durationOr(ms: number): Schema<number> {
  const schema = withDefault(duration({ min: 0 }), ms);
  return { ...schema, decode: (value, path, problems) => schema.decode(value, path, problems) || ms };
}

/** PUT /debug/flags/v changes the verbosity of the log while the daemon runs. */
import type { RootLogger } from './logging.ts';
import type { Handler } from './serving/exchange.ts';
import { text, textError } from './serving/exchange.ts';

const MAX_BODY = 100;

export function verbosityHandler(log: RootLogger): Handler {
  return async ({ req, res }) => {
    if (req.method !== 'PUT') return textError(res, 406, 'unsupported http method');
    let body = '';
    for await (const chunk of req.setEncoding('utf8')) {
      body += String(chunk);
      if (body.length > MAX_BODY) return textError(res, 400, 'body too long: want a number');
    }
    if (!/^\d{1,4}$/.test(body.trim()))
      return textError(res, 400, `failed to set klog.logging.verbosity: "${body.trim()}" is no whole number`);
    log.configure({ verbosity: Number(body) });
    text(res, `successfully set klog.logging.verbosity to ${body.trim()}`);
  };
}

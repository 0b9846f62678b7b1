/**
 * Lets plugin modules import the package entry for plugin authors wherever they lie: it is answered by this program itself,
 * so that nothing has to be installed beside them and statuses and keys are those of the scheduler that runs them.
 */
import { registerHooks } from 'node:module';
import * as api from '../plugin_api.ts';

export const PLUGIN_PACKAGE = 'ts-kubernetes-node/scheduler-plugin';

const URL = 'ts-kubernetes-node:scheduler-plugin';
const SHARED = Symbol.for(URL);

/** From now on, in this process. */
export function answerPluginImports(): void {
  Reflect.set(globalThis, SHARED, api);
  const names = Object.keys(api).filter((name) => /^[A-Za-z_]\w*$/.test(name));
  const source = `export const { ${names.join(', ')} } = globalThis[Symbol.for(${JSON.stringify(URL)})];`;
  registerHooks({
    resolve: (specifier, context, next) =>
      specifier === PLUGIN_PACKAGE
        ? { url: URL, format: 'module', shortCircuit: true }
        : next(specifier, context),
    load: (url, context, next) =>
      url === URL ? { format: 'module', source, shortCircuit: true } : next(url, context),
  });
}

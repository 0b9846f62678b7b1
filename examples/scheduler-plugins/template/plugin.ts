/** A start for a plugin: keep the methods that you need. docs/plugins.md tells what each may return. */
import { argsObject, definePlugin, unschedulable } from 'ts-kubernetes-node/scheduler-plugin';

export default definePlugin({
  name: 'MyPlugin',
  create(args, { log }) {
    const { label = 'example.com/keep-off' } = argsObject(args);
    if (typeof label !== 'string') throw new TypeError('label: want a string');
    log.info('Created', { label });
    return {
      filter: (_state, _pod, node) =>
        node.labels[label] === undefined ? undefined : unschedulable(`node(s) had the label ${label}`),
      eventsToRegister: () => ['NodeAdd', 'NodeLabelUpdate'],
      signPod: () => '',
    };
  },
});

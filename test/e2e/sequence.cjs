const { default: Sequencer } = require('@jest/test-sequencer');

const LAST = ['node_drain', 'daemon_restart', 'apiserver_restart', 'component_swap'];
const rank = (test) => LAST.findIndex((name) => test.path.includes(name));

module.exports = class extends Sequencer {
  sort(tests) {
    return [...tests].sort((a, b) => rank(a) - rank(b) || (a.path < b.path ? -1 : 1));
  }
};

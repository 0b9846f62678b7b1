/** Tells each test as it ends: on a real cluster one file takes minutes. */
module.exports = class {
  onTestFileStart(test) {
    process.stderr.write(`\n${test.path.replace(/^.*\/test\//, '')}\n`);
  }

  onTestCaseResult(_test, result) {
    const seconds = ((result.duration ?? 0) / 1000).toFixed(1);
    process.stderr.write(`  ${result.status} ${result.fullName} (${seconds} s)\n`);
    // In full when the file is through; the beginning is enough to watch.
    for (const message of result.failureMessages) {
      process.stderr.write(`    ${message.split('\n').slice(0, 4).join('\n    ').slice(0, 1000)}\n`);
    }
  }
};

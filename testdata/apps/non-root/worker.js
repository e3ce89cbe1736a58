const { default: PQueue } = require('p-queue');
const semver = require('semver');
const isNumber = require('is-number');

const queue = new PQueue({ concurrency: 2 });
queue.add(() => console.log(semver.inc('1.2.3', 'minor'), isNumber('5')));

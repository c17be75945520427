// What does V8 make of server.js until it has answered a client's first messages? Written to a file when stdin ends.
const { readFileSync, writeFileSync } = require('node:fs');
const { resolve } = require('node:path');
const { Script } = require('node:vm');

const [file, kept] = process.argv.slice(2).map((path) => resolve(path));
const script = new Script(readFileSync(file, 'latin1'), { filename: 'server.js' });
const server = { exports: {} };
script.runInThisContext()(server, require);
void server.exports.serveStdio(() => Promise.reject(new Error('nothing is called')), process.stdin, process.stdout);
// The last answer is given after stdin has ended.
process.stdin.on('end', () =>
  setImmediate(() => {
    writeFileSync(kept, script.createCachedData());
    process.exit(0);
  }),
);

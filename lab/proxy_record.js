'use strict';
// What the API proxy stand-in is told and what it tells: its configuration and its two logs.
//
// Standard output speaks as the real proxy does (one JSON object a line). The record is the lab's
// ground truth: what was received, sent and answered, with the address of each connection. Both
// are written synchronously, because this process is meant to die in some scenarios and the last
// line must survive it.

const fs = require('fs');

const config = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
const recordFile = fs.openSync(config.record, 'a');

const CREDENTIALS = new Set([
  'authorization', 'proxy-authorization', 'x-api-key', 'api-key', 'x-goog-api-key', 'cookie',
]);

function say(level, event, fields) {
  const line = { timestamp: new Date().toISOString(), level, event, ...fields };
  fs.writeSync(1, `${JSON.stringify(line)}\n`);
}

function record(event, fields) {
  const line = { at: new Date().toISOString(), event, ...fields };
  fs.writeSync(recordFile, `${JSON.stringify(line)}\n`);
}

function address(host, port) {
  const plain = (host || '').replace(/^::ffff:/, '');
  return plain.includes(':') ? `[${plain}]:${port}` : `${plain}:${port}`;
}
const near = (socket) => address(socket.localAddress, socket.localPort);
const far = (socket) => address(socket.remoteAddress, socket.remotePort);

/** Header lines as Node gives them raw, [name, value, name, value…], as names and credentials. */
function headerFacts(raw) {
  const names = raw.filter((_, i) => i % 2 === 0);
  const auth = [];
  names.forEach((name, i) => {
    if (CREDENTIALS.has(name.toLowerCase())) auth.push({ name, value: raw[2 * i + 1] });
  });
  return { header_names: names, auth };
}

/** What a request that Node wrote looked like on the wire, from the head Node composed itself. */
function sentFacts(head) {
  const lines = head.split('\r\n').slice(1).filter((line) => line.includes(': '));
  return headerFacts(lines.flatMap((line) => {
    const at = line.indexOf(': ');
    return [line.slice(0, at), line.slice(at + 2)];
  }));
}

module.exports = { config, say, record, address, near, far, headerFacts, sentFacts };

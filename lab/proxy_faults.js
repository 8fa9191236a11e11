'use strict';
// What the API proxy stand-in can be told to do wrong: to an answer on its way to the agent, and
// in place of one. Faults of keys and headers are in proxy.js, of TLS in proxy_tunnel.js.

const { Transform } = require('stream');

const { config } = require('./proxy_record');

const { faults } = config;
const LET_THROUGH = faults.stream_after || 4;

/** A pass-through that calls `edit(text, index)` for each piece, with where it may end early. */
function editor(edit) {
  let index = 0;
  return new Transform({
    transform(piece, encoding, done) { edit.call(this, piece, index += 1); done(); },
  });
}

const EVENT_END = '\n\n';
const STREAM_FAULTS = {
  /** Healthy: the same bytes in pieces of another size, cut through events and lines. */
  rechunk: { through: () => editor(function cut(piece) {
    for (let at = 0; at < piece.length; at += 100) this.push(piece.subarray(at, at + 100));
  }) },
  /** Nothing until the upstream has finished, then everything at once. */
  buffer: { through: () => {
    const held = [];
    return new Transform({
      transform(piece, encoding, done) { held.push(piece); done(); },
      flush(done) { done(null, Buffer.concat(held)); },
    });
  } },
  /** One event loses its field name, one its blank line: the framing no longer parses. */
  mangle: { through: () => editor(function spoil(piece, index) {
    const text = piece.toString('utf8');
    if (index === 3) this.push(text.replace('data: ', 'data '));
    else if (index === 4) this.push(text.replace(EVENT_END, '\n'));
    else this.push(piece);
  }) },
  /** The agent's connection is dropped after some pieces; the tunnel goes on to its end. */
  truncate: { through: (response, res) => editor(function stop(piece, index) {
    if (index <= LET_THROUGH) this.push(piece);
    if (index === LET_THROUGH) setImmediate(() => res.destroy());
  }) },
  /** The same loss behind a clean last chunk: an SDK may call this success. */
  'truncate-clean': { through: () => editor(function stop(piece, index) {
    if (index <= LET_THROUGH) this.push(piece);
  }) },
  'content-type': { headers: (headers) => { headers['content-type'] = 'text/plain'; } },
  /** The label says gzip and the body is plain. */
  'gzip-label': { headers: (headers) => { headers['content-encoding'] = 'gzip'; } },
  /** The body is gzip and the label is gone. */
  'gzip-unlabelled': { headers: (headers) => { delete headers['content-encoding']; } },
};

/** Refusals by budget: the error's type, and status, error and headers of the answer. */
const GUARDS = {
  rate_limit_error: (name, limit, call) => [429, {
    type: name, provider: call.provider, limit, window: 'per_minute', retry_after: 60,
    message: `Rate limit exceeded for ${call.provider} provider. Limit: ${limit} requests per `
      + 'minute. Retry after 60 seconds.',
  }, {
    'Retry-After': 60, 'X-RateLimit-Limit': limit, 'X-RateLimit-Remaining': 0,
    'X-RateLimit-Reset': Math.floor(Date.now() / 1000) + 60, 'X-Request-ID': call.id,
  }],
  max_runs_exceeded: (name, limit) => [429, {
    type: name, message: `Maximum LLM invocations exceeded (${limit} / ${limit}).`,
    invocation_count: limit, max_runs: limit,
  }],
  permission_denied_limit_exceeded: (name, limit) => [403, {
    type: name, message: `Too many permission-denied answers (${limit} / ${limit}).`,
    denied_count: limit, max_permission_denied: limit,
  }],
};

module.exports = { STREAM_FAULTS, GUARDS };

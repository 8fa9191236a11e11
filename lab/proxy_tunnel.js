'use strict';
// The API proxy stand-in's way out: CONNECT through Squid, TLS inside, one tunnel for each call.

const https = require('https');
const net = require('net');
const tls = require('tls');
const { Duplex } = require('stream');

const { config, record, near, far, sentFacts } = require('./proxy_record');

const { faults } = config;

/** Squid's refusal, dressed as the connection the caller asked for: it reads the error page as
 * if it were the API's answer, and nothing that it writes ever leaves. */
class Refusal extends Duplex {
  constructor(socket, head) {
    super();
    this.socket = socket;
    this.push(head);
    socket.on('data', (bytes) => this.push(bytes));
    socket.on('end', () => this.push(null));
    socket.on('error', (error) => this.destroy(error));
    socket.resume();
  }
  _read() {}
  _write(bytes, encoding, done) { done(); }
  _destroy(error, done) { this.socket.destroy(); done(error); }
}

/** Reads the head of Squid's reply and leaves what follows it in the socket. */
function readReply(socket, done) {
  let bytes = Buffer.alloc(0);
  const finish = (error, head) => {
    socket.off('data', onData).off('end', onEnd).off('error', finish);
    done(error, head, bytes);
  };
  const onEnd = () => finish(new Error('Proxy connection ended before receiving CONNECT response'));
  const onData = (piece) => {
    bytes = Buffer.concat([bytes, piece]);
    const end = bytes.indexOf('\r\n\r\n');
    if (end < 0) return;
    socket.pause();
    finish(null, bytes.toString('latin1', 0, end));
  };
  socket.on('data', onData).on('end', onEnd).on('error', finish);
}

let lastSession; // for `resume`: the newest TLS session, whichever host gave it
function secure(socket, servername) {
  const secured = tls.connect({
    socket, servername, ALPNProtocols: undefined,
    session: faults.resume ? lastSession : undefined,
    maxVersion: faults.tls_version || 'TLSv1.3',
  });
  secured.on('session', (session) => { lastSession = session; });
  return secured;
}

/** CONNECTs without an answer so far, each with what records it: told at the end of the process. */
const unanswered = new Map();
process.on('exit', () => unanswered.forEach((attempt) => attempt({ error: 'no answer' })));

/** An agent for one call: CONNECT through Squid, then TLS inside. */
class Tunnel extends https.Agent {
  constructor(call) {
    super({ keepAlive: false });
    this.call = call;
  }

  createConnection(options, callback) {
    const authority = `${options.host}:${config.upstream_port}`;
    const socket = net.connect(config.squid.port, config.squid.host);
    const { call } = this;
    const attempt = (fields) => record('attempt', {
      request: call.id, purpose: call.purpose, tunnel: call.tunnel, proxy: call.proxy, authority,
      status: null, reason: null, squid_error: null, ...fields,
    });
    socket.once('connect', () => {
      call.tunnel = near(socket);
      call.proxy = far(socket);
      unanswered.set(socket, attempt);
      socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n`
        + 'Proxy-Connection: close\r\n\r\n');
    });
    readReply(socket, (error, head, bytes) => {
      unanswered.delete(socket);
      if (error) {
        attempt({ error: error.message });
        socket.destroy();
        callback(error);
        return;
      }
      const [line, ...fields] = head.split('\r\n');
      const [, status, reason] = /^HTTP\/1\.\d (\d{3}) ?(.*)$/.exec(line);
      const squid = fields.find((field) => /^x-squid-error:/i.test(field));
      attempt({
        status: Number(status), reason,
        squid_error: squid ? squid.slice(squid.indexOf(':') + 1).trim() : null,
      });
      call.refused = status !== '200';
      callback(null, call.refused ? new Refusal(socket, bytes) : secure(socket, options.servername));
    });
  }
}

/** Starts one HTTP call inside a tunnel of its own. */
function callUpstream(call, { method, path, host, headers, body }, answered, failed) {
  const request = https.request({ agent: new Tunnel(call), host, method, path, headers });
  request.on('response', (response) => {
    record('upstream_response', {
      request: call.id, tunnel: call.tunnel, status: response.statusCode,
      source: call.refused ? 'squid' : 'upstream',
    });
    answered(response);
  });
  request.on('error', failed);
  request.on('socket', (socket) => {
    // Bytes count as sent when TLS can carry them: not before the handshake, never to a refusal.
    socket.once('secureConnect', () => record('sent', {
      request: call.id, purpose: call.purpose, tunnel: call.tunnel, host, method, path,
      ...sentFacts(request._header), tls: socket.getProtocol(), resumed: socket.isSessionReused(),
    }));
  });
  if (body) request.write(body);
  request.end();
}

module.exports = { callUpstream, secure };

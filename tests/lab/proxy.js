'use strict';
// A stand-in for the firewall's API proxy: the same habits on the wire, none of its features.
//
//   node proxy.js CONFIG.json
//
// It listens for agents in plaintext, swaps the placeholder for the real key and calls the API
// through a CONNECT tunnel of its own: one new tunnel per call, TLS without ALPN, HTTP/1.1
// inside. proxy.py writes the configuration and says what its fields mean.
//
// Two logs. Standard output speaks as the real proxy does (one JSON object a line). The record
// is the lab's ground truth: what was received, sent and answered, with the address of each
// connection; it is written synchronously, because this process is meant to die in some
// scenarios and the last line must survive it.

const fs = require('fs');
const http = require('http');
const https = require('https');
const net = require('net');
const tls = require('tls');
const { randomUUID } = require('crypto');
const { Duplex, Transform } = require('stream');

const config = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
const old = config.generation === 'old';
const faults = config.faults || {};
const BODY_LIMIT = 10 * 1024 * 1024;

const bearer = (key) => ({ Authorization: `Bearer ${key}` });

// One row a provider: its port, the name errors use, the variable that would hold its key, what
// is injected, and the calls the newer generation makes at start-up.
const PROVIDERS = {
  openai: {
    port: 10000, title: 'OpenAI', variable: 'OPENAI_API_KEY', host: 'api.openai.com',
    inject: bearer, prefix: '/v1',
    probes: [['GET', '/v1/models'], ['GET', '/v1/models']],
  },
  anthropic: {
    port: 10001, title: 'Anthropic', variable: 'ANTHROPIC_API_KEY', host: 'api.anthropic.com',
    inject: (key, headers) => ({
      'x-api-key': key,
      ...(headers['anthropic-version'] ? {} : { 'anthropic-version': '2023-06-01' }),
    }),
    probes: [['POST', '/v1/messages', '{}'], ['GET', '/v1/models']],
  },
  copilot: {
    port: 10002, title: 'GitHub Copilot', variable: 'COPILOT_GITHUB_TOKEN',
    host: 'api.githubcopilot.com',
    inject: (key) => ({
      Authorization: `${faults.copilot_scheme || 'Bearer'} ${key}`,
      'Copilot-Integration-Id': 'copilot-developer-cli',
    }),
    probes: [],
  },
  gemini: {
    port: 10003, title: 'Gemini', variable: 'GEMINI_API_KEY',
    host: 'generativelanguage.googleapis.com', newer: true,
    inject: (key) => ({ 'x-goog-api-key': key }), probes: [],
  },
  vertex: {
    port: 10004, title: 'Vertex', variable: 'GOOGLE_API_KEY', host: 'aiplatform.googleapis.com',
    newer: true, inject: (key) => ({ 'x-goog-api-key': key }), probes: [],
  },
};
// Before the Vertex port there was OpenCode, an alias of Anthropic with the same key.
if (old) PROVIDERS.opencode = { ...PROVIDERS.anthropic, port: 10004, key: 'anthropic' };

const STRIPPED = new Set([
  'host', 'authorization', 'proxy-authorization', 'x-api-key', 'x-goog-api-key', 'forwarded',
  'via', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-forwarded-port',
]);
const CREDENTIALS = new Set([
  'authorization', 'proxy-authorization', 'x-api-key', 'api-key', 'x-goog-api-key', 'cookie',
]);

// ---------------------------------------------------------------------------------- the logs

function say(level, event, fields) {
  const line = { timestamp: new Date().toISOString(), level, event, ...fields };
  fs.writeSync(1, `${JSON.stringify(line)}\n`);
}

const recordFile = fs.openSync(config.record, 'a');
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

// -------------------------------------------------------------------------------- the tunnel

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
      socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n`
        + 'Proxy-Connection: close\r\n\r\n');
    });
    readReply(socket, (error, head, bytes) => {
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

// ----------------------------------------------------------------- what may happen to an answer

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
    if (index <= (faults.stream_after || 4)) this.push(piece);
    if (index === (faults.stream_after || 4)) setImmediate(() => res.destroy());
  }) },
  /** The same loss behind a clean last chunk: an SDK may call this success. */
  'truncate-clean': { through: () => editor(function stop(piece, index) {
    if (index <= (faults.stream_after || 4)) this.push(piece);
  }) },
  'content-type': { headers: (headers) => { headers['content-type'] = 'text/plain'; } },
  /** The label says gzip and the body is plain. */
  'gzip-label': { headers: (headers) => { headers['content-encoding'] = 'gzip'; } },
  /** The body is gzip and the label is gone. */
  'gzip-unlabelled': { headers: (headers) => { delete headers['content-encoding']; } },
};

// ------------------------------------------------------------------------------ agent requests

/** An answer of the proxy's own: Title-Case names, chunked, unlike anything it relays. */
function refuse(call, res, status, body, headers = {}) {
  call.source = 'proxy';
  res.writeHead(status, { ...headers, 'Content-Type': 'application/json' });
  res.write(JSON.stringify(body));
  res.end();
}

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
let served = 0;

function guarded(call, res) {
  const { guard } = faults;
  if (!guard) return false;
  served += 1;
  if (served <= (guard.after || 0)) return false;
  const [status, error, headers] = GUARDS[guard.name](guard.name, guard.after || 0, call);
  say('warn', guard.name, { request_id: call.id, provider: call.provider });
  refuse(call, res, status, { error }, { 'X-Request-ID': call.id, ...headers });
  return true;
}

/** The key as the generation treats it: the newer trims what the environment gave it. */
function keyOf(name) {
  const key = config.keys[PROVIDERS[name].key || name];
  return old || key === undefined ? key : key.trim();
}

function upstreamPath(provider, url) {
  const target = new URL(url, 'http://proxy');
  ['key', 'apiKey', 'api_key'].forEach((name) => target.searchParams.delete(name));
  const path = target.pathname + target.search;
  const { prefix } = provider;
  return old || !prefix || path.startsWith(`${prefix}/`) ? path : prefix + path;
}

function injected(name, headers) {
  return PROVIDERS[name].inject(keyOf(name), headers);
}

function upstreamHeaders(name, call, req) {
  const headers = {};
  for (const [field, value] of Object.entries(req.headers)) {
    if (!STRIPPED.has(field)) headers[field] = value;
  }
  headers['x-request-id'] = call.id;
  return Object.assign(headers, injected(name, headers));
}

/** Gives the upstream's answer to the agent, under the proxy's request id. */
function relay(call, response, res) {
  const headers = { 'x-request-id': call.id };
  for (const [field, value] of Object.entries(response.headers)) {
    if (field !== 'x-request-id') headers[field] = value;
  }
  call.source = call.refused ? 'squid' : 'upstream';
  const streams = /event-stream/.test(headers['content-type'] || '') || faults.stream_any;
  const fault = streams ? STREAM_FAULTS[faults.stream] || {} : {};
  if (fault.headers) fault.headers(headers);
  if (fault.through) delete headers['content-length'];
  res.writeHead(response.statusCode, headers);
  let bytes = 0;
  response.on('data', (piece) => { bytes += piece.length; });
  response.on('end', () => say('info', 'request_complete', {
    request_id: call.id, provider: call.provider, method: call.method, path: call.path,
    status: response.statusCode, duration_ms: Date.now() - call.started,
    request_bytes: call.bytes, response_bytes: bytes, upstream_host: call.host,
  }));
  if ([401, 403].includes(response.statusCode) && !old) {
    say('warn', 'upstream_auth_error', {
      request_id: call.id, provider: call.provider, status: response.statusCode,
      upstream_host: call.host, path: call.path,
      message: `Upstream returned ${response.statusCode} — check that the API key is valid and `
        + 'correctly formatted',
    });
  }
  response.on('error', (error) => {
    say('error', 'request_error', {
      request_id: call.id, provider: call.provider, method: call.method, path: call.path,
      duration_ms: Date.now() - call.started, error: error.message, upstream_host: call.host,
    });
    // The older generation hides the cut behind a clean last chunk, the newer shows it.
    if (old) res.end(JSON.stringify({ error: 'Response stream error', message: error.message }));
    else res.destroy();
  });
  const through = fault.through && fault.through(response, res);
  if (!through) {
    response.pipe(res);
  } else if (faults.stream === 'truncate') {
    // Not a pipe: it would stop reading the tunnel once the agent's side is gone.
    response.on('data', (piece) => through.write(piece));
    through.pipe(res);
  } else {
    response.pipe(through).pipe(res);
  }
}

function forward(name, call, req, res, body) {
  const provider = PROVIDERS[name];
  const headers = upstreamHeaders(name, call, req);
  const failed = (error) => {
    say('error', 'request_error', {
      request_id: call.id, provider: call.provider, method: call.method, path: call.path,
      duration_ms: Date.now() - call.started, error: error.message, upstream_host: call.host,
    });
    if (res.headersSent) return;
    refuse(call, res, 502, { error: 'Proxy error', message: error.message },
      { 'X-Request-ID': call.id });
  };
  say('debug', 'auth_inject', {
    request_id: call.id, provider: call.provider, key_length: keyOf(name).length,
    has_anthropic_version: Boolean(req.headers['anthropic-version']),
  });
  const send = (again) => {
    const target = {
      method: req.method, path: upstreamPath(provider, req.url), host: call.host, headers, body,
    };
    callUpstream(call, target, (response) => {
      const retry = !again && !old && response.statusCode === 400 && headers['anthropic-beta'];
      if (!retry) relay(call, response, res);
      else withoutBeta(call, response, res, () => { delete headers['anthropic-beta']; send(true); });
    }, failed);
  };
  send(false);
}

/** A 400 that blames `anthropic-beta` is tried once more without that header. */
function withoutBeta(call, response, res, again) {
  const pieces = [];
  response.on('data', (piece) => pieces.push(piece));
  response.on('end', () => {
    const text = Buffer.concat(pieces);
    if (text.includes('anthropic-beta')) {
      say('warn', 'deprecated_header_retry', { request_id: call.id, header: 'anthropic-beta' });
      again();
      return;
    }
    call.source = 'upstream';
    res.writeHead(response.statusCode, { 'x-request-id': call.id, ...response.headers });
    res.end(text);
  });
}

function newCall(name, req, kind) {
  const call = {
    id: randomUUID(), purpose: 'agent', provider: name, method: req.method,
    path: req.url.split('?')[0], host: config.targets[name] || PROVIDERS[name].host,
    started: Date.now(), source: null, refused: false, bytes: 0, tunnel: null,
  };
  record('request', {
    request: call.id, kind, provider: name, agent: far(req.socket), server: near(req.socket),
    method: req.method, target: req.url, http_version: req.httpVersion,
    ...headerFacts(req.rawHeaders),
  });
  return call;
}

/** Management calls, on the first port only. */
const MANAGEMENT = {
  '/health': () => ({ status: 'healthy', service: 'awf-api-proxy' }),
  '/metrics': () => ({ requests: served }),
  '/reflect': () => ({
    endpoints: Object.entries(PROVIDERS).map(([provider, { port }]) => (
      { provider, port, configured: keyOf(provider) !== undefined })),
  }),
};

function handle(name, req, res) {
  const provider = PROVIDERS[name];
  const call = newCall(name, req, 'http');
  res.on('close', () => record('answered', {
    request: call.id, status: res.headersSent ? res.statusCode : null, source: call.source,
    finished: res.writableFinished,
  }));
  if (name === 'openai' && MANAGEMENT[req.url]) {
    refuse(call, res, 200, MANAGEMENT[req.url]());
    return;
  }
  if (keyOf(name) === undefined) {
    say('warn', 'provider_not_configured', { provider: name, port: provider.port });
    refuse(call, res, 403, { error: {
      message: `Credentials for ${provider.title} (port ${provider.port}) are not configured. `
        + `Set ${provider.variable} to enable this provider.`,
      type: 'provider_not_configured', provider: name, port: provider.port, retryable: false,
    } });
    return;
  }
  if (guarded(call, res)) return;
  say('info', 'request_start', {
    request_id: call.id, provider: name, method: req.method, path: call.path,
    upstream_host: call.host,
  });
  const pieces = [];
  req.on('data', (piece) => {
    call.bytes += piece.length;
    if (call.bytes <= BODY_LIMIT) pieces.push(piece);
    else if (!res.headersSent) {
      refuse(call, res, 413, {
        error: 'Payload Too Large', message: 'Request body exceeds 10 MB limit',
      }, { 'X-Request-ID': call.id, Connection: 'close' });
    }
  });
  // A header value that Node refuses is thrown from here, with nobody to catch it: the process
  // ends. That is the fault this lab exists for; it must not be handled.
  req.on('end', () => {
    if (!res.headersSent) forward(name, call, req, res, Buffer.concat(pieces));
  });
}

// ---------------------------------------------------------------------------------- WebSocket

/** An upgrade takes another road: CONNECT by Node's own client, then a request written by hand,
 * so that a newline in a key ends the header block inside TLS instead of being refused. */
function upgrade(name, req, socket, head) {
  const call = newCall(name, req, 'websocket-upgrade');
  const authority = `${call.host}:${config.upstream_port}`;
  const close = (answer) => { if (answer) socket.end(answer); else socket.destroy(); };
  if (keyOf(name) === undefined) {
    close('HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n'
      + 'Connection: close\r\n\r\n{"error":"provider_not_configured"}');
    return;
  }
  say('info', 'websocket_upgrade_start', {
    request_id: call.id, provider: name, path: call.path, upstream_host: call.host,
  });
  const connect = http.request({
    host: config.squid.host, port: config.squid.port, method: 'CONNECT', path: authority,
    headers: { Host: authority },
  });
  const gone = () => close('HTTP/1.1 502 Bad Gateway\r\nConnection: close\r\n\r\n');
  connect.on('error', gone);
  connect.on('connect', (reply, tunnel) => {
    record('attempt', {
      request: call.id, purpose: 'agent', tunnel: near(tunnel), proxy: far(tunnel), authority,
      status: reply.statusCode, reason: reply.statusMessage,
      squid_error: reply.headers['x-squid-error'] || null,
    });
    if (reply.statusCode !== 200) { tunnel.destroy(); gone(); return; }
    const secured = secure(tunnel, call.host);
    secured.on('error', gone);
    secured.once('secureConnect', () => {
      const fields = Object.entries(req.headers).filter(([field]) => !STRIPPED.has(field));
      fields.push(...Object.entries(injected(name, req.headers)), ['host', call.host]);
      const text = `GET ${upstreamPath(PROVIDERS[name], req.url)} HTTP/1.1\r\n`
        + fields.map(([field, value]) => `${field}: ${value}\r\n`).join('');
      secured.write(`${text}\r\n`);
      secured.write(head);
      record('sent', {
        request: call.id, purpose: 'agent', tunnel: near(tunnel), host: call.host,
        method: 'GET', path: upstreamPath(PROVIDERS[name], req.url),
        ...headerFacts(fields.flat()), tls: secured.getProtocol(), resumed: false,
      });
      secured.once('data', (bytes) => {
        const status = Number(bytes.toString('latin1', 9, 12)) || null;
        record('upstream_response', {
          request: call.id, tunnel: near(tunnel), status, source: 'upstream',
        });
        record('answered', { request: call.id, status, source: 'upstream', finished: true });
      });
      secured.pipe(socket);
      socket.pipe(secured);
    });
  });
  connect.end();
  socket.on('error', () => {});
}

// ------------------------------------------------------------------------------------ start-up

/** The newer generation tries its keys before any agent asks: these tunnels are its own. */
function probe(name, [method, path, body]) {
  const provider = PROVIDERS[name];
  const call = {
    id: null, purpose: 'startup', host: config.targets[name] || provider.host, refused: false,
  };
  const headers = { ...injected(name, {}), ...(body ? { 'content-type': 'application/json' } : {}) };
  return new Promise((resolve) => {
    callUpstream(call, { method, path, host: call.host, headers, body }, (response) => {
      response.on('error', () => resolve(null));
      response.on('end', () => resolve(response.statusCode)).resume();
    }, () => resolve(null));
  });
}

/** The first probe judges the key, the second fetches the models and is not spoken of. */
async function validate(name) {
  const [status] = await Promise.all(PROVIDERS[name].probes.map((call) => probe(name, call)));
  if (status === undefined) return;
  const verdicts = { 200: 'valid', 400: 'valid', 401: 'auth_rejected', 403: 'auth_rejected' };
  say('info', 'key_validation', {
    provider: name, status: verdicts[status] || 'inconclusive', httpStatus: status,
  });
}

/** The newer generation listens everywhere; the older where it has a key, and for /health. */
function listens(name) {
  if (old && PROVIDERS[name].newer) return false;
  return !old || name === 'openai' || keyOf(name) !== undefined;
}

async function main() {
  const names = Object.keys(PROVIDERS).filter(listens);
  const configured = names.filter((name) => keyOf(name) !== undefined);
  say('info', 'startup', {
    message: 'Starting AWF API proxy sidecar',
    squid_proxy: `http://${config.squid.host}:${config.squid.port}`,
    providers_configured: configured,
  });
  await Promise.all(names.map((name) => new Promise((resolve) => {
    const { port } = PROVIDERS[name];
    const server = http.createServer((req, res) => handle(name, req, res));
    server.on('upgrade', (req, socket, head) => upgrade(name, req, socket, head));
    server.listen((config.ports || {})[port] || port, config.listen, () => {
      say('info', 'server_start', {
        message: `${name} proxy listening on port ${port}`,
        target: keyOf(name) === undefined ? '(not configured)' : PROVIDERS[name].host,
      });
      record('listening', { provider: name, address: address(server.address().address, server.address().port) });
      resolve();
    });
  })));
  if (!old && config.probes !== false) {
    await Promise.all(configured.map(validate));
  }
  record('ready', {});
}

process.on('SIGTERM', () => {
  say('info', 'shutdown', { message: 'Received SIGTERM, shutting down gracefully' });
  process.exit(0);
});
process.on('exit', (code) => record('exit', { code }));
// The real one has no such handler either and dies here too, on the wire in the same way: the
// kernel closes what it held. This one only keeps its stack trace to itself.
process.on('uncaughtException', (error) => {
  record('died', { error: error.code || error.name, message: error.message });
  process.exit(1);
});
main();

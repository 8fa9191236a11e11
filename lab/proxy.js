'use strict';
// A stand-in for the firewall's API proxy: the same habits on the wire, none of its features.
//
//   node proxy.js CONFIG.json
//
// It listens for agents in plaintext, swaps the placeholder for the real key and calls the API
// through a CONNECT tunnel of its own: one new tunnel per call, TLS without ALPN, HTTP/1.1
// inside. proxy.py writes the configuration and says what its fields mean.
//
// Its logs are in proxy_record.js, its way out in proxy_tunnel.js, what it can be told to do
// wrong in proxy_faults.js.

const http = require('http');
const { randomUUID } = require('crypto');
const { Readable } = require('stream');

const { config, say, record, address, near, far, headerFacts } = require('./proxy_record');
const { callUpstream, secure } = require('./proxy_tunnel');
const { STREAM_FAULTS, GUARDS } = require('./proxy_faults');

const { faults } = config;
const old = config.generation === 'old';
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
    inject: (key) => (faults.gemini_bearer ? bearer(key) : { 'x-goog-api-key': key }), probes: [],
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
// ------------------------------------------------------------------------------ agent requests

/** An answer of the proxy's own: Title-Case names, chunked, unlike anything it relays. */
function refuse(call, res, status, body, headers = {}) {
  call.source = 'proxy';
  res.writeHead(status, { ...headers, 'Content-Type': 'application/json' });
  res.write(JSON.stringify(body));
  res.end();
}

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
    if (!STRIPPED.has(field) || (faults.passes && field === 'authorization')) headers[field] = value;
  }
  headers['x-request-id'] = call.id;
  return faults.passes ? headers : Object.assign(headers, injected(name, headers));
}

const about = (call) => ({
  request_id: call.id, provider: call.provider, method: call.method, path: call.path,
  upstream_host: call.host,
});

function complain(call, error) {
  say('error', 'request_error', {
    ...about(call), duration_ms: Date.now() - call.started, error: error.message,
  });
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
    ...about(call), status: response.statusCode, duration_ms: Date.now() - call.started,
    request_bytes: call.bytes, response_bytes: bytes,
  }));
  if ([401, 403].includes(response.statusCode) && !old) {
    say('warn', 'upstream_auth_error', {
      ...about(call), status: response.statusCode,
      message: `Upstream returned ${response.statusCode} — check that the API key is valid and `
        + 'correctly formatted',
    });
  }
  response.on('error', (error) => {
    complain(call, error);
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
    if (res.headersSent) return; // the response itself has told
    complain(call, error);
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
    const { statusCode, headers } = response;
    relay(call, Object.assign(Readable.from([text]), { statusCode, headers }), res);
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
    finished: res.writableFinished, read: req.complete,
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
  say('info', 'request_start', about(call));
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

/** Records what Node answers by itself to a request that its parser cannot read to its end, and
 * leaves the answering to Node: with a listener of its own a server would not do it. */
function recordUnread(server) {
  const emit = server.emit.bind(server);
  server.emit = (event, ...rest) => {
    if (event === 'clientError') {
      const [error, socket] = rest;
      const begun = socket._httpMessage && socket._httpMessage.headersSent;
      record('unread', {
        agent: far(socket), error: error.code, status: socket.writable && !begun ? 400 : null,
      });
    }
    return emit(event, ...rest);
  };
}

// ---------------------------------------------------------------------------------- WebSocket

/** An upgrade takes another road: CONNECT by Node's own client, then a request written by hand,
 * so that a newline in a key ends the header block inside TLS instead of being refused. */
function upgrade(name, req, socket, head) {
  const call = newCall(name, req, 'websocket-upgrade');
  const authority = `${call.host}:${config.upstream_port}`;
  const answered = (status, source) => record('answered', {
    request: call.id, status, source, finished: true,
  });
  const close = (status, reason, error) => {
    const text = JSON.stringify({ error });
    socket.end(`HTTP/1.1 ${status} ${reason}\r\nContent-Type: application/json\r\n`
      + `Content-Length: ${text.length}\r\nConnection: close\r\n\r\n${text}`);
    answered(status, 'proxy');
  };
  if (keyOf(name) === undefined) {
    close(503, 'Service Unavailable', 'provider_not_configured');
    return;
  }
  say('info', 'websocket_upgrade_start', about(call));
  const connect = http.request({
    host: config.squid.host, port: config.squid.port, method: 'CONNECT', path: authority,
    headers: { Host: authority },
  });
  const gone = () => close(502, 'Bad Gateway', 'Proxy error');
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
        answered(status, 'upstream');
        secured.off('error', gone).on('error', () => socket.destroy());
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
    recordUnread(server);
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

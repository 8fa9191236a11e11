// undici with a ProxyAgent: a client that sends even requests for the API proxy through Squid.
//
// Run as `node undici.mjs '{"url": …, "proxy": "http://172.30.0.10:3128", "tunnel": true, …}'`; prints
// the rows described in lab/clients/__init__.py.  `tunnel`: plain HTTP inside
// `CONNECT 172.30.0.30:10001`; otherwise absolute-form.  Both forms were seen of real agents.
import { createRequire } from "node:module";

const require = createRequire(process.env.LAB_NODE_MODULES + "/");
const { ProxyAgent, request } = require("undici");

const spec = JSON.parse(process.argv[2]);
const credentials = new Set(["authorization", "x-api-key", "api-key"]);
const agent = new ProxyAgent({ uri: spec.proxy, proxyTunnel: spec.tunnel });
const place = new URL(spec.url);
const row = {
  event: "client_call",
  program: "undici",
  n: 1,
  client: null,
  server: new URL(spec.proxy).host,
  via: spec.tunnel ? "connect" : "absolute",
  method: "POST",
  target: spec.tunnel ? place.pathname + place.search : spec.url,
  header_names: null,
  user_agent: new Headers(spec.headers).get("user-agent"),
  auth: spec.headers.filter(([name]) => credentials.has(name)).map(([name, value]) => ({ name, value })),
  status: null,
  body_bytes: 0,
  response_finished: false,
  error: null,
  started_at: Date.now() / 1000,
};
try {
  const response = await request(spec.url, {
    method: "POST",
    dispatcher: agent,
    headers: Object.fromEntries(spec.headers),
    body: spec.body,
  });
  row.status = response.statusCode;
  for await (const chunk of response.body) row.body_bytes += chunk.length;
  row.response_finished = true;
} catch (error) {
  row.error = `${error.name}: ${error.message}`;
}
console.log(JSON.stringify(row));
await agent.close();

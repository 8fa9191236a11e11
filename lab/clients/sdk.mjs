// @anthropic-ai/sdk under Node, as an agent uses it.
//
// Run as `node sdk.mjs '{"base_url": …, "auth_token": …, "calls": 2, "stream": false}'`; prints the
// rows described in lab/clients/__init__.py, one for each request the SDK made, its own
// retries included.  fetch tells neither ports nor the order of headers: those are null here.
import { createRequire } from "node:module";

// Installed into a cache outside of the checkout: resolved from there.
const require = createRequire(process.env.LAB_NODE_MODULES + "/");
const { Anthropic } = require("@anthropic-ai/sdk");

const spec = JSON.parse(process.argv[2]);
const credentials = new Set(["authorization", "x-api-key", "api-key"]);
let rows = [];

async function told(url, options) {
  const headers = [...new Headers(options.headers)];
  const place = new URL(url);
  const row = {
    event: "client_call",
    program: "anthropic-node",
    n: rows.length + 1,
    client: null,
    server: place.host,
    via: "direct",
    method: options.method,
    target: place.pathname + place.search,
    header_names: null,
    user_agent: new Headers(options.headers).get("user-agent"),
    auth: headers.filter(([name]) => credentials.has(name)).map(([name, value]) => ({ name, value })),
    status: null,
    body_bytes: null,
    response_finished: false,
    error: null,
    started_at: Date.now() / 1000,
  };
  rows.push(row);
  const response = await fetch(url, options);
  row.status = response.status;
  row.response_finished = response.status >= 400;
  return response;
}

const client = new Anthropic({
  baseURL: spec.base_url,
  apiKey: spec.api_key ?? null,
  authToken: spec.auth_token ?? null,
  maxRetries: spec.retries ?? 2,
  timeout: (spec.timeout ?? 20) * 1000,
  fetch: told,
});

for (let call = 0; call < (spec.calls ?? 1); call++) {
  rows = [];
  try {
    const answer = await client.messages.create({
      model: "claude-lab-1",
      max_tokens: 64,
      stream: spec.stream ?? false,
      messages: [{ role: "user", content: "Say hello to the lab." }],
    });
    if (spec.stream) for await (const _ of answer);
    rows.at(-1).response_finished = true;
  } catch (error) {
    if (rows.length) rows.at(-1).error = `${error.name}: ${error.message}`;
  }
  for (const row of rows) console.log(JSON.stringify(row));
}

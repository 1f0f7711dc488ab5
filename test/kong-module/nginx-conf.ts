/**
 * What Kong 3.9 makes of a route with a filter chain, as one nginx configuration, by the module's own Lua bridge: a chain hangs on a
 * route (`chain` in the folder names filter and configuration), is built in each worker at its start and again when it changes,
 * keeps serving as it was when the new one cannot be built, and is attached at the end of the access phase. A chain that cannot be
 * built when a worker starts is none: requests pass.
 * Behind that route stands a second one, as config/kong has it: for the gateway's own address only, and only with the key.
 */

import { httpPreamble, preamble, wasmBlock } from "./process.js";

export interface ConfOptions {
  readonly folder: string;
  readonly ports: { readonly gateway: number; readonly guard: number; readonly control: number };
  readonly upstreamPort: number;
  readonly workers: number;
  /** Name and path of each `.wasm` that Kong would find in `wasm_filters_path`. */
  readonly modules: Readonly<Record<string, string>>;
  readonly key: { readonly name: string; readonly value: string };
  /** `large_client_header_buffers`; Kong leaves nginx's own. */
  readonly headerBuffers?: string | undefined;
  /** `kong.node.id`. */
  readonly nodeId?: string | undefined;
  /** Where requests go that the filter lets through, and under which host, in the place of the guarded server below. */
  readonly onward?: { readonly port: number; readonly host: string } | undefined;
}

const chainLua = (folder: string, nodeId: string): string => `
local proxy_wasm = require "resty.wasmx.proxy_wasm"
jit.off(proxy_wasm.set_host_properties_handlers)
if proxy_wasm.start then jit.off(proxy_wasm.start) end

local chain = { version = "", plan = nil }

local function read()
  local file = io.open("${folder}/chain", "rb")
  if not file then return "0 apply", "", "" end
  local version, name, configuration = file:read("*l"), file:read("*l"), file:read("*a")
  file:close()
  return version, name, configuration
end

-- A chain that cannot be built leaves the one before in place.
local function rebuild()
  local first, name, configuration = read()
  local version, how = first:match("^(%d+) (%a+)$")
  if version == chain.version then return end
  -- Meant for the workers that are about to start.
  if how == "reload" and chain.version ~= "" then return end
  local result = "none"
  if name == "" then
    chain.plan = nil
  else
    local plan, err = proxy_wasm.new({ { name = name, config = configuration } })
    local ok = plan ~= nil
    if ok then ok, err = proxy_wasm.load(plan) end
    if ok then
      chain.plan = plan
      result = "built"
    else
      result = "failed"
      ngx.log(ngx.ERR, "chain not built: ", err)
    end
  end
  chain.version = version
  ngx.shared.applied:set(tostring(ngx.worker.pid()), version .. " " .. result)
end

-- As Kong: what is set under kong.ctx.shared, and no other name: that is a trap, which the query trap= asks for.
local PREFIX = "kong.ctx.shared."
local function set(name, value)
  if name:sub(1, #PREFIX) ~= PREFIX or ngx.var.arg_trap then return false end
  ngx.ctx.shared[name:sub(#PREFIX + 1)] = value
  return true
end
local function get(name)
  if name == "kong.node.id" then return true, "${nodeId}", true end
  if name:sub(1, #PREFIX) ~= PREFIX then return false end
  local value = ngx.ctx.shared[name:sub(#PREFIX + 1)]
  return value ~= nil, value, false
end

function attach()
  ngx.ctx.shared = {}
  if not chain.plan then return end
  local ok, err = proxy_wasm.attach(chain.plan)
  if ok then ok, err = proxy_wasm.set_host_properties_handlers(get, set) end
  -- Modules of before Kong 3.8 begin only then.
  if ok and proxy_wasm.start then ok, err = proxy_wasm.start() end
  if not ok then
    ngx.log(ngx.CRIT, "chain not attached: ", err)
    return ngx.exit(500)
  end
end

rebuild()
ngx.timer.every(0.02, rebuild)
`;

/** A line for each request of the gateway: status, and what the filter set, in base64. */
const logLua = (folder: string): string => `
local parts = { ngx.status }
for name, value in pairs(ngx.ctx.shared or {}) do
  parts[#parts + 1] = name .. "=" .. ngx.encode_base64(value)
end
local file = io.open("${folder}/requests.log", "ab")
file:write(table.concat(parts, " "), "\\n")
file:close()
`;

/** key-auth with hide_credentials: exactly one line of that header, and it goes no further. */
const keyLua = (key: ConfOptions["key"]): string => `
local given = ngx.req.get_headers()["${key.name}"]
if given ~= "${key.value}" then return ngx.exit(401) end
ngx.req.clear_header("${key.name}")
`;

const block = (directive: string, lua: string): string => `${directive}_by_lua_block {${lua}}`;

export function nginxConf(options: ConfOptions): string {
  const { folder, ports, upstreamPort, workers, modules, key, headerBuffers, nodeId = "test-gateway" } = options;
  const onward = (port: number, host = "$http_host"): string => `
      proxy_http_version 1.1;
      proxy_set_header Host ${host};
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $onward_connection;
      proxy_pass http://127.0.0.1:${port}$request_uri;`;
  return `
${preamble(folder, workers)}
${wasmBlock(modules)}
http {
${httpPreamble(folder)}
  underscores_in_headers on;
  ${headerBuffers === undefined ? "" : `large_client_header_buffers ${headerBuffers};`}
  lua_shared_dict applied 1m;
  map $http_upgrade $onward_connection { default upgrade; "" ""; }
  ${block("init_worker", chainLua(folder, nodeId))}
  server {
    listen 127.0.0.1:${ports.gateway};
    server_name kong;
    http2 on;
    ${block("log", logLua(folder))}
    error_page 400 404 405 408 411 412 413 414 417 494 500 502 503 504 /kong_error_handler;
    location = /kong_error_handler {
      internal;
      default_type "";
      content_by_lua_block { ngx.say("handled ", ngx.status) }
    }
    location / {
      set $kong_request_id $request_id;
      access_by_lua_block { attach() }
      ${options.onward === undefined ? onward(ports.guard) : onward(options.onward.port, options.onward.host)}
    }
  }
  server {
    listen 127.0.0.1:${ports.guard};
    server_name guarded;
    location / {
      allow 127.0.0.1;
      deny all;
      ${block("access", keyLua(key))}
      ${onward(upstreamPort)}
    }
  }
  server {
    listen 127.0.0.1:${ports.control};
    server_name control;
    location / {
      content_by_lua_block {
        if ngx.var.uri == "/collect" then collectgarbage() collectgarbage() end
        for _, pid in ipairs(ngx.shared.applied:get_keys(0)) do ngx.say(pid, " ", ngx.shared.applied:get(pid)) end
      }
    }
  }
}
`;
}

/**
 * `npm run bench:kong-module`: what the filter costs on Kong's own Wasm module, beside an empty filter and none, in one nginx. It needs
 * such an nginx: test/kong-module/process.ts says how it is named. Answers come from a file; the second route is not measured.
 */
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "../control/base/errors.js";
import type { World } from "../test/kit/world.js";
import { forKong, newWorld } from "../test/kong-module/gateway.js";
import { writeModules } from "../test/kong-module/modules.js";
import { kongWasm } from "../test/kong-module/nginx.js";
import { freePorts, httpPreamble, nginx, preamble, startNginx, until, wasmBlock } from "../test/kong-module/process.js";
import { cpuMicroseconds, cpuSource } from "./base/cpu.js";
import { readFlags } from "./base/flags.js";
import { shuffled } from "./base/shuffled.js";
import { spread } from "./base/statistics.js";
import { Client, requestText } from "./load/client.js";
import { today, writeSection } from "./report/page.js";

/** Whose access phase is what. */
const SERVERS = ["none", "lua", "empty", "glassgate"] as const;
type Server = (typeof SERVERS)[number];

interface Row {
  readonly name: string;
  readonly server: Server;
  readonly status: number;
  /** Each is sent once before the first comes again. */
  readonly headers: readonly Readonly<Record<string, string>>[];
}

/** More than are kept as accepted, so that each is verified anew. */
const NEW_GRANTS = 400;

function rowsOf(world: World): Row[] {
  const carrying = (grant: string) => ({ "x-break-glass": grant });
  const same = carrying(world.grant());
  const many = (make: () => string) => Array.from({ length: NEW_GRANTS }, () => carrying(make()));
  return [
    { name: "no filter", server: "none", status: 200, headers: [same] },
    { name: "no filter, Lua in the access phase", server: "lua", status: 200, headers: [same] },
    { name: "an empty filter", server: "empty", status: 200, headers: [same] },
    { name: "glassgate, no grant (401)", server: "glassgate", status: 401, headers: [{}] },
    { name: "glassgate, the same grant again, 3 signatures", server: "glassgate", status: 200, headers: [same] },
    {
      name: "glassgate, new grants, 1 Ed25519 signature",
      server: "glassgate",
      status: 200,
      headers: many(() => world.alone()),
    },
    {
      name: "glassgate, new grants, 3 signatures",
      server: "glassgate",
      status: 200,
      headers: many(() => world.grant()),
    },
    { name: "glassgate, no JWS (401)", server: "glassgate", status: 401, headers: [carrying("garbage")] },
  ];
}

const conf = (folder: string, ports: readonly number[], modules: Readonly<Record<string, string>>): string => `
${preamble(folder, 1)}
${wasmBlock(modules)}
http {
  ${httpPreamble(folder)}
  keepalive_requests 100000000;
  keepalive_time 1d;
  open_file_cache max=10;
  init_worker_by_lua_block {
    local proxy_wasm = require "resty.wasmx.proxy_wasm"
    jit.off(proxy_wasm.set_host_properties_handlers)
    local function plan(name, configuration)
      local made = assert(proxy_wasm.new({ { name = name, config = configuration } }))
      assert(proxy_wasm.load(made))
      return made
    end
    local file = assert(io.open("${folder}/configuration", "rb"))
    local plans = { empty = plan("empty", ""), glassgate = plan("glassgate", file:read("*a")) }
    file:close()
    local PREFIX = "kong.ctx.shared."
    local function set(name, value)
      if name:sub(1, #PREFIX) ~= PREFIX then return false end
      ngx.ctx[name] = value
      return true
    end
    local function get(name)
      if name == "kong.node.id" then return true, "test-gateway", true end
      return ngx.ctx[name] ~= nil, ngx.ctx[name], false
    end
    function attach(name)
      if not plans[name] then return end
      assert(proxy_wasm.attach(plans[name]))
      assert(proxy_wasm.set_host_properties_handlers(get, set))
    end
  }
${SERVERS.map(
  (name, i) => `  server {
    listen 127.0.0.1:${ports[i]};
    root ${folder}/files;
    location / {
      set $kong_request_id $request_id;
      ${name === "none" ? "" : `access_by_lua_block { attach("${name}") }`}
      try_files /answer =404;
    }
  }`,
).join("\n")}
}
`;

/** @param args see `--help` */
export async function main(args: readonly string[]): Promise<void> {
  const flags = readFlags(
    {
      script: "bench:kong-module",
      about: "CPU time a request on Kong's own Wasm module: the filter beside an empty one and none, in one nginx.",
      numbers: {
        rounds: { about: "times that each row is measured", otherwise: 20 },
        requests: { about: "requests of one measurement", otherwise: 400 },
      },
      example: "--rounds 5",
    },
    args,
    process.env,
  );
  if (flags === undefined) return;
  if (nginx === undefined)
    throw new UserError("GLASSGATE_NGINX is not set.", {
      hint: "It names an nginx with ngx_wasm_module and its Lua bridge; the project has none.",
    });
  const folder = mkdtempSync(join(tmpdir(), "glassgate-kong-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  const world = newWorld();
  writeFileSync(join(folder, "configuration"), forKong(world.configuration()));
  mkdirSync(join(folder, "files"));
  writeFileSync(join(folder, "files", "answer"), "x".repeat(100));
  const rows = rowsOf(world);
  const ports = await freePorts(SERVERS.length);
  const modules = { glassgate: kongWasm, ...writeModules(folder, ["empty"]) };
  const running = startNginx(folder, conf(folder, ports, modules));
  const requests = flags.number("requests");
  const samples = new Map(rows.map((row): [Row, number[]] => [row, []]));
  const source = cpuSource();
  try {
    const portOf = (server: Server): number => ports[SERVERS.indexOf(server)] ?? 0;
    const open = (server: Server): Promise<Client | undefined> => Client.open(portOf(server), 4).catch(() => undefined);
    const clients = new Map<Server, Client>();
    for (const server of SERVERS)
      clients.set(server, await until(`nginx for ${server}`, running.log, () => open(server)));
    const measure = async ({ name, server, status, headers }: Row, requests: number): Promise<number> => {
      const texts = headers.map((lines) => requestText(lines));
      const [pid = 0] = running.pids();
      const before = cpuMicroseconds(pid, source);
      const { statuses } = (await clients
        .get(server)
        ?.load((i) => (i < requests ? texts[i % texts.length] : undefined))) ?? {
        statuses: new Map<number, number>(),
      };
      if (statuses.get(status) !== requests)
        throw new Error(`${name}: answers were ${[...statuses].map(([code, count]) => `${count} times ${code}`)}`);
      return (cpuMicroseconds(pid, source) - before) / requests;
    };
    for (const row of rows) await measure(row, requests);
    for (let round = 0; round < flags.number("rounds"); round++)
      for (const row of shuffled(rows)) samples.get(row)?.push(await measure(row, requests));
    for (const client of clients.values()) client.close();
  } finally {
    await running.stop();
  }
  const [bare = 0] = rows.map((row) => spread(samples.get(row) ?? []).median);
  const lines = [
    "| what | CPU µs a request | more than no filter | quartiles |",
    "|---|--:|--:|--:|",
    ...rows.map((row) => {
      const { median, low, high } = spread(samples.get(row) ?? []);
      const more = row === rows[0] ? "" : `+${(median - bare).toFixed(1)}`;
      return `| ${row.name} | ${median.toFixed(1)} | ${more} | ${low.toFixed(1)} to ${high.toFixed(1)} |`;
    }),
  ];
  const text = lines.join("\n");
  process.stdout.write(`${text}\n`);
  writeSection(
    "kong-module",
    `## The build for Kong on Kong's own module

\`npm run bench:kong-module\`, ${today()}: ngx_wasm_module in the nginx that GLASSGATE_NGINX names
(docs/gateways/kong-seen.md has the versions), one worker; glassgate-kong.wasm of ${statSync(kongWasm).size} bytes;
${flags.number("rounds")} rounds of ${requests} requests a row.

${text}`,
  );
  if (flags.json !== undefined)
    writeFileSync(
      flags.json,
      JSON.stringify(Object.fromEntries([...samples].map(([{ name }, values]) => [name, values]))),
    );
}

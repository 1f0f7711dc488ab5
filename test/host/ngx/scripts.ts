/**
 * What host calls answer on the other host, nginx with ngx_wasm_module: where it differs from Envoy (test/host/scripts.ts), and the
 * filter would have to know. The Node host must answer so (calls.test.ts, traps.test.ts), and that module does, where there is one
 * (test/kong-module/same-as-host.test.ts). The commands are those of test/assembly/host/ngx-script.ts.
 */
import type { Header } from "../../../control/host/host.js";
import { hex } from "./host.js";

export interface Case {
  readonly name: string;
  readonly script: string;
  readonly headers?: readonly Header[];
  /** `<authority>`, `<machine>`, `<filter>`, `<port>`, `<connection>` and `<address>` stand for what is so by chance, in hexadecimal digits. */
  readonly expected: string;
  /** Kong's Lua answers it, which is not there without a Kong. */
  readonly isKongs?: true;
}

export const CASES: readonly Case[] = [
  {
    name: "the server's name and port as :authority, the machine's name as request.host, the client's in host",
    script: "hget 0 :authority; prop request%00host; hget 0 host; prop ngx.host",
    expected: `0=<authority> 0=<machine> 0=${hex("h.example")} 0=${hex("h.example")}`,
  },
  {
    name: "pseudo-headers by their exact names, others by any spelling",
    script: "hget 0 :PATH; hget 0 HOST; hget 0 :path; hget 0 :method; hget 0 :scheme",
    expected: `1 0=${hex("h.example")} 0=${hex("/p?q=1")} 0=${hex("GET")} 0=${hex("http")}`,
  },
  {
    name: "missing and empty are two",
    script: "hget 0 e; hget 0 nope; hget 0 -",
    headers: [["e", ""]],
    expected: "0= 1 1",
  },
  {
    name: "of several equal headers, get and property show the first",
    script: "hget 0 x-break-glass; prop request%00headers%00x-break-glass; prop request.headers.X-Break-Glass",
    headers: [
      ["x-break-glass", "p"],
      ["X-Break-Glass", "q"],
    ],
    expected: "0=70 0=70 0=70",
  },
  {
    name: "maps that are not there; the response's is, and has nothing in it",
    script: "hget 2 x; hget 8 x; hpairs 8; hpairs 1; hadd 8 a b; hset 2 a b; hdel 8 a; hget 2 A; hdel 2 a; hpairs 2",
    expected: "1 1 2 2 10 0 10 0=62 0 0=00000000",
  },
  {
    name: "every property is text, and source.address has no port",
    script:
      "prop source%00address; prop source%00port; prop connection%00id; prop request%00protocol; prop connection%00mtls; prop connection%00sha256_peer_certificate_digest",
    expected: `0=<address> 0=<port> 0=<connection> 0=${hex("HTTP/1.1")} 1 1`,
  },
  {
    name: "what Envoy says of itself is not found",
    script: "prop xds%00node%00id; prop node; prop plugin_vm_id; prop filter_state%00wasm.k; prop plugin_name",
    expected: "1 1 1 1 0=<filter>",
  },
  {
    name: "Kong's own words",
    script: "prop kong.node.id; prop kong.version; prop kong.nope; prop kong.ctx.shared.k",
    expected: `0=${hex("node-host")} 0=${hex("3.9.0")} 1 1`,
    isKongs: true,
  },
  {
    name: "kong.ctx.shared can be set, by dots or NULs, and read back; set twice it is the last",
    script:
      "setprop kong.ctx.shared.k v; prop kong.ctx.shared.k; setprop kong%00ctx%00shared%00k w; prop kong%00ctx.shared.k",
    expected: `0 0=${hex("v")} 0 0=${hex("w")}`,
  },
  {
    name: "a variable that nginx's configuration declares can be set; other names are not found, what is read-only fails",
    script:
      "setprop ngx.glass v; prop ngx.glass; setprop ngx.other v; setprop glassgate.audit v; setprop ngx.uri v; setprop request%00path v",
    expected: `0 0=${hex("v")} 1 1 10 10`,
  },
  {
    name: "the configuration from its first byte, whatever `start`; the VM's is empty, and writes nothing",
    script: "buf 7 0 99; buf 7 3 4; buf 7 99 4; buf 7 0 0; buf 0 0 1; buf 9 0 1; buf 2 0 1",
    expected: `0=${hex("create: time")} 0=${hex("crea")} 0=${hex("crea")} 0=${hex("crea")} 1 2 2`,
  },
  {
    name: "the effective context: always Ok, never another",
    script: "effective 0; effective 99999; hget 0 :path",
    expected: `0 0 0=${hex("/p?q=1")}`,
  },
  {
    name: "an allocator that refuses is an internal failure, for pairs an invalid memory access; nonsense is one as well",
    script:
      "allocator 1; hget 0 :path; hget 0 :path; allocator 1; hpairs 0; allocator 3; hget 0 :path; allocator 1; prop source%00address",
    expected: `10 0=${hex("/p?q=1")} 6 6 10`,
  },
  { name: "an allocator may make host calls", script: "allocator 5; hget 0 :path", expected: `0=${hex("/p?q=1")}` },
  {
    name: "metrics: ids are checksums of names, and a name keeps the kind that it was defined with",
    script:
      "mdef 0 c; minc c 2; mget c; mdef 0 c; minc c 3; mget c; mdef 1 g; mrec g 9; mget g; mrec g -1; mdef 2 h; mrec h 1; mdef 1 c; mget c",
    expected: "0=0 0 0=2 0=0 0 0=5 0=1 0 0=9 0 0=0 0 0=0 0=5",
  },
  {
    name: "log, time, a callout, a stream that does not wait",
    script: "say 0 a; say 6 a; time; proceed 0; proceed 2",
    expected: "0 2 0=ns 0 10",
  },
];

/** An empty one: refused. */
export const PATHS: readonly (readonly [raw: string, seen: string])[] = [
  ["/a%2fb", "/a/b"],
  ["/a%3fq", "/a?q"],
  ["/%0a", "/\n"],
  ["/a//b/../c/./", "/a/c/"],
  ["/a/..", "/"],
  ["/%2e%2e/a", ""],
  ["/a%2525", "/a%25"],
  ["/a%23b?c=%2f", "/a#b?c=%2f"],
  ["/a#b?c", "/a"],
  ["http://other/a%41", "/aA"],
  ["/\xe9", "/\xe9"],
];

/** Calls that end the instance, each with its words in the log. */
export const TRAPS: readonly (readonly [name: string, script: string, reason: RegExp])[] = [
  ["proxy_get_status", "status", /not yet implemented\): proxy_get_status/],
  ["proxy_done", "finish", /not yet implemented\): proxy_done/],
  ["proxy_close_stream", "close 0", /not yet implemented\): proxy_close_stream/],
  ["proxy_get_log_level", "loglevel", /not yet implemented\): proxy_get_log_level/],
  [
    "any foreign function",
    "foreign verify_signature",
    /unknown foreign function|not yet implemented\): proxy_call_foreign_function/,
  ],
  ["shared data that is read, without shm_kv", "sget k", /could not resolve namespace/],
  ["shared data that is set, without shm_kv", "sset k v", /could not resolve namespace/],
  ["a tick that is set outside of the root", "timer 100", /can only set tick_period in root context/],
  ["an unknown metric, raised", "minc 40000 1", /metric not found/],
  ["an unknown metric, set", "mrec 40000 1", /metric not found/],
  ["an unknown metric, read", "mget 40000", /metric not found/],
  ["a metric of an unknown kind", "mdef 3 x", /unknown type/],
  ["a gauge that is raised", "mdef 1 g; minc g 1", /metric not a counter/],
  ["a counter that is set", "mdef 0 c; mrec c 1", /metric is a counter/],
  ["another kong.* property that is set", "setprop kong.nope v", /could not set "kong\.nope"/],
  ["the response's body, now", "buf 1 0 1", /can only get response body/],
  ["a body that is set, now", "setbuf 1 x", /can only set response body/],
  ["its own", "trap", /unreachable/],
];

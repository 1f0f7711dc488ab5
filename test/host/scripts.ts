/**
 * What the host calls answer. Each expectation is what Envoy 1.40 answers (same-as-envoy.test.ts asks it again); the Node
 * host must answer the same (calls.test.ts). The commands are those of test/assembly/host/script.ts.
 */
import type { Header } from "../../control/host/host.js";

export interface Case {
  readonly name: string;
  readonly script: string;
  readonly headers?: readonly Header[];
  readonly expected: string;
  readonly status?: number;
  /** Headers of the reply. */
  readonly answers?: readonly Header[];
  readonly lacks?: readonly string[];
}

/** Does nothing; must not be empty, as the fixture asks for it in each event. */
export const CONFIGURATION = "create: time";

export const METHOD_AND_PATH: readonly Header[] = [
  [":method", "GET"],
  [":scheme", "http"],
  [":path", "/p?q=1"],
  ["host", "h.example"],
];

export const CASES: readonly Case[] = [
  {
    name: "an address outside memory is status 6, whichever call and argument, and errno 21 of WASI's",
    script: "outside",
    expected: "6,6,6,6,6,6,6,6,6,6,6,6,6,6,6,6,6,6,6,6,6,6,6,6,6,6,6,0,6,0;21,0,21,0",
  },
  {
    name: "chance, 64 KiB at most",
    script: "random 16; random 0; random 65536; random 65537",
    expected: "0=16 0=0 0=65536 28=0",
  },
  {
    name: "a header by any spelling of its name",
    script: "hget 0 :path; hget 0 host; hget 0 HOST; hget 0 :authority",
    expected: "0=2f703f713d31 0=682e6578616d706c65 0=682e6578616d706c65 0=682e6578616d706c65",
  },
  {
    name: "missing and empty are two",
    script: "hget 0 e; hget 0 nope; hget 0 -",
    headers: [["e", ""]],
    expected: "0= 1 1",
  },
  {
    name: "maps that are not there, and unknown ones",
    script:
      "hget 1 x; hget 2 x; hget 3 x; hget 4 x; hget 7 x; hget 8 x; hget -1 x; hpairs 1; hpairs 2; hpairs 7; hpairs 8; hpairs -1; hadd 1 a b; hadd 2 a b; hadd 8 a b; hset 2 a b; hdel 8 a; hsize 2; hsize 8; hsetpairs 2 -",
    expected: "2 2 2 2 2 2 2 0= 0= 0= 2 2 2 2 2 2 2 2 2 2",
  },
  {
    name: "of several equal headers a get shows the first, the property all",
    script:
      "hget 0 x-break-glass; prop request%00headers%00x-break-glass; prop request%00headers%00X-BREAK-GLASS; prop request%00headers%00nope",
    headers: [
      ["x-break-glass", "p"],
      ["X-Break-Glass", "q"],
    ],
    expected: "0=70 0=702c71 0=702c71 1",
  },
  {
    name: "replace puts one in the place of all",
    script:
      "hset 0 A z; hget 0 a; prop request%00headers%00a; hadd 0 a y; prop request%00headers%00a; hdel 0 A; hget 0 a",
    headers: [
      ["a", "1"],
      ["a", "2"],
    ],
    expected: "0 0=7a 0=7a 0 0=7a2c79 0 1",
  },
  { name: "an empty value is a value", script: "hadd 0 f -; hget 0 f; hset 0 g -; hget 0 g", expected: "0 0= 0 0=" },
  {
    name: "names that are joined",
    script: "hget 0 authorization; hget 0 cookie; hget 0 accept-language; hget 0 referer; hadd 0 host two; hget 0 host",
    headers: [
      ["authorization", "a"],
      ["authorization", "b"],
      ["cookie", "a=1"],
      ["cookie", "b=2"],
      ["accept-language", "a"],
      ["accept-language", "b"],
      ["referer", "a"],
      ["referer", "b"],
    ],
    expected: "0=612c62 0=613d31 0=61 0=612c62 0 0=682e6578616d706c652c74776f",
  },
  {
    name: "raw bytes",
    script: "hget 0 x; hadd 0 y %e9%ff; hget 0 y",
    headers: [["x", "\xe9\x80"]],
    expected: "0=e980 0 0=e9ff",
  },
  {
    name: "pairs on the wire",
    script:
      "hsetpairs 0 %02%00%00%00%01%00%00%00%02%00%00%00%02%00%00%00%00%00%00%00a%00bc%00Xy%00%00; hpairs 0; hsize 0; hadd 0 :path /; hadd 0 :method GET; hadd 0 host x; hadd 0 :scheme http; hpairs 0; hsize 0",
    expected:
      "0 0=0200000001000000020000000200000000000000610062630078790000 0=5 0 0 0 0 0=06000000050000000100000007000000030000000a000000010000000700000004000000010000000200000002000000000000003a70617468002f003a6d6574686f6400474554003a617574686f726974790078003a736368656d65006874747000610062630078790000 0=43",
  },
  {
    name: "pairs that do not fit their lengths are none",
    script:
      "hsetpairs 0 %01%00%00%00%01%00%00%00%01%00%00%00a%00b; hpairs 0; hsetpairs 0 -; hpairs 0; hsetpairs 0 %01%00%00; hpairs 0; hsetpairs 0 %01%00%00%00%01%00%00%00%01%00%00%00a%00b%00%00; hpairs 0; hsetpairs 0 %01%00%00%00%01%00%00%00%01%00%00%00a%01b%00; hpairs 0; hsetpairs 0 %ff%ff%ff%ff%01%00%00%00%01%00%00%00a%01b%00; hpairs 0; hadd 0 :path /; hadd 0 :method GET; hadd 0 host x; hadd 0 :scheme http",
    expected: "0 0= 0 0= 0 0= 0 0= 0 0= 0 0= 0 0 0 0",
  },
  {
    name: "properties of the request",
    script:
      "prop request%00path; prop request%00url_path; prop request%00query; prop request%00method; prop request%00host; prop request%00scheme; prop request%00protocol; prop request%00id; prop request%00referer; prop request%00useragent; prop request%00nope",
    headers: [
      ["referer", "r"],
      ["user-agent", "u"],
    ],
    expected:
      "0=2f703f713d31 0=2f70 0=713d31 0=474554 0=682e6578616d706c65 0=68747470 0=485454502f312e31 1 0=72 0=75 1",
  },
  {
    name: "properties of the gateway and the connection",
    script:
      "prop plugin_name; prop plugin_root_id; prop plugin_vm_id; prop xds%00node%00id; prop xds%00node%00cluster; prop node%00id; prop node; prop connection%00mtls; prop connection%00sha256_peer_certificate_digest",
    expected:
      "0=676c61737367617465 0=676c61737367617465 0=676c61737367617465 0=6e6f64652d686f7374 0=6e6f64652d686f7374 1 1 0=00 1",
  },
  {
    name: "odd paths of properties",
    script:
      "prop -; prop nope; prop request; prop source; prop xds; prop filter_state; prop connection; prop request%00path%00; prop request%00path%00%00; prop %00request%00path; prop request%00path%00x",
    expected: "3 1 3 3 3 3 3 0=2f703f713d31 1 1 1",
  },
  {
    name: "filter state",
    script:
      "setprop k v; prop k; prop wasm.k; prop filter_state%00wasm.k; setprop k w; prop filter_state%00wasm.k; prop filter_state%00nope; setprop e -; prop e; setprop - x; prop filter_state%00wasm.",
    expected: "0 0=76 1 0=76 0 0=77 1 0 0= 0 0=78",
  },
  {
    name: "filter state of two segments cannot be read back",
    script: "setprop a%00b c; prop a%00b; prop filter_state%00wasm.a; prop filter_state%00wasm.a%00b",
    expected: "0 1 1 1",
  },
  {
    name: "buffers",
    script:
      "buf 6 0 99; buf 6 2 2; buf 6 6 1; buf 6 7 1; buf 6 0 0; buf 6 -1 1; buf 6 1 -1; buf 7 0 1; buf 0 0 1; buf 1 0 1; buf 2 0 1; buf 3 0 1; buf 4 0 1; buf 5 0 1; buf 8 0 1; buf 9 0 1; buf -1 0 1",
    expected: "0=766d636f6e66 0=636f 0= 0= 0= 0= 0=6d636f6e66 1 0= 0= 0= 0= 1 0= 0= 2 2",
  },
  {
    name: "the state of buffers, and no change to them",
    script: "bufstat 6; bufstat 7; bufstat 0; bufstat 9; setbuf 7 x; setbuf 9 x",
    expected: "0=6 1 0=0 2 1 2",
  },
  {
    name: "log, time, status",
    script: "say 0 a; say 5 a; say 6 a; say -1 a; loglevel; time; status",
    expected: "0 0 2 2 0 0=ns 0=",
  },
  {
    name: "shared data and its versions",
    script:
      "sget s1; sset s1 a; sget s1; sset s1 b wrong; sset s1 c last; sset s1 d last; sget s1; sset s2 q wrong; sget s2; sset s3 -; sget s3",
    expected: "1 0 0=61+cas 8 0 8 0=63+cas 0 0=71+cas 0 0=+cas",
  },
  {
    name: "metrics",
    script:
      "mdef 0 c; minc c 2; mget c; mdef 0 c; minc c 3; mget c; minc c 0; minc c -1; mrec c 5; mget c; mdef 1 g; minc g 3; minc g -1; mget g; mrec g 9; mget g; mdef 2 h; mrec h 1; minc h 1; mget h",
    expected: "0=0 0 0=2 0=0 0 0=5 2 2 0 0=10 0=1 0 0 0=2 0 0=9 0=2 0 2 2",
  },
  {
    name: "metrics that are not there",
    script:
      "mdef 3 x; mdef -1 x; minc 40000 1; mrec 40000 1; mget 40000; minc 40001 1; mrec 40001 1; mget 40001; minc 40002 1; mrec 40002 1; mget 40002; minc 40003 1; mrec 40003 1; mget 40003",
    expected: "2 2 1 1 1 1 1 1 2 1 2 2 1 2",
  },
  {
    name: "contexts and streams that are not there",
    script: "effective 0; effective 99999; finish; proceed 3; proceed 4; proceed -1; close 4; close -1; foreign nope",
    expected: "0 2 1 12 2 2 2 2 1",
  },
  {
    name: "the root's view through the effective context",
    script:
      "effective 1; hget 0 :path; hpairs 0; prop request%00path; prop source%00address; prop plugin_name; prop xds%00node%00id; setprop a b; buf 7 0 1; effective 0; hget 0 :path",
    expected: "0 2 0= 1 1 0=676c61737367617465 0=6e6f64652d686f7374 1 1 0 0=2f703f713d31",
  },
  {
    name: "an allocator that refuses, or answers nonsense",
    script:
      "allocator 1; hget 0 :path; hget 0 :path; allocator 1; hpairs 0; allocator 3; hget 0 :path; allocator 1; prop source%00address; allocator 1; buf 6 0 3; sset a b; allocator 1; sget a; sget a; hget 0 empty",
    headers: [["empty", ""]],
    expected: "6 0=2f703f713d31 6 6 6 6 0 6 0=62+cas 0=",
  },
  { name: "an allocator may log", script: "allocator 4; hget 0 :path", expected: "0=2f703f713d31" },
  {
    name: "a reply of its own",
    script: "reply 403 a%20b%09c%0ad body %01%00%00%00%01%00%00%00%01%00%00%00a%00b%00",
    expected: "body",
    status: 403,
    answers: [
      ["a", "b"],
      ["content-type", "text/plain"],
      ["content-length", "4"],
    ],
  },
  {
    name: "the first of two replies counts",
    script: "reply 403 - one -; reply 404 - two -",
    expected: "one",
    status: 403,
  },
  {
    name: "pairs of a reply that do not fit are none",
    script: "reply 403 - body %01%00%00%00%01%00%00%00%01%00%00%00a%00b",
    expected: "body",
    status: 403,
  },
  {
    name: "to a gRPC request a reply is a gRPC status",
    script: "reply 403 - body%20%25%0a -",
    headers: [["content-type", "application/grpc"]],
    expected: "",
    answers: [
      ["content-type", "application/grpc"],
      ["grpc-status", "7"],
      ["grpc-message", "body %25%0A"],
    ],
  },
  {
    name: "a gRPC status of the filter's own",
    script: "reply 503 - - %01%00%00%00%01%00%00%00%01%00%00%00a%00b%00 5",
    headers: [["content-type", "application/grpc+proto"]],
    expected: "",
    answers: [
      ["a", "b"],
      ["grpc-status", "5"],
    ],
  },
  {
    name: "no body, no type",
    script: "reply 403 - - %01%00%00%00%0c%00%00%00%01%00%00%00content-type%00b%00",
    expected: "",
    status: 403,
    lacks: ["content-type"],
  },
  {
    name: "a type of its own, a length never",
    script:
      "reply 403 - x %02%00%00%00%0c%00%00%00%01%00%00%00%0e%00%00%00%01%00%00%00content-type%00b%00content-length%009%00",
    expected: "x",
    status: 403,
    answers: [
      ["content-type", "b"],
      ["content-length", "1"],
    ],
  },
  {
    name: "headers that go on",
    script: "hdel 0 a; hset 0 b 2; pass",
    headers: [
      ["a", "1"],
      ["b", "1"],
    ],
    expected: "upstream",
  },
];

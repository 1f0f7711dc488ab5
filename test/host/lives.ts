/**
 * Lives of roots, streams and VMs: what a gateway does, and which callbacks each thread's VMs then get. Each line is what
 * Envoy 1.40 does (same-as-envoy.test.ts); the Node host must do the same (lives.test.ts). A canary runs on the main thread.
 */
interface Effect {
  /** Lines of the fixture on that thread, in order. */
  readonly main?: readonly string[];
  readonly worker?: readonly string[];
}

export type Step = Effect &
  (
    | { readonly push: string; readonly to?: string; readonly vmId?: string; readonly rejected?: true }
    | { readonly send: string; readonly to?: string; readonly status: number; readonly body?: string }
    /** Opens a request that the filter holds back. */
    | { readonly hold: string }
    /** The client of the held request goes away. */
    | { readonly drop: true }
    | { readonly waitMs: number }
  );

export interface Life {
  readonly name: string;
  /** The configurations that serve when it begins, under VM id `glassgate`: root 1 of each thread is the first's. */
  readonly begin: Readonly<Record<string, string>>;
  readonly policy?: "closed" | "open" | "reload";
  readonly steps: readonly Step[];
}

/** Does nothing. */
const A = "create: time";
const root = (id: number): string[] => [`create ${id}: 0=ns`, `start ${id}`, `configure ${id}`];
const stream = (id: number): string[] => [`create ${id}: 0=ns`, `log ${id}`, `done ${id}`, `delete ${id}`];
const end = (id: number): string[] => [`done ${id}`, `delete ${id}`];
const named = (name: string): string => `create: time\nrequest: say 2 ${name}`;
const PASS = "pass";
const UNCHECKED = { status: 200, body: "upstream" } as const;

export const LIVES: readonly Life[] = [
  {
    name: "a rotation: canary, main thread, workers; the old root ends with its last stream",
    begin: { a: A },
    steps: [
      { hold: "pass; return 1", worker: ["create 2: 0=ns"] },
      { push: named("B"), main: [...root(1), ...root(2), ...end(1)], worker: root(3) },
      { send: "time", status: 200, body: "00=ns", worker: ["create 4: 0=ns", "B", "log 4", "done 4", "delete 4"] },
      { drop: true, worker: ["log 2", "done 2", "delete 2", ...end(1)] },
      // The canary's verdict on A is remembered.
      { push: A, main: [...root(3), ...end(2)], worker: [...root(5), ...end(3)] },
      { send: "time", ...UNCHECKED, body: "0=ns", worker: stream(6) },
    ],
  },
  {
    name: "a configuration that the canary refuses: the old one serves on, also when it is offered again",
    begin: { a: A },
    steps: [
      {
        push: "create: time\nconfigure: return 0",
        rejected: true,
        main: [...root(1), "! Failed to configure base Wasm plugin"],
      },
      { push: "create: time\nconfigure: return 0" },
      { push: A },
      { push: "create: time\nconfigure: return 0", rejected: true },
      { send: "time", status: 200, body: "0=ns", worker: stream(2) },
    ],
  },
  {
    name: "on_vm_start says no, and a trap in on_configure: refused",
    begin: { a: A },
    steps: [
      {
        push: "create: time\nstart: return 0",
        rejected: true,
        main: ["create 1: 0=ns", "start 1", "! Failed to start base Wasm"],
      },
      {
        push: "create: time\nconfigure: trap",
        rejected: true,
        main: ["create 1: 0=ns", "start 1", "! proxy_on_configure", "! Failed to configure base Wasm plugin"],
      },
      { send: "time", status: 200, body: "0=ns", worker: stream(2) },
    ],
  },
  {
    name: "a worker that refuses: its requests pass unchecked, no update helps, a new VM id does",
    begin: { a: A },
    steps: [
      { send: "time", status: 200, body: "0=ns", worker: stream(2) },
      {
        push: "create: time\nconfigure: return 0 worker",
        main: [...root(1), ...root(2), ...end(1)],
        worker: [...root(3), "! Failed to configure thread-local Wasm plugin", ...end(1), ...end(3)],
      },
      { send: PASS, ...UNCHECKED },
      { push: named("C"), rejected: true, main: root(1) },
      { send: PASS, ...UNCHECKED },
      { push: named("D"), vmId: "other", main: [...root(1), ...root(1), ...end(2)], worker: root(1) },
      { send: "time", status: 200, body: "00=ns", worker: ["create 2: 0=ns", "D", "log 2", "done 2", "delete 2"] },
    ],
  },
  {
    name: "a worker that traps while it is configured: the same",
    begin: { a: A },
    steps: [
      { send: "time", status: 200, body: "0=ns", worker: stream(2) },
      {
        push: "create: time\nconfigure: trap worker",
        main: [...root(1), ...root(2), ...end(1)],
        worker: ["create 3: 0=ns", "start 3", "! proxy_on_configure", "! Failed to configure thread-local Wasm plugin"],
      },
      { send: PASS, ...UNCHECKED },
      { push: named("C"), rejected: true, main: root(1) },
      { send: PASS, ...UNCHECKED },
    ],
  },
  {
    name: "a main thread that refuses: the workers take this update and no other",
    begin: { a: A },
    steps: [
      { send: "time", status: 200, body: "0=ns", worker: stream(2) },
      {
        push: "create: time\nconfigure: return 0 main",
        main: [...root(1), ...root(2), "! Failed to configure thread-local Wasm plugin", ...end(1), ...end(2)],
        worker: [...root(3), ...end(1)],
      },
      { send: "time", status: 200, body: "0=ns", worker: stream(4) },
      { push: named("C"), rejected: true, main: root(1) },
      { send: "time", status: 200, body: "0=ns", worker: stream(5) },
    ],
  },
  {
    name: "a trap at a request: 503 from then on, until an update",
    begin: { a: A },
    steps: [
      { send: "setprop k v; trap", status: 503, body: "", worker: ["create 2: 0=ns", "! proxy_on_request_headers"] },
      { send: "time", status: 503, body: "" },
      { push: named("B"), main: [...root(1), ...root(2), ...end(1)], worker: root(1) },
      { send: "time", status: 200, body: "00=ns", worker: ["create 2: 0=ns", "B", "log 2", "done 2", "delete 2"] },
    ],
  },
  {
    name: "a trap after a reply: 503 all the same",
    begin: { a: A },
    steps: [
      {
        send: "reply 403 - no -; trap",
        status: 503,
        body: "",
        worker: ["create 2: 0=ns", "! proxy_on_request_headers"],
      },
    ],
  },
  {
    name: "a trap in the allocator: the VM is lost when the callback has returned",
    begin: { a: A },
    steps: [
      {
        send: "allocator 2; hget 0 :path; reply 403 - no -",
        status: 503,
        body: "",
        worker: ["create 2: 0=ns", "! malloc"],
      },
      { send: "time", status: 503, body: "" },
    ],
  },
  {
    name: "a host call other than log in the allocator is a trap",
    begin: { a: A },
    steps: [{ send: "allocator 5; hget 0 :path", status: 503, body: "", worker: ["create 2: 0=ns", "! malloc"] }],
  },
  {
    name: "a trap while a root is created passes the canary, and every request is 503 until the next update",
    begin: { a: A },
    steps: [
      {
        push: "create: trap",
        main: ["! proxy_on_context_create", "start 1", "! proxy_on_context_create", "start 2"],
        worker: ["! proxy_on_context_create", "start 2"],
      },
      { send: "time", status: 503, body: "" },
      { push: named("B"), main: [...root(1), ...root(1)], worker: root(1) },
      { send: "time", status: 200, body: "00=ns", worker: ["create 2: 0=ns", "B", "log 2", "done 2", "delete 2"] },
    ],
  },
  {
    name: "a trap fails every plugin of the VM",
    begin: { a: A, b: named("B") },
    steps: [
      { send: "trap", status: 503, body: "", worker: ["create 3: 0=ns", "! proxy_on_request_headers"] },
      { send: "time", to: "b", status: 503, body: "" },
    ],
  },
  {
    name: "two listeners with the same configuration share a root, which ends with the second",
    begin: { a: A, b: A },
    steps: [
      { push: named("B"), main: [...root(1), ...root(2)], worker: root(2) },
      { send: "time", to: "b", status: 200, body: "0=ns", worker: stream(3) },
      { push: named("B"), to: "b", main: end(1), worker: end(1) },
    ],
  },
  {
    name: "a root that asks for time is not deleted",
    begin: { a: "create: time\ndone: return 0" },
    steps: [{ push: named("B"), main: [...root(1), ...root(2), "done 1"], worker: [...root(2), "done 1"] }],
  },
  {
    name: "shared data: canary and all threads share it by VM id, and it goes with the last VM of that id",
    begin: { a: A },
    steps: [
      {
        push: "create: sget q; sset q 1",
        main: ["create 1: 1 0", "start 1", "configure 1", "create 2: 0=31+cas 0", "start 2", "configure 2", ...end(1)],
        worker: ["create 2: 0=31+cas 0", "start 2", "configure 2", ...end(1)],
      },
      { push: named("B"), vmId: "other", main: [...root(1), ...root(1), ...end(2)], worker: [...root(1), ...end(2)] },
      {
        push: "create: sget q",
        main: ["create 1: 1", "start 1", "configure 1", "create 1: 1", "start 1", "configure 1", ...end(1)],
        worker: ["create 1: 1", "start 1", "configure 1", ...end(1)],
      },
    ],
  },
  {
    name: "failure policy `open`: the request that traps is 503, later ones pass unchecked",
    begin: { a: A },
    policy: "open",
    steps: [
      { send: "trap", status: 503, body: "", worker: ["create 2: 0=ns", "! proxy_on_request_headers"] },
      { send: PASS, ...UNCHECKED },
    ],
  },
  {
    name: "failure policy `reload`: a new VM after a second",
    begin: { a: A },
    policy: "reload",
    steps: [
      { waitMs: 2000 },
      { send: "trap", status: 503, body: "", worker: ["create 2: 0=ns", "! proxy_on_request_headers"] },
      { send: "time", status: 200, body: "0=ns", worker: [...root(1), ...stream(2)] },
      { send: "trap", status: 503, body: "", worker: ["create 3: 0=ns", "! proxy_on_request_headers"] },
      { send: "time", status: 503, body: "" },
      { waitMs: 2000 },
      { send: "time", status: 200, body: "0=ns", worker: [...root(1), ...stream(2)] },
    ],
  },
  {
    name: "what a stream can do after it was let go on, and in the log",
    begin: {
      a: [
        "log: hget 0 :path; hset 0 a b; prop request%00path; setprop k2 v; hsize 2; hget 1 a; hget 4 a",
        "done: hget 0 :path; hpairs 0; prop request%00path; setprop k3 v",
        "delete: hget 0 :path; setprop k3 v",
      ].join("\n"),
    },
    steps: [
      {
        send: PASS,
        ...UNCHECKED,
        worker: ["create 2", "log 2: 0=2f 2 0=2f 0 2 1 1", "done 2: 2 0= 1 0", "delete 2: 2 0"],
      },
      // Unlike after a reply, when the headers stay in the filter's hands.
      {
        send: "hsetpairs 0 -; hadd 0 :path /; hadd 0 :method GET; reply 403 - x -",
        status: 403,
        body: "x",
        worker: [
          "create 3",
          "log 3: 0=2f 0 0=2f 0 2 1 1",
          "done 3: 0=2f 0=030000000500000001000000070000000300000001000000010000003a70617468002f003a6d6574686f64004745540061006200 0=2f 0",
          "delete 3: 0=2f 0",
        ],
      },
    ],
  },
];

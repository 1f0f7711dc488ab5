/**
 * The build for Kong in one instance, told what nginx does not tell, or not in so many words: of streams and chains that the
 * instance has never heard of, and of a request that nginx would have refused.
 */
import { beforeEach, describe, expect, it } from "vitest";
import type { ProcessEnvironment } from "../../control/host/environment.js";
import type { Header } from "../../control/host/host.js";
import { NGX_RULES } from "../../control/host/ngx/abi.js";
import { type ChainFilter, NgxContext, NgxInstance } from "../../control/host/ngx/instance.js";
import { NgxMetrics } from "../../control/host/ngx/shared.js";
import { NgxStream } from "../../control/host/ngx/stream.js";
import { Metrics, SharedData } from "../../control/host/shared.js";
import { kongWasmPath, loadProgram } from "../../control/host/wasm.js";
import { HOST, World } from "../kit/world.js";

const ROOT = 7;
const STREAM = 1000;
const program = await loadProgram(kongWasmPath, NGX_RULES);
let world: World;
let instance: NgxInstance;

const chain = (id: number): ChainFilter => ({
  id,
  name: "glassgate",
  configuration: Buffer.from(world.configuration({ configuration: { require: true } })),
  program,
});

function streamOf(headers: readonly Header[]): NgxStream {
  const target = "/orders/7";
  const request = { method: "GET", target, uri: target, args: undefined, scheme: "http", headers };
  const given = { headers, sourceAddress: "192.0.2.1:50000", connectionId: 1n, startedAt: 0n, properties: new Map() };
  return new NgxStream(given, request);
}

/** What the filter answers to a request of that chain. */
function codeOf(filter: ChainFilter, headers: readonly Header[]): string {
  const stream = streamOf(headers);
  const context = new NgxContext(STREAM, filter, stream);
  expect(instance.createStream(context)).toBe(true);
  stream.step = "request";
  const action = instance.run(context, "proxy_on_request_headers", headers.length, 0);
  expect(action).toBe(stream.reply === undefined ? 0 : 1);
  return stream.reply === undefined ? "allow" : String(JSON.parse(stream.reply.body).code);
}

beforeEach(() => {
  world = new World(Math.floor(Date.now() / 1000));
  const process: ProcessEnvironment = {
    shared: new SharedData(),
    metrics: new Metrics(),
    nodeId: "node-1",
    clock: () => BigInt(Date.now()) * 1_000_000n,
    log: () => {},
  };
  const environment = { process, thread: "worker 0", vmId: "", vmConfiguration: Buffer.alloc(0) };
  const nginx = { serverName: "kong", port: 8000, hostname: "gateway-1", variables: new Set<string>() };
  const surroundings = { ...nginx, metrics: new NgxMetrics(), shared: undefined };
  instance = new NgxInstance(program, environment, surroundings, () => {});
  expect(instance.createRoot(chain(ROOT), true)).toBe(true);
});

const withGrant = (): readonly Header[] => [
  ["Host", HOST],
  ["x-break-glass", world.grant()],
];

describe("an instance", () => {
  it("the end of a stream that began before the trap ends nothing else, whatever its number", () => {
    for (const id of [ROOT, STREAM, STREAM + 1]) {
      const stranger = new NgxContext(id, chain(ROOT), streamOf([]));
      instance.run(stranger, "proxy_on_response_headers", 3, 0);
      instance.run(stranger, "proxy_on_response_body", 0, 1);
      for (const name of ["proxy_on_done", "proxy_on_log", "proxy_on_delete"]) instance.run(stranger, name);
    }
    expect(instance.isGone).toBe(false);
    expect(codeOf(chain(ROOT), withGrant())).toBe("allow");
  });

  it("a stream of a root context that nobody configured is denied", () => {
    expect(codeOf(chain(99), [["Host", HOST]])).toBe("no_grant");
    expect(codeOf(chain(99), withGrant())).toBe("no_trust");
    expect(codeOf(chain(0), withGrant())).toBe("no_trust");
    expect(codeOf(chain(ROOT), withGrant())).toBe("allow");
  });

  it("two hosts, should nginx ever let them pass, are duplicate_header", () => {
    expect(codeOf(chain(ROOT), [...withGrant(), ["HOST", HOST]])).toBe("duplicate_header");
  });
});

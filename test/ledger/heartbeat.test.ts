/** What is read from a gateway itself: heartbeats from its gauges, and what it serves from its ECDS file. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { Admin } from "../../control/gateway/admin.js";
import { ecdsText } from "../../control/gateway/ecds.js";
import { renderGateway } from "../../control/gateway/render.js";
import { readRenderedFilter } from "../../control/gateway/rendered.js";
import { wasmPath } from "../../control/host/wasm.js";
import { anchorsHash } from "../../control/ledger/chain/rules.js";
import { Follower } from "../../control/ledger/follow/follower.js";
import { agreed, headsIn } from "../../control/ledger/follow/gauges.js";
import { Heartbeat } from "../../control/ledger/follow/heartbeat.js";
import { Served } from "../../control/ledger/follow/served.js";
import type { Received } from "../../control/ledger/intake.js";
import { anchorsOf } from "../kit/envoy.js";
import { QuickWorld } from "../kit/quick-world.js";

const PATIENCE = { timeout: 60_000 };

const HEAD = "9f2c00000001";
const headNumber = (seq: number, hex = HEAD): number => Number.parseInt(hex, 16) * 32 + (seq % 32);
const now = 1_767_225_600_000;
const gauges = (vm: string, seq: number, at = now / 1000, head = headNumber(seq)): string =>
  [
    `wasmcustom.glassgate.heartbeat_at.vm=${vm}: ${at}`,
    `wasmcustom.glassgate.heartbeat_head.vm=${vm}: ${head}`,
    `wasmcustom.glassgate.heartbeat_seq.vm=${vm}: ${seq}\n`,
  ].join("\n");
const stats = (text: string): Map<string, number> =>
  new Map(
    text
      .trim()
      .split("\n")
      .map((line) => [line.slice(0, line.lastIndexOf(": ")), Number(line.slice(line.lastIndexOf(": ") + 2))]),
  );

let servers: Server[] = [];
afterEach(() => {
  for (const server of servers) server.close();
  servers = [];
});

/** An admin interface that shows what it is told; a list is shown one after the other. */
async function admin(shown: { nodeId?: string; texts: string[] }): Promise<Admin> {
  const server = createServer((request, response) => {
    response.setHeader("date", new Date(now).toUTCString());
    if (request.url?.startsWith("/server_info"))
      response.end(
        JSON.stringify({
          state: "LIVE",
          uptime_current_epoch: "5s",
          command_line_options: { concurrency: 2 },
          node: { id: shown.nodeId ?? "gateway-1" },
        }),
      );
    else response.end(shown.texts.length > 1 ? shown.texts.shift() : shown.texts[0]);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  const address = server.address();
  return new Admin(`127.0.0.1:${typeof address === "object" ? address?.port : 0}`);
}

describe("gauges", () => {
  it("are exact, and a pair that does not fit is none", () => {
    const largest = "ffffffffffff";
    const heads = headsIn(
      stats(
        gauges("1767225000123456789/3", 41, 7, headNumber(41, largest)) +
          gauges("1/2", 0, 7, 0) +
          gauges("1/3", 40, 7, headNumber(41)),
      ),
    );
    expect([...heads.values()]).toEqual([
      { vm: "1767225000123456789/3", seq: 41, at: 7, head: largest },
      { vm: "1/2", seq: 0, at: 7, head: "000000000000" },
    ]);
  });

  it("what two readings disagree on is left out, also where the records are 32 apart", () => {
    const first = headsIn(stats(gauges("1/1", 41) + gauges("1/2", 9)));
    const second = headsIn(stats(gauges("1/1", 41, 1, headNumber(41, "000000000001")) + gauges("1/2", 9)));
    expect(agreed(first, second).map(({ vm }) => vm)).toEqual(["1/2"]);
  });

  it("others' names are none", () => {
    expect(
      headsIn(
        new Map([
          ["x.glassgate.heartbeat_seq.vm=1/2/3", 1],
          ["glassgate.heartbeat_seq.vm=a/b", 1],
          ["glassgate_heartbeat_seq", 1],
        ]),
      ).size,
    ).toBe(0);
  });
});

describe("a heartbeat", () => {
  it("names each VM that beats, by its whole name; only news is told, or once a minute", async () => {
    const clock = { now };
    const shown = { texts: [gauges("5/2", 41) + gauges("5/1", 0, now / 1000, 0) + gauges("4/9", 7, now / 1000 - 60)] };
    const beat = new Heartbeat("gateway-1", await admin(shown), () => clock.now);
    const first = JSON.parse((await beat.poll())?.toString() ?? "{}");
    expect(first).toEqual({
      gateway: "gateway-1",
      at: new Date(now).toISOString(),
      vms: [
        { vm: "gateway-1/5/1", seq: 0, head: "000000000000" },
        { vm: "gateway-1/5/2", seq: 41, head: HEAD },
      ],
    });
    expect(await beat.poll()).toBeUndefined();
    shown.texts = [gauges("5/2", 42) + gauges("5/1", 0, now / 1000, 0)];
    expect(JSON.parse((await beat.poll())?.toString() ?? "{}").vms[1].seq).toBe(42);
    clock.now += 59_000;
    expect(await beat.poll()).toBeUndefined();
    clock.now += 1000;
    expect(await beat.poll()).toBeDefined();
    clock.now -= 3_600_000;
    expect(await beat.poll()).toBeDefined();
    expect(await beat.poll()).toBeUndefined();
  });

  it("is not made of a VM whose clock is far ahead of its gateway's, nor of thousands of VMs", async () => {
    const ahead = await admin({ texts: [gauges("5/2", 41, now / 1000 + 3600)] });
    await expect(new Heartbeat("gateway-1", ahead, () => now).poll()).rejects.toThrow("stands still");
    const crowd = Array.from({ length: 2000 }, (_, i) => gauges(`5/${i}`, 41)).join("");
    const lying = await admin({ texts: [crowd] });
    await expect(new Heartbeat("gateway-1", lying, () => now).poll()).rejects.toThrow("2000 VMs");
  });

  it("is never made of a torn reading", async () => {
    const torn = gauges("5/2", 41, now / 1000, headNumber(40));
    const beat = new Heartbeat(
      "gateway-1",
      await admin({ texts: [torn, gauges("5/2", 41), gauges("5/2", 41)] }),
      () => now,
    );
    expect(JSON.parse((await beat.poll())?.toString() ?? "{}").vms).toEqual([
      { vm: "gateway-1/5/2", seq: 41, head: HEAD },
    ]);
  });

  it("is not made of a gateway that is another one, does not beat, or is not there", async () => {
    const poll = async (shown: Parameters<typeof admin>[0]) =>
      new Heartbeat("gateway-1", await admin(shown), () => now).poll();
    await expect(poll({ nodeId: "gateway-2\u001b[2J", texts: [gauges("5/2", 41)] })).rejects.toThrow(
      /is "gateway-2\\u001b\[2J", not "gateway-1"/,
    );
    await expect(poll({ texts: [""] })).rejects.toThrow("publishes no heartbeat");
    await expect(poll({ texts: [gauges("5/2", 41, now / 1000 - 20)] })).rejects.toThrow("stands still");
    await expect(new Heartbeat("gateway-1", new Admin("127.0.0.1:1"), () => now).poll()).rejects.toThrow(
      "does not answer",
    );
  });

  it("that cannot be had is said once, and following goes on", async () => {
    const shown = { nodeId: "other", texts: [gauges("5/2", 41)] };
    const { address } = await admin(shown);
    const told: string[] = [];
    const handed: Received[] = [];
    const folder = mkdtempSync(join(tmpdir(), "glassgate-beat-"));
    const follower = new Follower({
      gateways: [{ id: "gateway-1", admin: address }],
      heartbeatSeconds: 0.02,
      state: folder,
      sink: async (received) => void handed.push(...received),
      say: (sentence) => told.push(sentence),
    });
    const run = follower.run();
    await expect.poll(() => told.length, PATIENCE).toBe(1);
    shown.nodeId = "gateway-1";
    await expect.poll(() => handed.length, PATIENCE).toBe(0); // The clock of this machine is none of the gateway's.
    shown.texts = [gauges("5/2", 41, now / 1000)];
    await expect.poll(() => handed[0]?.kind, PATIENCE).toBe("heartbeat");
    follower.stop();
    await run;
    rmSync(folder, { recursive: true, force: true });
    expect(told.length).toBe(2);
  });
});

/** A gateway's own file, and its ECDS file as a push leaves it. */
function rendered() {
  const folder = mkdtempSync(join(tmpdir(), "glassgate-served-"));
  const world = new QuickWorld(Math.floor(now / 1000));
  const anchors = anchorsOf(world);
  const ecdsPath = join(folder, "glassgate.json");
  const text = renderGateway({ anchors, wasmPath, ecdsPath, nodeId: "gateway-1" });
  const file = join(folder, "gateway.yaml");
  writeFileSync(file, text);
  const put = (configuration: string): void =>
    writeFileSync(ecdsPath, ecdsText(readRenderedFilter(text, file), configuration, undefined, "1"));
  return { folder, world, anchors, ecdsPath, text, file, put };
}

describe("what a gateway serves", () => {
  it("is told whole when it changes, and once", () => {
    const { folder, world, anchors, ecdsPath, text, file, put } = rendered();
    const served = new Served("gateway-1", file);
    expect(served.poll()).toEqual([]);
    const configuration = world.configuration();
    put(configuration);
    const { bundle, generation } = JSON.parse(configuration);
    const [first, push] = served.poll();
    expect([first?.kind, first?.bytes.toString()]).toEqual(["bundle", bundle]);
    const version: number = JSON.parse(Buffer.from(bundle.split(".")[1] ?? "", "base64url").toString()).version;
    expect([push?.kind, JSON.parse(push?.bytes.toString() ?? "{}")]).toEqual([
      "push",
      { gateway: "gateway-1", generation, bundle: version, texts: {}, anchors: anchorsHash(anchors, "enforce") },
    ]);
    expect(served.poll()).toEqual([]);
    // In the place of either file a pipe, a device or a folder holds nothing up.
    for (const path of [ecdsPath, file]) {
      for (const make of [
        () => execFileSync("mkfifo", [path]),
        () => symlinkSync("/dev/zero", path),
        () => mkdirSync(path),
      ]) {
        rmSync(path);
        make();
        if (path === ecdsPath) expect(served.poll()).toEqual([]);
        else expect(() => served.poll()).toThrow("no regular file");
        rmSync(path, { recursive: true });
        writeFileSync(path, text);
      }
    }
    writeFileSync(ecdsPath, "half a fi");
    expect(served.poll()).toEqual([]);
    put(world.configuration({ configuration: { mode: "shadow" } }));
    expect(JSON.parse(served.poll().at(-1)?.bytes.toString() ?? "{}").anchors).toBe(anchorsHash(anchors, "shadow"));
    rmSync(folder, { recursive: true, force: true });
  });

  // Records under a bundle that was replaced before the next heartbeat could never be judged: `bundle_unknown`.
  it("is told also of a bundle that serves for less than a heartbeat", async () => {
    const { folder, world, file, put } = rendered();
    const handed: string[] = [];
    const follower = new Follower({
      gateways: [{ id: "gateway-1", envoy: file }],
      heartbeatSeconds: 3600,
      state: folder,
      sink: async (received) =>
        void handed.push(...received.filter(({ kind }) => kind === "bundle").map(({ bytes }) => bytes.toString())),
      say: () => {},
    });
    const run = follower.run();
    const bundles = [world.configuration(), world.configuration()].map((text) => {
      const { bundle }: { bundle: string } = JSON.parse(text);
      return { text, bundle };
    });
    for (const { text, bundle } of bundles) {
      put(text);
      await expect.poll(() => handed, PATIENCE).toContain(bundle);
    }
    follower.stop();
    await run;
    rmSync(folder, { recursive: true, force: true });
  });
});

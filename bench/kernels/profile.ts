/** Where the time of a new grant goes inside the filter, by V8's own profiler: the release sources with names, in the Node host. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { Session } from "node:inspector/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";
import { FilterHost, type Header } from "../../control/host/host.js";
import { HOST, type World } from "../tokens/world.js";

/** One function of the filter, what it calls not counted. */
export interface ProfileRow {
  readonly name: string;
  /** Microseconds a request. */
  readonly time: number;
}
export interface Profile {
  readonly requests: number;
  /** Of all functions together. */
  readonly total: number;
  /** The largest first. */
  readonly rows: readonly ProfileRow[];
}

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const SAMPLE_MICROSECONDS = 200;
/** Until every table is built and V8 has optimised what is hot. */
const WARM_UP_REQUESTS = 5000;
const TICKS = 100;
const SHOWN = 16;

/**
 * The filter as it is released, but with the names of its functions.
 * @param target `release`; or `quick`, which asconfig.json does not have: nothing is optimised, and that takes a fifth of the time
 */
async function compileWithNames(target: "release" | "quick"): Promise<Uint8Array> {
  const folder = mkdtempSync(join(tmpdir(), "glassgate-profile-"));
  try {
    const outFile = join(folder, "named.wasm");
    const options = ["--config", "asconfig.json", "--target", target, "--debug", "--textFile", ""];
    const { error } = await asc.main([...options, "--baseDir", ROOT, "--outFile", outFile]);
    if (error !== null) throw error;
    return readFileSync(outFile);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const requestWith = (grant: string): { headers: readonly Header[] } => ({
  headers: [
    [":method", "GET"],
    [":path", "/orders/7"],
    [":authority", HOST],
    ["x-request-id", "8c3a4f5e-14b6-4b40-9d53-8f5c1de7a001"],
    ["x-break-glass", grant],
  ],
});

/**
 * @param grants each of them new when its turn comes again: more than the filter caches
 * @param isSmoke only shows that it works: no time of it is that of the release
 */
export async function profileFilter(
  world: World,
  grants: readonly string[],
  requests: number,
  isSmoke: boolean,
): Promise<Profile> {
  const host = await FilterHost.load({ wasm: await compileWithNames(isSmoke ? "quick" : "release") });
  host.configure(JSON.stringify({ generation: 1, ...world.anchors, bundle: await world.bundle() }));
  let sent = 0;
  const send = (count: number): void => {
    for (let i = 0; i < count; i++) host.request(requestWith(grants[sent++ % grants.length] ?? ""));
  };
  send(1);
  for (let i = 0; i < TICKS; i++) host.tick();
  send(Math.min(WARM_UP_REQUESTS, requests));
  const session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.setSamplingInterval", { interval: SAMPLE_MICROSECONDS });
  await session.post("Profiler.start");
  send(requests);
  const { profile } = await session.post("Profiler.stop");
  session.disconnect();
  const names = new Map(
    profile.nodes
      .filter(({ callFrame }) => callFrame.url.startsWith("wasm:"))
      .map(({ id, callFrame }) => [id, callFrame.functionName.replace(/^assembly\//, "")]),
  );
  const times = new Map<string, number>();
  for (const [i, id] of (profile.samples ?? []).entries()) {
    const name = names.get(id);
    if (name !== undefined) times.set(name, (times.get(name) ?? 0) + (profile.timeDeltas?.[i] ?? 0) / requests);
  }
  const rows = [...times].map(([name, time]) => ({ name, time })).sort((a, b) => b.time - a.time);
  return { requests, total: rows.reduce((sum, { time }) => sum + time, 0), rows: rows.slice(0, SHOWN) };
}

/** Which partial files stay, and which go. */
import { describe, expect, it } from "vitest";
import { Partials } from "../../../control/ledger/log/partials.js";
import { Placer } from "../../../control/ledger/log/place.js";
import { entriesPath, tilePath } from "../../../control/ledger/tlog/tiles.js";
import { SimDisk } from "./sim-disk.js";

const FOLDER = "/log";

function made(paths: readonly string[]) {
  const disk = new SimDisk();
  for (const path of paths) disk.put(`${FOLDER}/${path}`, Buffer.of(1));
  const placer = new Placer(disk, FOLDER);
  const list = async (path: string): Promise<string[]> => (await disk.list(`${FOLDER}/${path}`)).sort();
  return { disk, partials: new Partials(disk, FOLDER, placer, 4096), list };
}

describe("partial files", () => {
  it("of bundles that are very large go, the oldest first, but never the last two", async () => {
    const widths = [1, 2, 3, 4, 5];
    const { partials, list } = made(widths.map((width) => entriesPath(0, width)));
    for (const width of widths)
      await partials.published([{ path: entriesPath(0, width), bytes: Buffer.alloc(30 * 1024 * 1024) }]);
    expect(await list("tile/entries/000.p")).toEqual(["4", "5"]);
  });

  it("of usual size stay until the full one is published", async () => {
    const widths = Array.from({ length: 255 }, (_, i) => i + 1);
    const { partials, list } = made(widths.map((width) => entriesPath(0, width)));
    for (const width of widths)
      await partials.published([{ path: entriesPath(0, width), bytes: Buffer.alloc(600 * width) }]);
    expect(await list("tile/entries/000.p")).toHaveLength(255);
    await partials.published([{ path: entriesPath(0), bytes: Buffer.of(1) }]);
    expect(await list("tile/entries")).toEqual([]);
  });

  it("that could not be removed are removed with the next commit", async () => {
    const { disk, partials, list } = made([tilePath(0, 0, 7)]);
    disk.fault = (step) => (step === "remove" ? new Error("EIO") : undefined);
    await partials.published([{ path: tilePath(0, 0), bytes: Buffer.of(1) }]);
    expect(await list("tile/0/000.p")).toEqual(["7"]);
    disk.fault = undefined;
    await partials.published([]);
    expect(await list("tile/0")).toEqual([]);
  });

  it("that a crash left, beside full tiles and beyond the tree, go when the log is opened", async () => {
    // A tree of 600 entries: two full tiles, and one of 88.
    const { partials, list } = made([
      tilePath(0, 0),
      tilePath(0, 1),
      ...[200, 255].map((width) => tilePath(0, 0, width)),
      tilePath(0, 1, 3),
      ...[80, 88, 89, 255].map((width) => tilePath(0, 2, width)),
      tilePath(0, 2),
      tilePath(0, 3),
      tilePath(0, 18, 9),
      ...[1, 2, 3].map((width) => tilePath(1, 0, width)),
      tilePath(2, 0, 1),
    ]);
    await partials.tidy(600);
    expect(await list("tile/0")).toEqual(["000", "001", "002.p", "018.p"]);
    expect(await list("tile/0/002.p")).toEqual(["80", "88"]);
    expect(await list("tile/0/018.p")).toEqual([]);
    expect(await list("tile/1/000.p")).toEqual(["1", "2"]);
  });
});

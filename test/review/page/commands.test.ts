/** `review serve` and `review page` on a real log, made by the release filter and the ledger's own rules. */
import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { inside } from "../../cli/inside.js";
import { glassgate, quickMain } from "../../cli/run.js";
import { filesOf, writeLog } from "../../ledger/make-log.js";
import { key, Scene } from "../scene.js";

const base = mkdtempSync(join(tmpdir(), "glassgate-page-"));
const at = (name: string): string => join(base, name);
let scene: Scene;
let grant = "";
let jti = "";
const stopped: (() => void)[] = [];

beforeAll(async () => {
  scene = await Scene.start();
  const token = scene.world.grant();
  scene.pass(20_000);
  await scene.call({ grant: token, path: "/orders/7" });
  await scene.call({ grant: token, path: "/never/granted/<u>" });
  await scene.write(at("log"));
  writeFileSync(at("log.vkey"), key.vkey);
  const [review] = (await scene.read(at("log"))).reviews;
  grant = review?.grant ?? "";
  jti = review?.jti ?? "";
});
afterAll(() => {
  for (const stop of stopped) stop();
  rmSync(base, { recursive: true, force: true });
});

interface Serving {
  readonly url: string;
  readonly ended: Promise<number | null>;
  stop(): void;
}

function serve(folder: string): Promise<Serving> {
  const child = spawn(
    process.execPath,
    [quickMain, "review", "serve", folder, "--key", at("log.vkey"), "--listen", "127.0.0.1:0"],
    {
      stdio: ["ignore", "ignore", "pipe"],
    },
  );
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  stopped.push(() => child.kill("SIGKILL"));
  let text = "";
  return new Promise((resolve, reject) => {
    child.stderr.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      const [url] = /http:\/\/127\.0\.0\.1:\d+/.exec(text) ?? [];
      if (url !== undefined) resolve({ url, ended, stop: () => child.kill("SIGTERM") });
    });
    void ended.then((code) => reject(new Error(`ended with ${code}: ${text}`)));
  });
}

describe("glassgate review page", () => {
  it("writes one file that shows the grant, named by hash, beginning or jti", async () => {
    for (const name of [grant, grant.slice(0, 12), jti]) {
      const ran = await glassgate([
        "review",
        "page",
        at("log"),
        name,
        "--key",
        at("log.vkey"),
        "--out",
        at("page.html"),
      ]);
      expect([ran.code, ran.stdout]).toEqual([0, ""]);
      const page = readFileSync(at("page.html"), "utf8");
      expect(page).toContain(grant);
      expect(page).toContain("/never/granted/");
      expect(page).not.toContain("<u>");
      rmSync(at("page.html"));
    }
  });

  it("writes nothing of a grant that is not there, under another key, or of a ledger that does not verify", async () => {
    cpSync(at("log"), at("bad"), { recursive: true });
    const tile = join(at("bad"), readBundleName(at("bad")));
    const bytes = readFileSync(tile);
    bytes[bytes.length - 3] = (bytes[bytes.length - 3] ?? 0) ^ 1;
    writeFileSync(tile, bytes);
    for (const [folder, name] of [
      ["log", "f".repeat(64)],
      ["bad", grant],
      ["none", grant],
    ] as const) {
      const ran = await glassgate([
        "review",
        "page",
        at(folder),
        name,
        "--key",
        at("log.vkey"),
        "--out",
        at("none.html"),
      ]);
      expect([folder, ran.code === 1 || ran.code === 2, ran.stdout]).toEqual([folder, true, ""]);
      expect(() => readFileSync(at("none.html"))).toThrow();
    }
  });
});

describe("glassgate review serve", () => {
  it("serves what verifies, shows nothing once it does not, and ends at a signal", async () => {
    cpSync(at("log"), at("served"), { recursive: true });
    const { url, ended, stop } = await serve(at("served"));
    const list = await fetch(`${url}/`);
    expect(list.status).toBe(200);
    expect(await list.text()).toContain(`/review/${grant}`);
    const page = await (await fetch(`${url}/review/${grant}`)).text();
    expect(page).toContain("glassgate review close");
    writeFileSync(
      join(at("served"), "checkpoint"),
      readFileSync(join(at("served"), "checkpoint"), "utf8").replace(/\n\d+\n/, "\n99999\n"),
    );
    const broken = await fetch(`${url}/review/${grant}`);
    expect(broken.status).toBe(503);
    expect(await broken.text()).not.toContain(grant);
    stop();
    expect(await ended).toBe(0);
  });

  it("shows nothing of an older ledger than it has shown, though it is signed, until that one is back", async () => {
    const folder = at("rolled");
    cpSync(at("log"), folder, { recursive: true });
    const { url, stop } = await serve(folder);
    rmSync(folder, { recursive: true });
    writeLog(folder, filesOf(scene.ledger.log.entries.slice(0, -2), key));
    for (const path of ["/", `/review/${grant}`, `/review/${grant}.json`]) {
      const reply = await fetch(url + path);
      expect([path, reply.status]).toEqual([path, 503]);
      const text = await reply.text();
      expect(text).toContain("the tail was cut off");
      expect(text).not.toContain(grant);
    }
    rmSync(folder, { recursive: true });
    cpSync(at("log"), folder, { recursive: true });
    expect((await fetch(`${url}/`)).status).toBe(200);
    stop();
  });

  it("takes no name that no browser asks for", async () => {
    for (const name of ["https://reviews.example.com", "reviews.example.com:443", "a b", ""]) {
      const ran = await inside(["review", "serve", at("log"), "--key", at("log.vkey"), "--name", name], {});
      expect([name, ran.code, ran.stderr]).toEqual([name, 2, expect.stringContaining("is no host name")]);
    }
  });

  it("does not start with a ledger that does not verify, nor where others reach it", async () => {
    for (const [folder, listen, says] of [
      ["bad", "127.0.0.1:0", "does not verify"],
      ["log", "0.0.0.0:0", "reached from other machines"],
      ["log", "here", "is no address"],
    ] as const) {
      const ran = await glassgate(["review", "serve", at(folder), "--key", at("log.vkey"), "--listen", listen]);
      expect([1, 2]).toContain(ran.code);
      expect(ran.stderr).toContain(says);
    }
  });
});

function readBundleName(folder: string): string {
  const files = readdirSync(folder, { recursive: true })
    .map(String)
    .filter((name) => name.includes(join("tile", "entries")));
  return files.filter((name) => /\d$/.test(name)).sort((a, b) => b.length - a.length)[0] ?? "";
}

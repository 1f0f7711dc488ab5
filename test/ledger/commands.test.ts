/** The commands that read a ledger, as a person runs them: what they print, write, refuse, and how they end. */
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { afterAll, describe, expect, it } from "vitest";
import { inside } from "../cli/inside.js";
import { glassgate, main, type Ran, shell } from "../cli/run.js";
import {
  bundleOf,
  checkpointOf,
  cosign,
  entry,
  filesOf,
  records,
  signNote,
  type TestKey,
  testKey,
  witnessKey,
  writeLog,
} from "./make-log.js";

const base = mkdtempSync(join(tmpdir(), "glassgate-ledger-commands-"));
const servers: Server[] = [];
afterAll(() => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
  rmSync(base, { recursive: true, force: true });
});

const key = testKey("ledger.example.com/eu/2026-11");
writeFileSync(join(base, "ledger.vkey"), `${key.vkey}\n`);

const grant = createHash("sha256").update("payload").digest("hex");
const access = {
  v: 1,
  vm: "gateway-1/17/3",
  seq: 1,
  prev: "0".repeat(64),
  ts: "2026-01-01T00:03:20.123Z",
  mode: "enforce",
  verdict: "allow",
  jti: "j".repeat(20),
  grant_sha256: grant,
  sub: "rita",
  ent: "orders-repair",
  reason: "outage",
  incident: "INC-7",
  approvers: [{ sub: "adam", iat: 1767225700 }],
  method: "POST",
  host: "api.example.com:8443",
  path: "/orders/42",
  source: "192.0.2.1:52100",
  request_id: "request-of-rita",
  bundle: 8,
  anchors: "a".repeat(64),
  evidence: "e".repeat(64),
  cached: false,
};

const hostile = "\u001b]0;owned\u0007\u001b[2J\u202e\u0085";
/** One of each kind, and among them what an adversary would send. */
const mixed: readonly Buffer[] = [
  entry(JSON.stringify(access)),
  entry('{"evidence":"payload~approval"}', { type: "evidence" }),
  entry(JSON.stringify({ request_id: "request-of-rita", status: 200 }), { type: "answer" }),
  ...records(3).map((line) => entry(line)),
  entry(Buffer.from([0xff, 0xfe, 0x00]), { type: "quarantine", more: { why: "utf8" } }),
  entry(JSON.stringify({ ...access, sub: hostile, host: hostile, path: hostile, drill: "drill-1" })),
  entry(JSON.stringify({ ...access, sub: { toString: 1 }, approvers: "x", method: ["POST"], source: 7, ts: "no" })),
  entry(`${"[".repeat(5000)}${"]".repeat(5000)}`, { type: "quarantine", more: { why: "depth" } }),
  entry(
    JSON.stringify({ ...access, source: "[2001:db8::1]:443", method: "PROPFIND", mode: "shadow", verdict: "quorum" }),
  ),
  entry(JSON.stringify({ ...access, source: "@", single_key: true, ended: true, verdict: "expired", host: "" })),
  entry(JSON.stringify({ code: "gap", subject: "s", about: [4], vm: "gateway-1/17/3", says: "two are missing" }), {
    type: "alarm",
    via: "ledger",
    sender: "ledger",
  }),
];

let serial = 0;
function folderOf(files: ReadonlyMap<string, Buffer>): string {
  const folder = join(base, `log-${serial++}`);
  writeLog(folder, files);
  return folder;
}

const ledger = (...args: readonly string[]): Promise<Ran> => inside(["ledger", ...args], { cwd: base });
const verify = (where: string, ...args: readonly string[]): Promise<Ran> =>
  ledger("verify", where, "--key", "ledger.vkey", "--threads", "1", ...args);
/** In a process of its own, where threads have files to start from. */
const verifyThere = (where: string, ...args: readonly string[]): Promise<Ran> =>
  glassgate(["ledger", "verify", where, "--key", "ledger.vkey", ...args], { cwd: base });

/** @param token whom all but the checkpoint is shown to, as `ledger serve` has it; undefined: everybody */
function serve(answer: (path: string) => Buffer | undefined, token?: string): Promise<string> {
  const server = createServer((request, response) => {
    const path = (request.url ?? "").slice(1);
    const bytes = answer(path);
    const isShown = token === undefined || path === "checkpoint" || request.headers.authorization === `Bearer ${token}`;
    response.writeHead(isShown ? (bytes === undefined ? 404 : 200) : 401);
    response.end(bytes);
  });
  servers.push(server);
  return new Promise((resolve) =>
    server.listen(0, "127.0.0.1", () => {
      const address: AddressInfo | string | null = server.address();
      resolve(`http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`);
    }),
  );
}

describe("verify", () => {
  const size = 8450;
  const many = records(size).map((line) => entry(line));
  const files = filesOf(many, key);

  it("says what it proved and what not, in one thread and in several, from a folder and from a URL", async () => {
    const folder = folderOf(files);
    writeFileSync(join(base, "kept"), checkpointOf(many.slice(0, 300), key));
    const url = await serve((path) => files.get(path));
    const [one, three, far] = await Promise.all([
      verifyThere(folder, "--threads", "1"),
      verifyThere(folder, "--threads", "3", "--since", "kept"),
      verifyThere(url, "--threads", "2", "--json"),
    ]);
    expect(one.code, one.stdout).toBe(0);
    expect(one.stdout).toContain(`Proved:\n  ${key.name}'s key signed exactly these ${size} entries, in this order.`);
    expect(one.stdout).toContain(
      "Not proved:\n  that these entries are those of before: whoever has the key can sign others.",
    );
    expect(three.code).toBe(0);
    expect(three.stdout).toContain("Nothing that was there at size 300 (kept) was changed or removed since.");
    expect(three.stdout).not.toContain("are those of before");
    expect(far.code).toBe(0);
    expect(JSON.parse(far.stdout)).toMatchObject({ size, counts: { record: size }, problems: [] });
  });

  it("names the same first bad thing in one thread and in several, with exit code 1", async () => {
    const bad = [...many];
    for (const index of [5000, 7777]) bad[index] = entry("another");
    const changed = new Map(files);
    for (const bundle of [19, 30])
      changed.set(`tile/entries/0${bundle}`, bundleOf(bad.slice(bundle * 256, (bundle + 1) * 256)));
    const folder = folderOf(changed);
    const [one, three, json] = await Promise.all([
      verifyThere(folder, "--threads", "1"),
      verifyThere(folder, "--threads", "3"),
      verifyThere(folder, "--threads", "2", "--json"),
    ]);
    const byte = bundleOf(many.slice(19 * 256, 5000)).length;
    expect(one.stdout).toContain(
      `Wrong: tile/entries/019, entry 5000 (byte ${byte}): its SHA-256 is not the one in tile/0/019`,
    );
    expect(one.stdout).toContain("1 further entry differs from the tiles");
    expect(three.stdout).toBe(one.stdout);
    expect([one.code, three.code, json.code]).toEqual([1, 1, 1]);
    expect(JSON.parse(json.stdout)).toMatchObject({
      proved: [],
      problems: [{ step: "entries", file: "tile/entries/019", index: 5000, byte }],
    });
  });

  it("names a bundle that is gone, also where a thread finds it", async () => {
    const changed = new Map(files);
    changed.delete("tile/entries/020");
    const found = await verifyThere(folderOf(changed), "--threads", "2");
    expect(found.stdout).toContain("Wrong: tile/entries/020: it is missing\n");
    expect(found.code).toBe(1);
  });

  it("takes the key as text too, and refuses what is none", async () => {
    const folder = folderOf(
      filesOf(
        records(3).map((line) => entry(line)),
        key,
      ),
    );
    expect((await ledger("verify", folder, "--key", key.vkey)).code).toBe(0);
    for (const bad of ["nobody", `${key.name}+00000000+${key.vkey.split("+").slice(2).join("+")}`, folder]) {
      const { code, stderr } = await ledger("verify", folder, "--key", bad);
      expect(code).toBe(2);
      expect(stderr).toContain("error:");
    }
  });
});

describe("witnesses", () => {
  const [one, two] = [testKey("witness-1.example", 21), testKey("witness-2.example", 22)];
  const entries = records(300).map((line) => entry(line));
  const policy = (quorum: string): string =>
    [
      `log ${key.vkey}`,
      `witness one ${witnessKey(one)}`,
      `witness two ${witnessKey(two)}`,
      "group both all one two",
      `quorum ${quorum}`,
      "",
    ].join("\n");
  const cosigned = (...witnesses: readonly TestKey[]): string => {
    const note = witnesses.reduce(
      (text, witness, i) => cosign(text, witness, 1_764_178_200 + i),
      checkpointOf(entries, key),
    );
    return folderOf(new Map([...filesOf(entries, key), ["checkpoint", Buffer.from(note)]]));
  };

  it("are named where they have cosigned as the policy demands, and missed where they have not", async () => {
    writeFileSync(join(base, "both.policy"), policy("both"));
    writeFileSync(join(base, "one.policy"), policy("one"));
    const both = await verify(cosigned(one, two), "--policy", "both.policy");
    expect(both.code, both.stdout).toBe(0);
    expect(both.stdout).toMatch(/witness-1\.example \(2025.*\), witness-2\.example \(2025.*\) saw this same history\./);
    expect(both.stdout).not.toContain("--policy FILE asks witnesses");
    expect((await verify(cosigned(one), "--policy", "one.policy")).code).toBe(0);
    const half = await verify(cosigned(one), "--policy", "both.policy");
    expect(half.stdout).toContain("Wrong: checkpoint: The policy's witnesses have not all cosigned it: it wants two");
    expect(half.code).toBe(1);
  });

  it("do not cosign what was rebuilt: the old cosignature does not hold under the new tree", async () => {
    writeFileSync(join(base, "one.policy"), policy("one"));
    const line = cosign(checkpointOf(entries, key), one, 1_764_178_200).trimEnd().split("\n").at(-1) ?? "";
    const rebuilt = [...entries];
    // An honest line of another chain: what it means is not what is looked at here.
    rebuilt[100] = entry(records(1, "gateway-1/1767225000123456789/4")[0] ?? "");
    const note = `${checkpointOf(rebuilt, key)}${line}\n`;
    const found = await verify(
      folderOf(new Map([...filesOf(rebuilt, key), ["checkpoint", Buffer.from(note)]])),
      "--policy",
      "one.policy",
    );
    expect(found.stdout).toContain("checkpoint: The cosignature of witness-1.example does not verify");
    expect(found.code).toBe(1);
  });
});

describe("a source that lies", () => {
  const count = 13;
  const small = filesOf(
    records(count).map((line) => entry(line)),
    key,
  );
  const empty = Buffer.alloc(0);

  it.each([
    ["a size of 2^53", "9007199254740992", "its second line is no tree size"],
    ["a size just below", "9007199254740991", "no ledger has as many"],
    ["a size that nobody could keep", "4294967297", "no ledger has as many"],
    ["a size of which nothing is there", "4294967295", "it is missing"],
    ["a negative size", "-1", "its second line is no tree size"],
  ])("%s", async (_, size, says) => {
    const note = signNote(`${key.name}\n${size}\n${Buffer.alloc(32).toString("base64")}\n`, key);
    const { code, stdout } = await verify(folderOf(new Map([["checkpoint", Buffer.from(note)]])));
    expect(stdout).toContain(says);
    expect(code).toBe(1);
  });

  it("a checkpoint that is none, huge, no text, or has escapes", async () => {
    for (const bytes of [
      empty,
      Buffer.alloc(1024 * 1024, "\n"),
      Buffer.from([0xff, 0x0a]),
      Buffer.from(`${hostile}\n1\nx\n\n\u2014 ${hostile} AAAA\n`),
    ]) {
      const { code, stdout, stderr } = await verify(folderOf(new Map([["checkpoint", bytes]])));
      expect(code).toBe(1);
      expect(stdout).toContain("Wrong: checkpoint: ");
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not reach a terminal.
      expect(stdout + stderr).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    }
  });

  it.each([
    ["a pipe", (name: string) => void spawnSync("mkfifo", [name]), "is no file"],
    ["a folder", (name: string) => mkdirSync(name), "is no file"],
    ["a device without an end", (name: string) => symlinkSync("/dev/zero", name), "it is a link out of the folder"],
    [
      "a link out of the folder",
      (name: string) => symlinkSync("/etc/hostname", name),
      "it is a link out of the folder",
    ],
    ["a link to itself", (name: string) => symlinkSync(name, name), "links lead in a circle"],
    ["a tile of another length", (name: string) => writeFileSync(name, Buffer.alloc(33)), "33 bytes"],
    ["an empty file", (name: string) => writeFileSync(name, empty), "0 bytes"],
    ["a file of a gigabyte", (name: string) => void spawnSync("truncate", ["-s", "1G", name]), "larger than it can be"],
  ])("%s where a file should be", async (_, put, says) => {
    for (const path of [`tile/0/000.p/${count}`, `tile/entries/000.p/${count}`, "checkpoint"]) {
      if (path !== `tile/0/000.p/${count}` && says.endsWith("bytes")) continue;
      const folder = folderOf(small);
      rmSync(join(folder, path));
      put(join(folder, path));
      const { code, stdout, stderr } = await verify(folder);
      expect(`${stdout}${stderr}`).toContain(says);
      expect([1, 2]).toContain(code);
    }
  });

  it("a link within the folder is as good as the file", async () => {
    const folder = folderOf(small);
    renameSync(join(folder, "tile"), join(folder, "elsewhere"));
    symlinkSync("elsewhere", join(folder, "tile"));
    expect((await verify(folder)).code).toBe(0);
  });

  it("a server without an end, without an answer, that leads elsewhere, or is not there", async () => {
    const endless = createServer((_, response) => {
      const more = (): void => {
        while (response.write(Buffer.alloc(65_536)));
      };
      response.on("drain", more);
      more();
    });
    const elsewhere = createServer((_, response) => response.writeHead(302, { location: "http://127.0.0.1:1/" }).end());
    const urls: string[] = [];
    for (const server of [endless, elsewhere]) {
      servers.push(server);
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const address = server.address();
      urls.push(`http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}/x`);
    }
    const [whole, away, gone, no, cut] = [
      await verify(urls[0] ?? ""),
      await verify(urls[1] ?? ""),
      await verify("http://127.0.0.1:1/x"),
      await verify("http://ledger.example.com/x"),
      await verify(await serve((path) => (path === "checkpoint" ? small.get(path) : undefined))),
    ];
    expect(whole.stdout).toContain("larger than it can be");
    expect(away.stderr).toContain("answers 302");
    expect(gone.stderr).toContain("Cannot read http://127.0.0.1:1/x/checkpoint");
    expect(no.stderr).toContain("only https:// is read");
    expect(cut.stdout).toContain(`tile/entries/000.p/${count}: it is missing`);
    expect([whole, away, gone, no, cut].map((ran) => ran.code)).toEqual([1, 2, 2, 2, 1]);
  });

  it("no folder, and a folder that is no log", async () => {
    expect(await verify("nowhere")).toMatchObject({ code: 2 });
    expect(await verify("ledger.vkey")).toMatchObject({ code: 2 });
    mkdirSync(join(base, "empty"), { recursive: true });
    const { code, stdout } = await verify("empty");
    expect(stdout).toContain("checkpoint: it is missing: this is no log");
    expect(code).toBe(1);
  });
});

describe("a ledger that shows its log to senders alone", () => {
  const token = `ggl_${"t".repeat(43)}`;
  const entries = records(300).map((line) => entry(line));
  const files = filesOf(entries, key);
  const commands: readonly (readonly [name: string, ...args: string[]])[] = [
    ["verify"],
    ["verify", "--threads", "2"],
    ["tail"],
    ["prove", "299", "--out", "remote.tlog-proof"],
    ["export", "--format", "jsonl"],
    ["shards"],
  ];
  const reading =
    (where: string, file: string) =>
    ([name, ...args]: readonly string[]) =>
      glassgate(["ledger", name ?? "", where, ...args, "--key", "ledger.vkey", "--token-file", file], { cwd: base });

  it("is read with the token of one who may", async () => {
    writeFileSync(join(base, "auditor.token"), `${token}\n`, { mode: 0o600 });
    const url = await serve((path) => files.get(path), token);
    for (const ran of await Promise.all(commands.map(reading(url, "auditor.token"))))
      expect(ran.code, ran.stderr + ran.stdout).toBe(0);
  });

  it("shards in several places: the token goes to the one server that is named, and to no store or folder", async () => {
    const folder = folderOf(files);
    const url = await serve((path) => files.get(path), token);
    const other = await serve(() => undefined);
    const shards = (...places: string[]): Promise<Ran> =>
      ledger("shards", ...places, "--key", "ledger.vkey", "--token-file", "auditor.token");
    // It is read, and then refused for what it is: a shard that goes on from none.
    expect((await shards(url, folder)).stderr).not.toMatch(/answers 401|--token-file/);
    const two = await shards(url, folder, other);
    expect(two).toMatchObject({ code: 2 });
    expect(two.stderr).toMatch(/--token-file is for one server; here are http:\S+ and http:/);
    expect((await shards(folder)).stderr).toMatch(/--token-file is for the address of a ledger/);
  });

  it("says how where there is none, or another one; the token is never shown", async () => {
    writeFileSync(join(base, "other.token"), `${token.replaceAll("t", "x")}\n`, { mode: 0o600 });
    const url = await serve((path) => files.get(path), token);
    for (const ran of [await verify(url), await reading(url, "other.token")(["tail"])]) {
      expect(ran.code).toBe(2);
      expect(ran.stderr).toMatch(/answers 401\.\nnext:.*--token-file/);
      expect(ran.stderr).not.toContain("ggl_");
    }
    for (const [where, file] of [
      ["ledger.vkey", "auditor.token"],
      [url, "nowhere.token"],
      [url, "ledger.vkey"],
    ] as const) {
      const { code, stderr } = await reading(where, file)(["tail"]);
      expect(code).toBe(2);
      expect(stderr).toContain("next:");
    }
  });
});

describe("prove", () => {
  const entries = [...mixed, ...records(500, "gateway-2/18/1").map((line) => entry(line))];
  const folder = folderOf(filesOf(entries, key));

  it("writes a proof and the entry, and checks them; a changed byte in either does not pass", async () => {
    const out = join(base, "access.tlog-proof");
    const made = await ledger("prove", folder, "0", "--key", "ledger.vkey", "--out", out);
    expect(made).toMatchObject({ code: 0 });
    // To be copied as it is.
    expect(made.stderr).toMatch(/^ {2}glassgate ledger prove --check \S+ \S+ --key ledger\.vkey$/m);
    expect(readFileSync(join(base, "access.entry"))).toEqual(entries[0]);
    const check = (proof: string, of: string): Promise<Ran> =>
      ledger("prove", "--check", proof, of, "--key", "ledger.vkey");
    const none = await ledger("prove", folder, "--request-id", "nobody", "--key", "ledger.vkey");
    expect(none).toMatchObject({ code: 1 });
    expect(none.stderr).toMatch(/^error: Nothing about it is among .*\nnext:.*shard before/m);
    const good = await check("access.tlog-proof", "access.entry");
    expect(good).toMatchObject({ code: 0 });
    expect(good.stdout).toContain(`access.entry is entry 0 of ${key.name}, in its signed tree of ${entries.length}`);
    writeFileSync(join(base, "other.entry"), Buffer.concat([entries[0] ?? Buffer.alloc(0), Buffer.from("\n")]));
    expect(await check("access.tlog-proof", "other.entry")).toMatchObject({ code: 1 });
    const text = readFileSync(out, "utf8");
    writeFileSync(join(base, "other.tlog-proof"), text.replace("index 0", "index 1"));
    expect(await check("other.tlog-proof", "access.entry")).toMatchObject({ code: 1 });
    writeFileSync(join(base, "other.tlog-proof"), text.replace("tlog-proof@v1", "tlog-proof@v2"));
    expect(await check("other.tlog-proof", "access.entry")).toMatchObject({ code: 2 });
    const stranger = testKey(key.name, 9).vkey;
    const by = await ledger("prove", "--check", "access.tlog-proof", "access.entry", "--key", stranger);
    expect(by.code).toBe(1);
  });

  it("finds what is about a request or a grant", async () => {
    const cwd = mkdtempSync(join(base, "found-"));
    const prove = (...args: string[]): Promise<Ran> =>
      inside(["ledger", "prove", folder, "--key", key.vkey, ...args], { cwd });
    expect(await prove("--request-id", "request-7", "--json")).toMatchObject({ code: 0 });
    expect(readdirSync(cwd).sort()).toEqual(["entry-19.entry", "entry-19.tlog-proof"]);
    expect(await prove("--grant", grant)).toMatchObject({ code: 0 });
    expect(readFileSync(join(cwd, "entry-1.entry"))).toEqual(entries[1]);
    const many = await prove("--grant", grant, "--out", "x");
    expect(many.code).toBe(2);
    expect(many.stderr).toContain("entries about it: 0, 1, ");
    expect(await prove("--request-id", "nobody's")).toMatchObject({ code: 1 });
    for (const bad of [["513"], ["-1"], ["1e3"], [], ["1", "--grant", grant]])
      expect((await prove(...bad)).code).toBe(2);
  });

  it("does not prove from a log that does not", async () => {
    const files = filesOf(entries, key);
    files.set("tile/entries/000", bundleOf([entry("another"), ...entries.slice(1, 256)]));
    const { code, stderr } = await ledger("prove", folderOf(files), "0", "--key", key.vkey);
    expect(code).toBe(1);
    expect(stderr).toContain("does not prove its entry 0");
  });
});

describe("export", () => {
  const folder = folderOf(filesOf(mixed, key));
  const schema: object = JSON.parse(
    readFileSync(new URL("../vectors/ocsf/api_activity-1.8.0.json", import.meta.url), "utf8"),
  );
  const isEvent = new Ajv2020({ strict: false }).compile(schema);

  it("JSON Lines: every entry, its body as text or in base64", async () => {
    const { code, stdout } = await ledger("export", folder, "--format", "jsonl", "--key", key.vkey);
    expect(code).toBe(0);
    const lines = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines.map(({ index }) => index)).toEqual(mixed.map((_, i) => i));
    for (const [i, { head, body, body_base64 }] of lines.entries()) {
      const bytes = body_base64 === undefined ? Buffer.from(body) : Buffer.from(body_base64, "base64");
      expect(Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), bytes])).toEqual(mixed[i]);
    }
    expect(stdout).not.toMatch(/[^\n\x20-\x7e]/);
  });

  it("OCSF: every record is a valid API Activity, whatever it holds", async () => {
    const { code, stdout, stderr } = await ledger("export", folder, "--format", "ocsf", "--key", key.vkey);
    expect(code).toBe(0);
    const events = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    for (const event of events) expect(isEvent(event), JSON.stringify(isEvent.errors)).toBe(true);
    expect(events).toHaveLength(8);
    expect(stderr).toContain("5 entries of other types");
    expect(events[0]).toMatchObject({
      class_uid: 6003,
      activity_id: 1,
      status: "Success",
      actor: { user: { name: "rita" } },
      api: { operation: "POST /orders/42" },
      http_request: { http_method: "POST", url: { hostname: "api.example.com", port: 8443, path: "/orders/42" } },
      src_endpoint: { ip: "192.0.2.1", port: 52100 },
      metadata: { uid: "request-of-rita", sequence: 0, version: "1.8.0" },
      time: Date.parse("2026-01-01T00:03:20.123Z"),
      severity: "Medium",
      unmapped: {
        grant_sha256: grant,
        approvers: [{ sub: "adam", iat: 1767225700 }],
        reason: "outage",
        incident: "INC-7",
      },
    });
    expect(events.map(({ status }) => status)).toEqual([
      "Success",
      "Failure",
      "Failure",
      "Failure",
      "Success",
      "Success",
      "Failure",
      "Failure",
    ]);
    expect(events[4]).toMatchObject({ severity: "Informational", metadata: { labels: ["drill"] } });
    expect(events[6]).toMatchObject({ src_endpoint: { ip: "2001:db8::1" }, metadata: { labels: ["shadow"] } });
  });

  it("a part of it, into a file that is whole or not there", async () => {
    const out = join(base, "part.jsonl");
    expect(await ledger("export", folder, "--format", "jsonl", "--from", "2", "--to", "5", "--out", out)).toMatchObject(
      {
        code: 0,
      },
    );
    expect(readFileSync(out, "utf8").trimEnd().split("\n")).toHaveLength(3);
    for (const range of [
      ["--from", "5", "--to", "2"],
      ["--to", "14"],
      ["--from", "x"],
    ])
      expect((await ledger("export", folder, "--format", "jsonl", ...range)).code).toBe(2);
    const cut = filesOf(mixed, key);
    cut.set(`tile/entries/000.p/${mixed.length}`, bundleOf(mixed).subarray(0, -1));
    const bad = await ledger("export", folderOf(cut), "--format", "jsonl", "--out", join(base, "never.jsonl"));
    expect(bad.code).toBe(1);
    expect(readdirSync(base).filter((name) => name.startsWith("never") || name.endsWith(".tmp"))).toEqual([]);
  });

  it("a reader that has seen enough is no error; a full disk is one", async () => {
    const long = folderOf(
      filesOf(
        records(3000).map((line) => entry(line)),
        key,
      ),
    );
    const piped = await shell(
      `set -o pipefail; npx glassgate ledger export ${long} --format jsonl --key '${key.vkey}' | head -n 1`,
    );
    expect(piped.code).toBe(0);
    expect(piped.stderr.replaceAll(/^exported: .*\n/gm, "")).toBe("");
    expect(piped.stdout.split("\n")).toHaveLength(2);
    const full = await shell(`npx glassgate ledger export ${long} --format jsonl > /dev/full`);
    expect(full.code).not.toBe(0);
    expect(full.stderr).toContain("Cannot write the output");
  });
});

describe("tail", () => {
  it("shows the newest, those of a type, and those about a grant; nothing that moves a cursor", async () => {
    const folder = folderOf(filesOf([...records(300).map((line) => entry(line)), ...mixed], key));
    const tail = (...args: string[]): Promise<Ran> => ledger("tail", folder, "--key", key.vkey, ...args);
    const all = await tail("--lines", "13");
    expect(all.code).toBe(0);
    const lines = all.stdout.trimEnd().split("\n");
    expect(lines).toHaveLength(13);
    expect(lines[0]).toMatch(
      /^300 {2}2026-01-01 00:03:20 UTC.* record +rita allow POST api\.example\.com:8443 \/orders\/42 approved by adam because of outage INC-7$/,
    );
    expect(lines[12]).toMatch(/alarm +gap: two are missing$/);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not reach a terminal.
    expect(all.stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    expect((await tail("--type", "alarm", "--type", "answer")).stdout.trimEnd().split("\n")).toHaveLength(2);
    expect((await tail("--grant", grant, "--lines", "3")).stdout.trimEnd().split("\n")).toHaveLength(3);
    expect(JSON.parse((await tail("--type", "evidence", "--json")).stdout)).toMatchObject({ index: 301 });
    expect((await tail("--type", "record", "--lines", "300")).stdout.trimEnd().split("\n")).toHaveLength(300);
    const wrong = await tail("--type", "alarms");
    expect(wrong).toMatchObject({ code: 2 });
    expect(wrong.stderr).toContain("Did you mean alarm?");
  });

  it("follows what comes, and stops where the log goes back", async () => {
    const entries = records(400).map((line) => entry(line));
    const folder = folderOf(filesOf(entries.slice(0, 250), key));
    const put = (files: ReadonlyMap<string, Buffer>): void => {
      for (const [path, bytes] of [...files].reverse()) {
        mkdirSync(join(folder, path, ".."), { recursive: true });
        writeFileSync(join(folder, `${path}.new`), bytes);
        renameSync(join(folder, `${path}.new`), join(folder, path));
      }
    };
    const child = spawn(process.execPath, [main, "ledger", "tail", folder, "--key", key.vkey, "--follow", "-n", "1"], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let [stdout, stderr] = ["", ""];
    const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
    child.stderr.on("data", (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    const lines = (count: number): Promise<void> =>
      new Promise((resolve) => {
        const look = (): void => {
          if (stdout.split("\n").length > count) resolve();
        };
        child.stdout.on("data", look);
        look();
      });
    child.stdout.on("data", (chunk: Buffer) => {
      stdout += chunk.toString();
    });
    await lines(1);
    put(filesOf(entries, key));
    await lines(151);
    expect(stdout.split("\n").filter((line) => line !== "")).toHaveLength(151);
    put(filesOf(entries.slice(0, 300), key));
    expect(await ended).toBe(1);
    expect(stderr).toContain(
      "The log is another one: its checkpoint of 300 entries does not go on from the one of 400.",
    );
  });
});

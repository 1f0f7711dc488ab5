/** What a requester holds: kept without a secret in clear, listed, given back, and wiped at its end by whatever comes next. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import {
  entryOf,
  findHeld,
  giveBack,
  type Held,
  heldFolder,
  hold,
  readHoldings,
  wipeEnded,
} from "../../control/caller/held.js";
import { newProofKey } from "../../control/caller/proof.js";
import { seal, unseal } from "../../control/caller/seal.js";
import { readClaims } from "../../control/grant/ask.js";
import { completeGrant } from "../../control/grant/make.js";
import { newKey } from "../../control/signer/jwk.js";
import { inside } from "../cli/inside.js";
import { atTerminal, freePort, main, type Ran, type RunOptions, run as runProgram } from "../cli/run.js";
import { Certificates } from "../kit/certificates.js";
import { detail, entitlement, nowSeconds, Party } from "../kit/party.js";
import { looseGrant, raw } from "./raw.js";

const certificates = new Certificates();
let party: Party;
let keys: string;
const OTHER = { ...detail, locations: ["stock.example.com"], actions: ["GET"], paths: ["/items/**"] };
beforeAll(async () => {
  party = await Party.make();
  keys = party.env.GLASSGATE_KEYS;
  const open = { approvals: [], authorization_details: [detail, OTHER] };
  await party.pin({
    entitlements: [entitlement({ ...open }), entitlement({ ...open, id: "bound", require: ["cnf"] })],
  });
});
afterAll(() => {
  party.end();
  certificates.remove();
});

const URL_42 = "https://api.example.com/orders/42";
const REST = ["--reason", "outage", "--text", "refund loop", "--key", "rita"];
/** Without a process of its own, as each start of one takes half a second. One at a time. */
const run = (args: readonly string[], options: RunOptions = {}): Promise<Ran> =>
  inside(args, { cwd: party.folder, ...options, env: { ...party.env, ...options.env } });
const ask = (more: readonly string[], ent = "orders-repair"): Promise<Ran> =>
  run(["ask", "POST", URL_42, "--ent", ent, ...REST, ...more]);
const claimsOf = async (ran: Ran) => {
  expect(ran.code, ran.stderr).toBe(0);
  return readClaims(ran.stdout.trim(), "The ask");
};

it("--also opens each method and URL and nothing between them", async () => {
  const also = ["GET", URL_42, "GET", "https://stock.example.com/items/7", "GET", "https://stock.example.com/items/8"];
  const { authorization_details, cnf } = await claimsOf(
    await ask(["--also", ...also, "--also", "POST", "https://api.example.com/orders/43"]),
  );
  expect(cnf).toBeUndefined();
  const type = "break_glass_http";
  expect(authorization_details).toEqual([
    { type, locations: ["api.example.com"], actions: ["POST", "GET"], paths: ["/orders/42"] },
    { type, locations: ["stock.example.com"], actions: ["GET"], paths: ["/items/7", "/items/8"] },
    { type, locations: ["api.example.com"], actions: ["POST"], paths: ["/orders/43"] },
  ]);
  expect(readHoldings(keys).entries).toEqual([]);
  for (const [words, what] of [
    [["GET"], "--also takes a method and a URL"],
    [["get", URL_42], "is not a method"],
    [["GET", "api.example.com"], "is not a URL"],
  ] as const) {
    const { code, stderr } = await ask(["--also", ...words]);
    expect(code).toBe(2);
    expect(stderr).toContain(what);
  }
});

it("binds where it is demanded and where it is wished, and keeps the key sealed; --again asks for the same with another key", async () => {
  const first = await ask(["--also", "GET", "https://stock.example.com/items/7", "--ttl", "10m"], "bound");
  const before = await claimsOf(first);
  const held = findHeld(keys, before.jti);
  expect(before.cnf).toEqual({ jkt: held?.proof?.jkt });
  const folder = heldFolder(keys);
  expect(statSync(folder).mode & 0o077).toBe(0);
  for (const file of readdirSync(folder)) expect(statSync(join(folder, file)).mode & 0o777).toBe(0o600);
  // The requester's key opens it, another does not, and it is not there in clear.
  const { jkt = "", sealed = "" } = held?.proof ?? {};
  const proofKey = await unseal(sealed, party.keys.rita, jkt);
  expect(proofKey.kid).toBe(jkt);
  await expect(unseal(sealed, party.keys.anna, jkt)).rejects.toThrow("cannot be opened");
  expect(readFileSync(join(folder, `${before.jti}.json`), "utf8")).not.toContain(proofKey.d);

  party.write("ask.txt", first.stdout);
  const granted = await run(["grant", "ask.txt", "--key", "rita", "--output", "bound.txt"]);
  expect(granted.code, granted.stderr).toBe(0);
  expect(findHeld(keys, before.jti)).toMatchObject({ file: join(party.folder, "bound.txt"), proof: { jkt } });

  const again = await claimsOf(await run(["ask", "--again", "bound.txt", "--key", "rita"]));
  const { jti, iat, exp, cnf, ...same } = again;
  expect(before).toMatchObject(same);
  expect(jti).not.toBe(before.jti);
  expect(cnf).not.toEqual(before.cnf);
  expect(findHeld(keys, jti)?.proof?.jkt).toBe(cnf !== undefined && "jkt" in cnf ? cnf.jkt : "none");
  expect(exp - iat).toBe(600);
  expect(iat).toBeGreaterThanOrEqual(before.iat);
  for (const more of [
    ["GET", URL_42],
    ["--also", "GET", URL_42],
    ["--also-path", "/orders/43"],
  ]) {
    const wider = await run(["ask", ...more, "--again", "bound.txt", "--key", "rita"]);
    expect(wider.code).toBe(2);
    expect(wider.stderr).toContain("the same once more");
  }
  party.write("net.txt", await looseGrant([detail], { net: ["192.0.2.0/24"] }));
  const netOf = (net: string) => run(["ask", "--again", "net.txt", "--net", net, "--key", "rita"]);
  const elsewhere = await netOf("0.0.0.0/0");
  expect(elsewhere.code).toBe(2);
  expect(elsewhere.stderr).toContain("not for the network 0.0.0.0/0");
  expect((await claimsOf(await netOf("192.0.2.0/24"))).net).toEqual(["192.0.2.0/24"]);
  const mailed = await run(["ask", "--again", readFileSync(join(party.folder, "bound.txt"), "utf8"), "--key", "rita"]);
  expect(mailed.stderr).toContain("can be read by everybody");

  // A certificate stays what it was.
  const thumbprint = createHash("sha256").update("a certificate").digest("base64url");
  const cnf2 = { "x5t#S256": thumbprint };
  party.write("mtls.txt", await looseGrant([detail], { cnf: cnf2 }));
  expect((await claimsOf(await run(["ask", "--again", "mtls.txt", "--key", "rita"]))).cnf).toEqual(cnf2);

  const wished = await claimsOf(await ask(["--bind"]));
  expect(findHeld(keys, wished.jti)?.proof).toBeDefined();
  const none = await run(["ask", "POST", URL_42, ...REST]);
  expect(none.code).toBe(2);
  expect(none.stderr).toContain("required option '--ent <id>' not specified");
});

it("status shows what is held, and return wipes it and writes it down", async () => {
  const { entries } = readHoldings(keys);
  const [grant] = entries.filter(({ file }) => file !== undefined);
  const told = await party.run(["status"], { env: { TZ: "Asia/Tokyo" } });
  expect(told.stdout).toContain(`a grant, in ${grant?.file}`);
  expect(told.stdout).toContain("an ask: no grant of it was written to a file yet");
  expect(told.stdout).toMatch(/left {5}\d+ minutes.*, until \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC \(.* \+09:00\)$/m);
  const json = JSON.parse((await run(["status", "--json"])).stdout);
  expect(json).toHaveLength(entries.length);
  expect(JSON.stringify(json)).not.toContain(grant?.proof?.sealed);

  const several = await run(["return"]);
  expect(several.code).toBe(2);
  expect(several.stderr).toContain("You hold more than one");
  const unknown = await run(["return", "nope.txt"]);
  expect(unknown).toMatchObject({ code: 1 });
  const returned = await party.run(["return", "bound.txt"]);
  expect(returned).toMatchObject({ code: 0, stdout: "" });
  expect(existsSync(join(party.folder, "bound.txt"))).toBe(false);
  expect(findHeld(keys, grant?.jti ?? "")).toBeUndefined();
  const all = await run(["return", "--all"]);
  expect(all.code).toBe(0);
  expect((await run(["status"])).stdout).toContain("You hold nothing");
  const log = readFileSync(join(heldFolder(keys), "returned.log"), "utf8")
    .trim()
    .split("\n");
  expect(log.map((line) => JSON.parse(line).why)).toEqual(entries.map(() => "returned"));
});

it("what is bound to a client certificate is not called unbound: its key is elsewhere", async () => {
  const { stdout } = await ask(["--bind-cert", certificates.selfSigned("client").certificate]);
  party.write("cert-ask.txt", stdout);
  expect((await party.run(["grant", "cert-ask.txt", "--key", "rita", "--output", "cert.txt"])).code).toBe(0);
  const status = await party.run(["status"]);
  expect(status.stdout).toMatch(/^ {2}bound {4}to the client certificate with the SHA-256 [\w-]{43}$/m);
  const returned = await party.run(["return", "cert.txt"]);
  expect(returned.stderr).toContain("Its client certificate lives on: a copy");
  expect(returned.stderr).toMatch(/^ {2}glassgate revoke --grant [\w-]{16,64} --key NAME$/m);
});

/** A grant of that life in a file, held, as `glassgate grant --output` leaves it. */
async function heldGrant(file: string, ttl: number): Promise<string> {
  const text = await party.ask({ ttl, details: [detail] });
  const grant = await completeGrant(text, [], party.keys.rita);
  party.write(file, `x-break-glass: ${grant}\n`);
  hold(keys, { ...entryOf(grant, await readClaims(grant, "The grant"), "rita"), file: join(party.folder, file) });
  return grant;
}

it("what has ended is wiped by whatever command comes next; what has only its name is left alone", async () => {
  await heldGrant("kept.txt", 600);
  await heldGrant("ended.txt", 1);
  await heldGrant("replaced.txt", 1);
  await heldGrant("linked.txt", 1);
  await heldGrant("missing.txt", 1);
  const proofKey = newProofKey();
  const ended = readHoldings(keys).entries.find(({ file }) => file?.endsWith("ended.txt"));
  if (ended === undefined) throw new Error("it is held");
  hold(keys, { ...ended, proof: { jkt: proofKey.kid, sealed: await seal(proofKey, newKey("Ed25519")) } });
  party.write("replaced.txt", "x-break-glass: another.thing.altogether\n");
  party.write("precious.txt", readFileSync(join(party.folder, "linked.txt")));
  rmSync(join(party.folder, "linked.txt"));
  symlinkSync(join(party.folder, "precious.txt"), join(party.folder, "linked.txt"));
  rmSync(join(party.folder, "missing.txt"));
  writeFileSync(join(heldFolder(keys), "strange.json"), "{");
  // At the second of its end it is over, not before.
  expect(wipeEnded(keys, ended.exp - 1).map(({ entry }) => entry.jti)).not.toContain(ended.jti);
  while (nowSeconds() <= ended.exp + 2) await new Promise((resolve) => setTimeout(resolve, 100));

  const next = await party.run(["completion", "bash"]);
  expect(next.code).toBe(0);
  expect(next.stderr).toMatch(
    /has ended, by this machine.s clock \(.* UTC\)\. Wiped: the grant in .*ended\.txt and its proof key\./,
  );
  expect(next.stdout).not.toContain("Wiped");
  expect(existsSync(join(party.folder, "ended.txt"))).toBe(false);
  for (const file of ["kept.txt", "replaced.txt", "linked.txt", "precious.txt"])
    expect(existsSync(join(party.folder, file)), file).toBe(true);
  expect(readHoldings(keys).entries.map(({ file }) => file)).toEqual([join(party.folder, "kept.txt")]);
  const status = await run(["status"]);
  expect(status.stderr).toContain("strange.json is damaged, or none of ours");
});

it("a file that cannot be wiped keeps neither the proof key nor the next grant; and it is said", async () => {
  const boundGrant = async (file: string): Promise<Held> => {
    await heldGrant(file, 600);
    const entry = readHoldings(keys).entries.find((one) => one.file?.endsWith(file) === true);
    if (entry === undefined) throw new Error("it is held");
    const proofKey = newProofKey();
    hold(keys, { ...entry, proof: { jkt: proofKey.kid, sealed: await seal(proofKey, newKey("Ed25519")) } });
    return entry;
  };
  const stuck = [await boundGrant("stuck.txt"), await boundGrant("next.txt")];
  // Larger than a grant is read: stands for whatever cannot be read or written.
  party.write("stuck.txt", "x".repeat(100_000));
  const { code, stderr, stdout } = await party.run(["return", "stuck.txt", "next.txt", "--json"]);
  expect(code, stderr).toBe(1);
  expect(stderr).toMatch(/could not be wiped.*stuck\.txt/s);
  const [first, second] = JSON.parse(stdout);
  expect(first).toMatchObject({ wiped: ["its proof key"], not_wiped: [expect.stringContaining("stuck.txt")] });
  expect(second.wiped).toEqual([`the grant in ${join(party.folder, "next.txt")}`, "its proof key"]);
  for (const { jti } of stuck) expect(findHeld(keys, jti)).toBeUndefined();
});

it("a grant that was written to two files is wiped in both, and by two commands at once only once", async () => {
  const grant = await heldGrant("twice-1.txt", 600);
  const [entry] = readHoldings(keys).entries.filter(({ file }) => file?.endsWith("twice-1.txt"));
  if (entry === undefined) throw new Error("it is held");
  party.write("twice-2.txt", `x-break-glass: ${grant}\n`);
  hold(keys, { ...entry, file: join(party.folder, "twice-2.txt") });
  const again = findHeld(keys, entry.jti);
  if (again === undefined) throw new Error("it is held");
  const lines = (): number => readFileSync(join(heldFolder(keys), "returned.log"), "utf8").split("\n").length;
  const before = lines();
  const { what, faults } = giveBack(keys, again, "expired", nowSeconds());
  expect(what.map((one) => one.slice(-11))).toEqual(["twice-2.txt", "twice-1.txt"]);
  expect(faults).toEqual([]);
  for (const file of ["twice-1.txt", "twice-2.txt"]) expect(existsSync(join(party.folder, file))).toBe(false);
  expect(giveBack(keys, again, "expired", nowSeconds())).toMatchObject({ what: [], faults: [] });
  expect(lines()).toBe(before + 1);
});

it("whatever stands among the entries, the others are held; a pipe stops nothing", async () => {
  await heldGrant("among.txt", 600);
  const among = (name: string): string => join(heldFolder(keys), name);
  mkdirSync(among("a-folder.json"));
  symlinkSync("/nowhere", among("a-link.json"));
  execFileSync("mkfifo", [among("a-pipe.json")]);
  writeFileSync(among("large.json"), "1".repeat(100_000));
  const { entries, strange } = readHoldings(keys);
  expect(entries.map(({ file }) => file)).toContain(join(party.folder, "among.txt"));
  for (const name of ["a-folder.json", "a-link.json", "a-pipe.json", "large.json"]) {
    expect(strange).toContain(among(name));
    rmSync(among(name), { recursive: true });
  }
});

it("a held folder that cannot be used stands in no command's way", async () => {
  const blocked = join(party.folder, "other-keys");
  mkdirSync(blocked);
  appendFileSync(join(blocked, "held"), "a file where a folder is expected");
  const { code, stdout } = await run(["completion", "bash"], { env: { GLASSGATE_KEYS: blocked } });
  expect(code).toBe(0);
  expect(stdout).toContain("glassgate");
});

it("the real end, by the clock: a proxy and a run end with the grant, and it is wiped", async () => {
  // As long as this machine needs to start both before the end.
  for (const ttl of [6, 20, 60]) {
    await heldGrant("short.txt", ttl + 600);
    const options = { env: { GLASSGATE_GATEWAY: "http://127.0.0.1:1" } };
    const [short] = readHoldings(keys).entries.filter(({ file }) => file?.endsWith("short.txt"));
    // Its approvals were there at once: what waiting was allowed for is no part of its life.
    if (short !== undefined) hold(keys, { ...short, exp: short.exp - 600 });
    const proxy = party.run(["proxy", "--grant", "short.txt"], options);
    const run = party.run(
      [
        "run",
        "--grant",
        "short.txt",
        "--",
        "bash",
        "-c",
        'while test -S "$GLASSGATE_SOCKET"; do sleep 0.1; done; exit 5',
      ],
      options,
    );
    const [ended, ran] = await Promise.all([proxy, run]);
    if (`${ended.stderr}${ran.stderr}`.includes("error: The grant")) continue;
    expect(ended.code, ended.stderr).toBe(0);
    expect(ended.stderr).toMatch(/^Open until \S+ \S+ UTC.* \(\d+ seconds?\), on this machine only, for:$/m);
    expect(ended.stderr).toContain("The grant has ended, and all that was open with it.");
    expect(ran.code, ran.stderr).toBe(5);
    expect(ran.stderr).toContain("The grant has ended: the command goes on without it.");
    expect(existsSync(join(party.folder, "short.txt"))).toBe(false);
    return;
  }
  throw new Error("this machine is too slow to start both in a minute");
});

it("at a terminal a proxy whose grant has gone keeps its port, refuses all, and ends with Ctrl-C", async () => {
  await heldGrant("kept.txt", 600);
  const port = await freePort();
  const ask = `curl -s -o answer.txt -w '%{http_code}' http://127.0.0.1:${port}/orders/42 > status.txt; cat status.txt`;
  const { stdout } = await atTerminal(
    `npx glassgate proxy --grant kept.txt --gateway http://127.0.0.1:1 --port ${port}; echo exit $?`,
    [
      // What is written to the terminal here is nothing that the proxy reads. The file had another grant before.
      [/Ctrl-C ends it/, " ", `cd ${party.folder} && ${process.execPath} ${main} return kept.txt`],
      [/then\s+Ctrl-C\./, "\u0003", `cd ${party.folder} && ${ask}`],
    ],
    { cwd: party.folder, env: party.env },
  );
  expect(stdout.replace(/\s+/g, " ")).toContain(
    "The grant was given back; all that was open has ended. The port stays taken",
  );
  expect(readFileSync(join(party.folder, "status.txt"), "utf8")).toBe("503");
  expect(readFileSync(join(party.folder, "answer.txt"), "utf8")).toBe("The grant has ended.\n");
  expect(stdout).toContain("exit 0");
  await expect(raw(port, ["GET / HTTP/1.1"])).rejects.toThrow("ECONNREFUSED");
});

it("a proxy that nobody can stop any more, as its terminal is gone, keeps no port after the grant's end", async () => {
  await heldGrant("orphan.txt", 600);
  const port = await freePort();
  // A job in the background of a shell that exits: no signal tells it that the terminal's window is closed.
  const window = [
    "import os, pty, signal, sys",
    "shell, terminal = pty.fork()",
    "if shell == 0:",
    "    if os.fork() != 0: signal.pause()",
    "    os.setsid()",
    "    os.execvp(sys.argv[1], sys.argv[1:])",
    "seen = b''",
    "while b'Ctrl-C ends it' not in seen: seen += os.read(terminal, 65536)",
  ];
  const proxy = ["proxy", "--grant", "orphan.txt", "--gateway", "http://127.0.0.1:1", "--port", `${port}`];
  const opened = { cwd: party.folder, env: party.env };
  await runProgram("python3", ["-c", window.join("\n"), process.execPath, main, ...proxy], opened);
  expect((await raw(port, ["GET / HTTP/1.1"])).status).toBeGreaterThan(0);
  await run(["return", "orphan.txt"]);
  for (;;) {
    const isThere = await raw(port, ["GET / HTTP/1.1"]).then(
      () => true,
      (error: Error) => !error.message.includes("ECONNREFUSED"),
    );
    if (!isThere) break;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
});

it("of two grants in one file the later one is held there: status says so, and it is the one that is used", async () => {
  const first = await heldGrant("twice.txt", 600);
  const second = await heldGrant("twice.txt", 600);
  for (const [jti, state] of [
    [(await readClaims(first, "")).jti, "replaced"],
    [(await readClaims(second, "")).jti, "grant"],
  ]) {
    const { stdout } = await run(["status", "--json"]);
    expect(JSON.parse(stdout)).toContainEqual(expect.objectContaining({ jti, state }));
  }
  expect((await run(["status"])).stdout).toMatch(/a grant whose file holds another by now: .*twice\.txt/);
  await run(["return", "--all"]);
  const both = [await heldGrant("twice.txt", 600), await heldGrant("twice.txt", 600)];
  expect(both[0]).not.toBe(both[1]);
  const used = await party.run(["run", "--", "true"], { env: { GLASSGATE_GATEWAY: "http://127.0.0.1:1" } });
  expect(used.stderr).not.toContain("You hold");
  expect(used.code).toBe(0);
  await run(["return", "twice.txt"]);
});

it("a grant's file that is not there: nobody is told to write the grant on a command line", async () => {
  const none = await run(["curl", "--grant", "nowhere.txt", "--", URL_42]);
  expect(none).toMatchObject({ code: 2, stderr: expect.stringContaining("Give a file, or - for standard input.") });
});

it("a terminal's Ctrl-C reaches the command once, and its exit code is the run's", async () => {
  await heldGrant("tty.txt", 600);
  const script =
    'n=0; trap "n=\\$((n+1)); echo caught \\$n" INT; echo ready; while test $n -lt 1; do sleep 0.1; done; sleep 0.5; echo count $n; exit 6';
  party.write("trap.sh", script.replaceAll("\\$", "$").replaceAll('\\"', '"'));
  const { stdout } = await atTerminal(
    "npx glassgate run --grant tty.txt -- bash trap.sh; echo exit $?",
    [[/ready/, "\u0003"]],
    { cwd: party.folder, env: party.env },
  );
  expect(stdout).toContain("count 1");
  expect(stdout).toContain("exit 6");
});

// A second Ctrl-C makes many a program leave things half done, and where its streams lead is not where the terminal is.
it.each([
  ["with its input from elsewhere", "</dev/null"],
  ["with all its streams elsewhere", "</dev/null >out.txt 2>&1"],
])("nor twice %s", async (_, streams) => {
  await heldGrant("tty.txt", 600);
  party.write(
    "count.py",
    `import signal, time
seen = []
signal.signal(signal.SIGINT, lambda *_: seen.append(1))
with open("/dev/tty", "w") as terminal:
    print("ready", file=terminal, flush=True)
    while not seen: time.sleep(0.05)
    time.sleep(1)
    print("count", len(seen), file=terminal, flush=True)
`,
  );
  const { stdout } = await atTerminal(
    `npx glassgate run --grant tty.txt -- python3 count.py ${streams}; echo exit $?`,
    [[/ready/, "\u0003"]],
    { cwd: party.folder, env: party.env },
  );
  expect(stdout).toContain("count 1");
  expect(stdout).toContain("exit 0");
});

it("an interrupt from another process, without a terminal, is handed on", async () => {
  await heldGrant("tty.txt", 600);
  party.write("wait.sh", 'trap "echo caught; exit 6" INT; kill -INT $PPID; while true; do sleep 0.1; done');
  const { stdout, code } = await runProgram(
    "setsid",
    ["--wait", process.execPath, main, "run", "--grant", "tty.txt", "--", "bash", "wait.sh"],
    { cwd: party.folder, env: party.env },
  );
  expect({ stdout, code }).toEqual({ stdout: "caught\n", code: 6 });
});

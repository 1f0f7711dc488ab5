/**
 * Ask, approve and grant as people run them, each in a network namespace in which there is nothing, not even a loopback: what goes between
 * them is files. A person's terminal is made by `script`, as `approve` asks a person.
 */
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../base/errors.js";
import { writeNewTexts } from "../base/files.js";
import { visible } from "../base/text.js";
import { childEnvironment } from "../gateway/environment.js";
import { readHeld } from "../gateway/held.js";
import { sealKey } from "../signer/keyfile.js";
import { endGroup, startChild } from "./child.js";
import type { Self } from "./faults/undo.js";
import type { MadeGrant, Player } from "./model.js";
import type { Bundles } from "./scratch-bundles.js";
import { SCRATCH_TARGET } from "./scratch-world.js";

const APART = ["unshare", "--map-root-user", "--net"] as const;
const PATIENCE_MS = 60_000;
const ITERATIONS = 1000;
/** Only there: whoever is in our own namespace stops. */
const GUARD = '[ "$(readlink /proc/self/ns/net)" != "$0" ] && exec "$@"; echo "the network is here" >&2; exit 1';
const QUESTION = /Type "yes"/;

interface Ended {
  readonly code: number | null;
  /** Of the terminal, or of standard error. */
  readonly said: string;
}

/** @param env besides ours @param answer is typed when the question is there */
function run(
  argv: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>> = {},
  answer?: string,
): Promise<Ended> {
  return new Promise((resolve) => {
    // Its terminal goes with it, and whoever waits for an answer there.
    const child = startChild(argv, { cwd, env: { ...childEnvironment(), ...env }, aloneSeconds: 0, isGated: false });
    const timer = setTimeout(() => endGroup(child.pid), PATIENCE_MS);
    let said = "";
    let isAnswered = answer === undefined;
    const collect = (chunk: Buffer): void => {
      said += chunk.toString("utf8");
      if (isAnswered || !QUESTION.test(said)) return;
      isAnswered = true;
      child.stdin.write(`${answer}\n`);
    };
    child.stdout.on("data", collect);
    child.stderr.on("data", collect);
    child.stdin.on("error", () => {}); // It has ended.
    if (isAnswered) child.stdin.end();
    child.once("error", (error) => resolve({ code: null, said: error.message }));
    child.once("close", (code) => {
      clearTimeout(timer);
      resolve({ code, said });
    });
  });
}

/** Why this machine cannot play it. */
async function obstacle(cwd: string): Promise<string | undefined> {
  const apart = await run([...APART, "true"], cwd);
  if (apart.code !== 0) return "no network namespace can be made here (`unshare --map-root-user --net`)";
  const terminal = await run(["script", "-q", "-e", "-c", "true", "/dev/null"], cwd);
  return terminal.code === 0 ? undefined : "no terminal can be made here (`script` of util-linux)";
}

async function project(folder: string, { filter }: Bundles, players: readonly Player[], passphrase: string) {
  const held = await readHeld(filter);
  if (held?.bundle === undefined) throw new UserError("The scratch gateway serves no trust bundle.");
  writeFileSync(join(folder, "anchors.json"), JSON.stringify(held.anchors));
  writeFileSync(join(folder, "bundle.jws"), held.bundle.text);
  writeNewTexts(
    await Promise.all(
      players.map(({ sub, key }) => sealKey(join(folder, "keys", `${sub}.key.json`), sub, key, passphrase, ITERATIONS)),
    ),
  );
}

export interface OfflinePeople {
  readonly requester: Player;
  readonly approvers: readonly Player[];
}

const word = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

async function playIn(folder: string, self: Self, { requester, approvers }: OfflinePeople, passphrase: string) {
  const env = { GLASSGATE_PASSPHRASE: passphrase, GLASSGATE_KEYS: "keys", NO_COLOR: "1", TERM: "dumb" };
  const ours = readlinkSync("/proc/self/ns/net");
  const apart = (...args: readonly string[]) => [...APART, "sh", "-c", GUARD, ours, ...self, ...args] as const;
  const must = async (name: string, ended: Promise<Ended>): Promise<void> => {
    const { code, said } = await ended;
    const told = visible(said.trim().replaceAll(/\s*\n\s*/g, "; ")).slice(-400);
    if (code !== 0) throw new UserError(`\`glassgate ${name}\` ended with ${code ?? "no exit code"}: ${told}`);
  };
  /** As at a terminal, its result redirected into a file. */
  const atTerminal = (output: string, args: readonly string[], answer?: string): Promise<Ended> => {
    const line = `${apart(...args)
      .map(word)
      .join(" ")} > ${word(output)}`;
    return run(["script", "-q", "-e", "-c", line, "/dev/null"], folder, { ...env, SHELL: "/bin/sh" }, answer);
  };
  const { method, host, path } = SCRATCH_TARGET;
  const wanted = ["--ent", "scratch", "--reason", "drill", "--text", "Nobody is online", "--drill", "scratch"];
  await must(
    "ask",
    atTerminal("ask.txt", ["ask", method, `https://${host}${path}`, ...wanted, "--key", requester.sub]),
  );
  await Promise.all(
    approvers.map(({ sub }) => must("approve", atTerminal(`${sub}.txt`, ["approve", "ask.txt", "--key", sub], "yes"))),
  );
  const approvals = approvers.map(({ sub }) => `${sub}.txt`);
  await must("grant", atTerminal("grant.txt", ["grant", "ask.txt", ...approvals, "--key", requester.sub]));
  return readFileSync(join(folder, "grant.txt"), "utf8").trim();
}

/** @param parent is removed with the scratch gateway @returns the grant, or why it cannot be played here */
export async function offlineGrant(
  parent: string,
  self: Self,
  bundles: Bundles,
  people: OfflinePeople,
): Promise<MadeGrant | string> {
  const folder = mkdtempSync(join(parent, "offline-"));
  try {
    const why = await obstacle(folder);
    if (why !== undefined) return why;
    const passphrase = randomBytes(16).toString("hex");
    await project(folder, bundles, [people.requester, ...people.approvers], passphrase);
    const text = await playIn(folder, self, people, passphrase);
    const payload: unknown = JSON.parse(Buffer.from(text.split(".")[1] ?? "", "base64url").toString("utf8"));
    const jti = typeof payload === "object" && payload !== null && "jti" in payload ? String(payload.jti) : "";
    return { text, jti, proofKey: undefined };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

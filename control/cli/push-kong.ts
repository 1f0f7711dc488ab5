/** `glassgate push --kong URL`: into running Kongs, and the declarative file that they are started from. */
import { UserError } from "../base/errors.js";
import { visible } from "../base/text.js";
import type { KongAdmin } from "../gateway/kong/admin.js";
import { type KongPushed, type KongPushResult, pushKong } from "../gateway/kong/push.js";
import type { Trusted } from "./context.js";
import { confirmAnchors, type GatewayOptions, readGateways } from "./gateways.js";
import { paint, resultJson, resultRows, say, warn } from "./output.js";

/** The one declarative file, and the Kongs that run it. */
function readTarget(options: GatewayOptions): { file: string; admins: readonly KongAdmin[] } {
  if (options.gateway === undefined)
    throw new UserError("Which file do these Kongs run?", {
      hint: "Name it with --gateway kong.yaml: what was pushed, and the upstream key, stand in it.",
    });
  if (options.admin !== undefined)
    throw new UserError("--admin says nothing of a Kong.", { hint: "--kong has the address." });
  const [only, ...more] = readGateways(options);
  if (only?.kind === "kong" && more.length === 0) return { file: only.file, admins: only.kongs };
  throw new UserError("--kong goes with one file, and there are several.", {
    hint: "Push to the others by a command of their own.",
  });
}

const WORDS = { refused: "NOT APPLIED", unseen: "NOT SEEN" } as const;

const lineOf = ({ outcome }: KongPushed, { version, generation }: KongPushResult): string =>
  outcome.kind === "stored"
    ? `stored: version ${version} (generation ${generation}), with a new upstream key. ${outcome.says}.`
    : `${WORDS[outcome.kind]}: version ${version}. ${outcome.error.message}`;

function asJson({ admin, outcome }: KongPushed, file: string, { version, generation }: KongPushResult): object {
  const known = { gateway: file, admin, outcome: outcome.kind, version };
  return outcome.kind === "stored"
    ? { ...known, generation, seen: outcome.says }
    : { ...known, error: outcome.error.message };
}

function report(file: string, done: KongPushResult, json: boolean | undefined): void {
  for (const line of done.warnings) warn(line);
  if (json === true) resultJson(done.nodes.map((node) => asJson(node, file, done)));
  const [only] = done.nodes;
  if (done.nodes.length === 1 && only !== undefined) {
    const { outcome } = only;
    if (outcome.kind !== "stored")
      throw new UserError(outcome.error.message, {
        hint: `${outcome.error.hint ?? ""} ${done.restart}`.trim(),
        exitCode: outcome.error.exitCode,
        cause: outcome.error,
      });
    if (json !== true) resultRows([`${lineOf(only, done)} ${done.restart}`]);
    return;
  }
  for (const node of json === true ? [] : done.nodes) {
    resultRows([`${visible(node.admin)}: ${lineOf(node, done)}`]);
    if (node.outcome.kind !== "stored" && node.outcome.error.hint !== undefined) say(`  ${node.outcome.error.hint}`, 2);
  }
  say(done.restart);
  if (done.nodes.every(({ outcome }) => outcome.kind === "stored")) return;
  say(`${paint("red", "NOT EVERYWHERE")}: push again; it finishes what is missing.`);
  process.exitCode = 1;
}

export async function pushToKongs(options: GatewayOptions & { json?: boolean }, trusted: Trusted): Promise<void> {
  const { file, admins } = readTarget(options);
  const { version } = trusted.claims;
  say(
    `Pushing version ${version} to ${visible(file)} and ${admins.map(({ address }) => visible(address)).join(", ")} ...`,
  );
  const done = await pushKong({
    file,
    admins,
    anchors: trusted.anchors,
    bundle: { text: trusted.text, version },
    confirmAnchors,
    progress: say,
  });
  report(file, done, options.json);
}

/** `glassgate push --kong URL`: into running Kongs, and the declarative file that they are started from. */
import { Option } from "commander";
import { UserError } from "../base/errors.js";
import { visible } from "../base/text.js";
import { KongAdmin } from "../gateway/kong/admin.js";
import { type KongPushed, type KongPushResult, pushKong } from "../gateway/kong/push.js";
import { collect, type Trusted } from "./context.js";
import { confirmAnchors } from "./gateways.js";
import { paint, result, resultJson, say, warn } from "./output.js";

export interface KongOptions {
  readonly kong?: readonly string[];
  readonly gateway?: readonly string[];
  readonly admin?: string;
}

export const kongOption = (): Option =>
  new Option(
    "--kong <url>",
    "the Admin API of a Kong that runs the declarative file --gateway; repeat for several (an Enterprise's token: KONG_ADMIN_TOKEN)",
  ).argParser(collect);

/** The one declarative file, and the Kongs that run it. */
export function readKongs({ kong = [], gateway = [], admin }: KongOptions): { file: string; admins: KongAdmin[] } {
  const [file, ...more] = [...new Set(gateway)];
  if (file === undefined || more.length > 0)
    throw new UserError(
      file === undefined ? "Which file do these Kongs run?" : "--kong goes with one file, and there are several.",
      { hint: "Name it with --gateway kong.yaml: what was pushed, and the upstream key, stand in it." },
    );
  if (admin !== undefined) throw new UserError("--admin says nothing of a Kong.", { hint: "--kong has the address." });
  const token = process.env.KONG_ADMIN_TOKEN;
  return { file, admins: [...new Set(kong)].map((url) => new KongAdmin(url, token === "" ? undefined : token)) };
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
    if (json !== true) result(`${lineOf(only, done)} ${done.restart}`);
    return;
  }
  for (const node of json === true ? [] : done.nodes) {
    result(`${visible(node.admin)}: ${lineOf(node, done)}`);
    if (node.outcome.kind !== "stored" && node.outcome.error.hint !== undefined) say(`  ${node.outcome.error.hint}`, 2);
  }
  say(done.restart);
  if (done.nodes.every(({ outcome }) => outcome.kind === "stored")) return;
  say(`${paint("red", "NOT EVERYWHERE")}: push again; it finishes what is missing.`);
  process.exitCode = 1;
}

export async function pushToKongs(options: KongOptions & { json?: boolean }, trusted: Trusted): Promise<void> {
  const { file, admins } = readKongs(options);
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

/** The command tree: the whole, or as much of it as one command line needs. */
import { readFileSync } from "node:fs";
import { Command } from "commander";
import { z } from "zod";
import { messageOf } from "../base/errors.js";
import { visible } from "../base/text.js";
import { nowSeconds, showTime } from "../base/time.js";
import { wipeEnded } from "../caller/held.js";
import { defaultKeys } from "./context.js";
import { UNWRAPPED, wrapHelp } from "./help.js";
import { result, say, warn, widthOf } from "./output.js";

const { version } = z
  .object({ version: z.string() })
  .parse(JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")));

type Add = (program: Command) => void;

/**
 * In the order of the help. Each is loaded when it is needed: a command starts in a fraction of the time that all of them take, and in an
 * emergency a person waits for it.
 */
const commands: Readonly<Record<string, () => Promise<Add>>> = {
  init: async () => (await import("./init.js")).addInit,
  anchors: async () => (await import("./anchors.js")).addAnchors,
  key: async () => (await import("./key.js")).addKey,
  bundle: async () => (await import("./bundle.js")).addBundle,
  ask: async () => (await import("./ask.js")).addAsk,
  approve: async () => (await import("./approve.js")).addApprove,
  grant: async () => (await import("./grant.js")).addGrant,
  run: async () => (await import("./run-command.js")).addRunCommand,
  curl: async () => (await import("./curl.js")).addCurl,
  proxy: async () => (await import("./proxy.js")).addProxy,
  status: async () => (await import("./status.js")).addStatus,
  return: async () => (await import("./return.js")).addReturn,
  explain: async () => (await import("./explain.js")).addExplain,
  push: async () => (await import("./push.js")).addPush,
  revoke: async () => (await import("./revoke.js")).addRevoke,
  rotate: async () => (await import("./rotate.js")).addRotate,
  gateway: async () => (await import("./gateway.js")).addGateway,
  ledger: async () => (await import("./ledger.js")).addLedger,
  review: async () => (await import("./review.js")).addReview,
  drill: async () => (await import("./drill.js")).addDrill,
  completion: async () => (await import("./completion.js")).addCompletion,
};

function strict(command: Command): void {
  command.exitOverride().showSuggestionAfterError().allowExcessArguments(false);
  command.configureOutput({
    outputError: () => {}, // run.ts prints errors, in one way.
    writeOut: (text) => result(wrapHelp(text, widthOf(process.stdout))),
    getOutHelpWidth: () => UNWRAPPED,
  });
  for (const child of command.commands) strict(child);
}

/** Whatever is done next: what has ended is no longer there. It never stands in a command's way. */
function wipeBefore(command: Command): void {
  const keys: unknown = command.opts().keys ?? (process.env.GLASSGATE_KEYS || defaultKeys());
  if (typeof keys !== "string" || keys === "") return;
  try {
    const now = nowSeconds();
    for (const { entry, what, faults } of wipeEnded(keys, now)) {
      const wiped = what.map(visible).join(" and ") || "nothing was left of it";
      say(`The grant ${entry.jti} has ended, by this machine's clock (${showTime(now)}). Wiped: ${wiped}.`);
      for (const fault of faults) warn(`what has ended could not be wiped: ${fault}`);
    }
  } catch (error) {
    warn(`what has ended could not be wiped: ${messageOf(error)}`);
  }
}

/** Words that need no command. */
const ALONE = ["--version", "-V"];
/** What tells of all commands. */
const OF_ALL = ["completion"];

/** Which of them the first word of a command line needs: all, where it is no command's name. */
function neededFor(wanted: string): readonly (() => Promise<Add>)[] {
  if (ALONE.includes(wanted)) return [];
  const load = Object.hasOwn(commands, wanted) && !OF_ALL.includes(wanted) ? commands[wanted] : undefined;
  return load === undefined ? Object.values(commands) : [load];
}

/** @param wanted the first word of the command line; the whole tree, where nothing is named */
export async function buildProgram(wanted = ""): Promise<Command> {
  const program = new Command("glassgate")
    .description("Break-glass access for APIs, decided at the gateway.")
    .version(version);
  for (const add of await Promise.all(neededFor(wanted).map((load) => load()))) add(program);
  program.addHelpText(
    "after",
    `
In an emergency:
  $ glassgate ask POST https://api.example.com/orders/42/refund --ent orders-repair --reason outage --text "..." --key rita > ask.txt
  $ glassgate approve ask.txt --key adam > approval.txt   # each approver, on their own machine
  $ glassgate grant ask.txt approval.txt --key rita --output grant.txt
  $ glassgate curl --grant grant.txt -- -X POST https://api.example.com/orders/42/refund

\`glassgate COMMAND --help\` shows examples of each.`,
  );
  program.hook("preAction", (_program, command) => wipeBefore(command));
  strict(program);
  return program;
}

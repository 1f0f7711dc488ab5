/** The whole command tree. */
import { readFileSync } from "node:fs";
import { Command } from "commander";
import { z } from "zod";
import { messageOf } from "../base/errors.js";
import { visible } from "../base/text.js";
import { nowSeconds, showTime } from "../base/time.js";
import { wipeEnded } from "../caller/held.js";
import { addAnchors } from "./anchors.js";
import { addApprove } from "./approve.js";
import { addAsk } from "./ask.js";
import { addBundle } from "./bundle.js";
import { addCompletion } from "./completion.js";
import { defaultKeys } from "./context.js";
import { addCurl } from "./curl.js";
import { addDrill } from "./drill.js";
import { addExplain } from "./explain.js";
import { addGateway } from "./gateway.js";
import { addGrant } from "./grant.js";
import { UNWRAPPED, wrapHelp } from "./help.js";
import { addInit } from "./init.js";
import { addKey } from "./key.js";
import { addLedger } from "./ledger.js";
import { result, say, warn, widthOf } from "./output.js";
import { addProxy } from "./proxy.js";
import { addPush } from "./push.js";
import { addReturn } from "./return.js";
import { addReview } from "./review.js";
import { addRevoke } from "./revoke.js";
import { addRotate } from "./rotate.js";
import { addRunCommand } from "./run-command.js";
import { addStatus } from "./status.js";

const { version } = z
  .object({ version: z.string() })
  .parse(JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")));

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

export function buildProgram(): Command {
  const program = new Command("glassgate")
    .description("Break-glass access for APIs, decided at the gateway.")
    .version(version);
  for (const add of [
    addInit,
    addAnchors,
    addKey,
    addBundle,
    addAsk,
    addApprove,
    addGrant,
    addRunCommand,
    addCurl,
    addProxy,
    addStatus,
    addReturn,
    addExplain,
    addPush,
    addRevoke,
    addRotate,
    addGateway,
    addLedger,
    addReview,
    addDrill,
    addCompletion,
  ])
    add(program);
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

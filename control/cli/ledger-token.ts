/** `glassgate ledger token`: a new token for a sender, shown once; the ledger keeps its hash. */
import { createHash, randomBytes } from "node:crypto";
import type { Command } from "commander";
import { stringify } from "yaml";
import { UserError } from "../base/errors.js";
import { visible } from "../base/text.js";
import { OWN_NAMES } from "../ledger/config.js";
import { collect, examples, jsonOption } from "./context.js";
import { result, resultJson, say, sayWhole } from "./output.js";

interface Options {
  readonly speaksFor?: readonly string[];
  readonly follows?: boolean;
  readonly reads?: boolean;
  readonly json?: boolean;
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}$/;

function token(name: string, { speaksFor = [], follows = false, reads = false, json }: Options): void {
  if (!NAME.test(name) || OWN_NAMES.includes(name))
    throw new UserError(`"${visible(name.slice(0, 140))}" cannot be a sender's name.`, {
      hint: `Letters, digits and ._@+-; not ${OWN_NAMES.join(" or ")}.`,
    });
  const made = `ggl_${randomBytes(32).toString("base64url")}`;
  const sha256 = createHash("sha256").update(made).digest("hex");
  if (json === true) {
    resultJson({ name, token: made, sha256, speaks_for: speaksFor, follows, reads });
    return;
  }
  const may = `${follows ? ", follows: true" : ""}${reads ? ", reads: true" : ""}`;
  say("For `senders:` in ledger.yaml (below it, in place of []), which knows the token by its SHA-256:");
  const shown = stringify(name, { compat: "yaml-1.1" }).trim(); // `1e3` and `on` are names, too.
  sayWhole(`  - { name: ${shown}, tokens: [${sha256}], speaks_for: ${JSON.stringify(speaksFor)}${may} }`);
  say("A ledger that runs reads it at its next start.");
  say("The token, shown this once: for a file that the sender alone can read.");
  result(made);
}

export function addLedgerToken(ledger: Command): void {
  const command = ledger
    .command("token")
    .description("make a token for a sender")
    .argument("<name>", "the sender's name in ledger.yaml")
    .option("--speaks-for <node>", "node id of a gateway whose records the sender brings (again for more)", collect)
    .option("--follows", "may bring heartbeats and bundles: for `glassgate ledger follow --config`")
    .option("--reads", "may read the log and the metrics")
    .addOption(jsonOption())
    .action(token);
  examples(command, [
    "glassgate ledger token eu-1 --speaks-for gateway-1 --follows > eu-1.token",
    "glassgate ledger token auditor --reads > auditor.token",
  ]);
}

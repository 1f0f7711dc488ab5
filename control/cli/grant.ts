/** `glassgate grant`: checks the approvals, says what is missing, and makes the requester's signature last. */
import type { Command } from "commander";
import { UserError } from "../base/errors.js";
import { writeText } from "../base/files.js";
import { nowSeconds, showTime } from "../base/time.js";
import { entitlementFor, missingApprovals, provenSigner } from "../grant/check.js";
import { completeGrant } from "../grant/make.js";
import { claimsOf, readMessage } from "../grant/message.js";
import {
  anchorsOption,
  bundleOption,
  examples,
  findKeyFile,
  jsonOption,
  keyOption,
  keysOption,
  openKey,
  passphraseOption,
  readArgument,
  readTrusted,
} from "./context.js";
import { result, resultJson, say } from "./output.js";

interface Options {
  readonly key: string;
  readonly keys: string;
  readonly anchors: string;
  readonly bundle: string;
  readonly passphraseFd?: number;
  readonly json?: boolean;
  readonly output?: string;
}

async function grant(askArgument: string, approvalArguments: readonly string[], options: Options): Promise<void> {
  const { claims: bundle } = await readTrusted(options);
  const ask = readMessage("ask", readArgument(askArgument, "The ask"), "The ask");
  const approvals = approvalArguments.map((argument, i) =>
    readMessage("approval", readArgument(argument, `Approval ${i + 1}`), `Approval ${i + 1}`),
  );
  const now = nowSeconds();
  const { principal: requester, key: askKey } = await provenSigner(ask, bundle, "The ask");
  const claims = claimsOf(ask, "The ask");
  const { entitlement, faults } = entitlementFor(claims, bundle, requester, now);
  if (faults.length > 0)
    throw new UserError(`The gateway would refuse this: ${faults.join("; ")}.`, {
      hint: "Ask again with `glassgate ask`.",
    });
  const { public: publicKey } = findKeyFile(options.keys, options.key);
  if (publicKey.kid !== askKey.kid) {
    throw new UserError(`The ask was made with another key than ${options.key}.`, {
      hint: `Use the key of ${requester.id} that made the ask.`,
    });
  }
  const missing = await missingApprovals(ask, approvals, bundle, requester, entitlement, now);
  if (missing.length > 0) {
    throw new UserError(`Still missing:\n${missing.map((line) => `  ${line}`).join("\n")}`, {
      hint: "Send them the ask; each runs `glassgate approve ASK`.",
      exitCode: 1,
    });
  }
  const text = await completeGrant(ask, approvals, await openKey(options.keys, options.key, options.passphraseFd));
  if (options.output !== undefined) writeText(options.output, `x-break-glass: ${text}\n`, { mode: 0o600 });
  else if (options.json === true) resultJson({ grant: text, claims });
  else result(text);
  say(
    `Complete: opens until ${showTime(claims.exp)}. It is a secret until then. Next: curl -H @${options.output ?? "grant.txt"} URL`,
  );
}

export function addGrant(program: Command): void {
  const command = program
    .command("grant")
    .description("complete a grant from an ask and its approvals; prints what opens")
    .argument("<ask>", "the ask: its text, or a file")
    .argument("[approvals...]", "the approvals: texts or files")
    .addOption(keyOption("your key's name"))
    .addOption(keysOption())
    .addOption(anchorsOption())
    .addOption(bundleOption())
    .addOption(passphraseOption())
    .addOption(jsonOption())
    .option("--output <file>", "write it there as a header line for `curl -H @file`, readable by you only")
    .action(grant);
  examples(command, ["glassgate grant ask.txt approval-1.txt approval-2.txt --key rita --output grant.txt"]);
}

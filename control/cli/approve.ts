/** `glassgate approve`: shows what is being approved, asks a person, signs. There is no flag to skip the question. */
import type { Command } from "commander";
import { UserError } from "../base/errors.js";
import { nowSeconds } from "../base/time.js";
import { entitlementFor, holderOf, provenSigner } from "../grant/check.js";
import { makeApproval } from "../grant/make.js";
import { claimsOf, readMessage } from "../grant/message.js";
import { holdsRole, personOf } from "../trust/claims.js";
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
import { describeAsk, describeWithFilter } from "./describe.js";
import { askPerson, paint, result, resultJson, say, warn } from "./output.js";

interface Options {
  readonly key: string;
  readonly keys: string;
  readonly anchors: string;
  readonly bundle: string;
  readonly passphraseFd?: number;
  readonly json?: boolean;
}

async function approve(argument: string, options: Options): Promise<void> {
  const { claims: bundle, anchors } = await readTrusted(options);
  const ask = readMessage("ask", readArgument(argument, "The ask"), "The ask");
  const now = nowSeconds();
  const { principal: requester } = await provenSigner(ask, bundle, "The ask");
  const claims = claimsOf(ask, "The ask");
  const { entitlement, faults } = entitlementFor(claims, bundle, requester, now);
  const audiences = typeof claims.aud === "string" ? [claims.aud] : claims.aud;
  if (!audiences.includes(anchors.audience))
    faults.push(`it is for ${audiences.join(", ")}, not for ${anchors.audience}`);
  const own = holderOf(bundle, findKeyFile(options.keys, options.key).public.kid);
  if (own === undefined)
    throw new UserError(`The key ${options.key} is not in the trust bundle.`, { hint: "Use another --key." });
  if (personOf(own.principal) === personOf(requester)) faults.push("you are the requester: somebody else must approve");
  const roles = entitlement.approvals.map(({ role }) => role);
  if (!roles.some((role) => holdsRole(own.principal, role, now))) {
    faults.push(`you hold none of the roles that approve it (${roles.join(", ") || "it needs no approval"})`);
  }

  const { lines, warnings } = describeAsk(await describeWithFilter(ask, "The ask"), now);
  say(paint("bold", "You are asked to approve, as the gateway reads it:"));
  say();
  for (const line of lines) say(`  ${line}`);
  say();
  for (const warning of warnings) warn(warning);
  if (faults.length > 0)
    throw new UserError(`This must not be approved: ${faults.join("; ")}.`, { hint: "Tell the requester." });
  say("Did you speak with the requester over another channel?");
  const answer = await askPerson('Type "yes" to approve, anything else to stop: ');
  if (answer !== "yes") throw new UserError("Not approved. Nothing was signed.", { exitCode: 1 });
  const approval = await makeApproval(
    ask,
    await openKey(options.keys, options.key, options.passphraseFd),
    nowSeconds(),
  );
  if (options.json === true) resultJson({ approval });
  else result(approval);
  say(`Approved as ${own.principal.id}. Next: send this line back to ${requester.id}.`);
}

export function addApprove(program: Command): void {
  const command = program
    .command("approve")
    .description("read an ask and approve it; prints the approval")
    .argument("<ask>", "the ask: its text, or a file")
    .addOption(keyOption("your key's name"))
    .addOption(keysOption())
    .addOption(anchorsOption())
    .addOption(bundleOption())
    .addOption(passphraseOption())
    .addOption(jsonOption())
    .action(approve);
  examples(command, ["glassgate approve ask.txt --key adam", "glassgate approve eyJhbGciOi... --key adam"]);
}

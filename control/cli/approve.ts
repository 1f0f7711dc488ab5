/** `glassgate approve`: shows what is being approved, asks a person, signs. There is no flag to skip the question. */
import type { Command } from "commander";
import { UserError } from "../base/errors.js";
import { nowSeconds } from "../base/time.js";
import { type Ask, readAsk } from "../grant/ask.js";
import { type Circumstances, denied, entitlementOf } from "../grant/because.js";
import { holderOf, type KeyHolder, provenSigner } from "../grant/check.js";
import { checkAge, checkDates } from "../grant/dates.js";
import { type Judgement, judgeAhead } from "../grant/judge.js";
import { makeApproval } from "../grant/make.js";
import { couldApprove, keyAt, needs, showNeed } from "../grant/quorum.js";
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
  readTrusted,
  type Trusted,
} from "./context.js";
import { sayAsk } from "./describe.js";
import { readOne } from "./message-input.js";
import { askPerson, paint, result, resultJson, say } from "./output.js";
import { endWarnings } from "./verdict-output.js";

interface Options {
  readonly key: string;
  readonly keys: string;
  readonly anchors: string;
  readonly bundle: string;
  readonly passphraseFd?: number;
  readonly json?: boolean;
}

const REFUSAL = "This must not be approved";

function refuse(why: string): UserError {
  return new UserError(`${REFUSAL}: ${why}.`, { hint: "Tell the requester.", exitCode: 1 });
}

interface Outlook {
  /** Why it must not be approved, if so. */
  readonly refusal: UserError | undefined;
  readonly warnings: readonly string[];
}

/** Lets the filter judge what would become of it with this approval and the others that can be had. */
async function foresee(
  ask: Ask,
  own: KeyHolder,
  { anchors, text: pinned }: Trusted,
  circumstances: Circumstances,
): Promise<Outlook> {
  const { claims, bundle, requester, now } = circumstances;
  const entitlement = entitlementOf(circumstances);
  const given = [{ principal: own.principal, iat: now }];
  const others = entitlement === undefined ? [] : couldApprove(bundle, entitlement, given, requester.principal, now);
  const judgement = await judgeAhead(
    {
      anchors,
      pinned,
      bundle,
      ask: ask.text,
      requesterKid: ask.kid,
      approvals: [],
      ownKids: [own.key.kid],
      otherKids: others.flatMap((principal) => keyAt(principal, bundle, now)?.kid ?? []),
      now,
    },
    claims,
  );
  return { refusal: refusalOf(judgement, own, circumstances), warnings: endWarnings(judgement) };
}

function refusalOf({ denial }: Judgement, own: KeyHolder, circumstances: Circumstances): UserError | undefined {
  const { bundle, requester, now } = circumstances;
  if (denial !== undefined && denial.verdict !== "quorum") return denied(REFUSAL, denial, circumstances);
  const entitlement = entitlementOf(circumstances);
  const roles = entitlement?.approvals.map(({ role }) => role) ?? [];
  if (!roles.some((role) => holdsRole(own.principal, role, now)))
    return refuse(`you hold none of the roles that approve it (${roles.join(", ") || "it needs no approval"})`);
  if (entitlement === undefined || denial === undefined) return undefined;
  const missing = needs(bundle, entitlement, [{ principal: own.principal, iat: now }], requester.principal, now);
  return refuse(
    `it can never be completed now, as too few people can approve it (${missing.map(showNeed).join("; ")})`,
  );
}

async function approve(argument: string, options: Options): Promise<void> {
  const trusted = await readTrusted(options);
  const { claims: bundle } = trusted;
  const nameOf = (kid: string): string | undefined => holderOf(bundle, kid)?.principal.id;
  const ask = await readAsk(readOne("ask", argument, "The ask", nameOf));
  const { claims } = ask;
  const requester = await provenSigner(ask, bundle);
  const own = holderOf(bundle, findKeyFile(options.keys, options.key).public.kid);
  if (own === undefined)
    throw new UserError(`The key ${options.key} is not in the trust bundle.`, { hint: "Use another --key." });
  const entitlement = entitlementOf({ claims, bundle });
  const judgeAt = (now: number): Promise<Outlook> => {
    checkDates(claims, now);
    checkAge(claims, now, entitlement?.max_wait ?? 0);
    return foresee(ask, own, trusted, { claims, bundle, requester, approvers: [own], now });
  };
  const now = nowSeconds();
  const outlook = await judgeAt(now);

  say(paint("bold", "You are asked to approve, as the gateway reads it:"));
  say();
  sayAsk(claims, personOf(requester.principal), now, outlook.warnings, entitlement);
  say();
  if (outlook.refusal !== undefined) throw outlook.refusal;
  say("Did you speak with the requester over another channel?");
  const answer = await askPerson('Type "yes" to approve, anything else to stop: ');
  if (answer !== "yes") throw new UserError("Not approved. Nothing was signed.", { exitCode: 1 });
  const key = await openKey(options.keys, options.key, options.passphraseFd);
  // The person may have taken long: what held before the question is judged again.
  const approvedAt = nowSeconds();
  const { refusal } = await judgeAt(approvedAt);
  if (refusal !== undefined) throw refusal;
  const approval = await makeApproval(ask.text, key, approvedAt);
  if (options.json === true) resultJson({ approval });
  else result(approval);
  say(`Approved as ${own.principal.id}. Next: send this line back to ${requester.principal.id}.`);
}

export function addApprove(program: Command): void {
  const command = program
    .command("approve")
    .description("read an ask and approve it; prints the approval")
    .argument("<ask>", "the ask: a file, - for standard input, or its text; whatever a chat made of it")
    .addOption(keyOption("your key's name"))
    .addOption(keysOption())
    .addOption(anchorsOption())
    .addOption(bundleOption())
    .addOption(passphraseOption())
    .addOption(jsonOption())
    .action(approve);
  examples(command, ["glassgate approve ask.txt --key adam", "glassgate approve - --key adam < mail.txt"]);
}

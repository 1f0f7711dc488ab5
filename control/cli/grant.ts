/** `glassgate grant`: checks the approvals, says what is missing, and makes the requester's signature last. */
import { statSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import { messageOf, UserError } from "../base/errors.js";
import { writeText } from "../base/files.js";
import { plural, visible } from "../base/text.js";
import { nowSeconds, showTime } from "../base/time.js";
import { entryOf, heldFile, hold } from "../caller/held.js";
import { type Ask, type AskClaims, readAsk } from "../grant/ask.js";
import { type Circumstances, denied, entitlementOf } from "../grant/because.js";
import { holderOf, provenApprover, provenSigner } from "../grant/check.js";
import { approvalWait, checkDates } from "../grant/dates.js";
import { detailsOf, type Judgement, judgeAhead } from "../grant/judge.js";
import { completeGrant } from "../grant/make.js";
import type { Message } from "../grant/message.js";
import { type Approver, beganAt, needs, showNeed } from "../grant/quorum.js";
import { samplesOf } from "../grant/scope.js";
import { Stage } from "../grant/stage.js";
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
import { readMessages, wrongInput } from "./message-input.js";
import { result, resultJson, say, warn } from "./output.js";
import { endWarnings } from "./verdict-output.js";

interface Options {
  readonly key: string;
  readonly keys: string;
  readonly anchors: string;
  readonly bundle: string;
  readonly passphraseFd?: number;
  readonly output?: string;
  readonly json?: boolean;
}

/** Milliseconds: a timer may fire a little early, and seconds are rounded down. */
const TIMER_MARGIN = 100;
/** As in assembly/limits.ts. */
const MAX_APPROVALS = 8;

type NameOf = (kid: string) => string | undefined;

interface Parts {
  readonly ask: Message;
  readonly approvals: readonly Message[];
}

/** One ask in the first text, and every approval of all the texts, each once; a quoted copy of the ask does no harm. */
function readParts(askArgument: string, approvalArguments: readonly string[], nameOf: NameOf): Parts {
  const first = readMessages(askArgument, "The ask");
  const others = approvalArguments.map((argument, i) => readMessages(argument, `Approval ${i + 1}`));
  const asks = first.found.messages.filter(({ kind }) => kind === "ask");
  const [ask] = asks;
  if (ask === undefined || asks.length > 1 || first.found.messages.some(({ kind }) => kind === "grant"))
    throw wrongInput("ask", first, nameOf);
  for (const input of others) {
    const { messages } = input.found;
    const isStrange = messages.some(({ kind, text }) => kind === "grant" || (kind === "ask" && text !== ask.text));
    if (isStrange || !messages.some(({ kind }) => kind === "approval")) throw wrongInput("approval", input, nameOf);
  }
  const approvals = [first, ...others].flatMap(({ found }) => found.messages).filter(({ kind }) => kind === "approval");
  const distinct = [...new Map(approvals.map((approval) => [approval.text, approval])).values()];
  if (distinct.length > MAX_APPROVALS) {
    throw new UserError(`There are ${distinct.length} approvals; a grant takes ${MAX_APPROVALS}.`, {
      hint: "Leave out those that are not needed.",
    });
  }
  return { ask, approvals: distinct };
}

/** Approvals made by a clock a little ahead: the wait that heals it. Throws where none does. */
async function awaitApprovals(approvers: readonly Approver[], ask: Ask): Promise<void> {
  const now = nowSeconds();
  const waits = approvers.map(({ principal, iat }) => approvalWait(principal.id, iat, ask.claims, now));
  const wait = Math.max(0, ...waits);
  if (wait === 0) return;
  say(`An approver's clock is a little ahead of yours: waiting ${plural(wait, "second")}.`);
  await sleep(wait * 1000 + TIMER_MARGIN);
}

/** Lets the filter judge all but the requester's own signature, before the passphrase is asked for. */
async function foresee(
  ask: Ask,
  parts: Parts,
  { anchors, text: pinned }: Trusted,
  circumstances: Circumstances,
  given: readonly Approver[],
): Promise<Judgement> {
  const { claims, bundle, requester, now } = circumstances;
  const approvals = parts.approvals.map(({ text }) => text);
  const judgement = await judgeAhead(
    { anchors, pinned, bundle, ask: ask.text, requesterKid: ask.kid, approvals, ownKids: [], otherKids: [], now },
    claims,
  );
  const entitlement = entitlementOf(circumstances);
  if (judgement.denial?.verdict === "quorum" && entitlement !== undefined) {
    const missing = needs(bundle, entitlement, given, requester.principal, now);
    const isHopeless = missing.some(({ count, people }) => people.length < count);
    throw new UserError(`Still missing:\n${missing.map((need) => `  ${showNeed(need)}`).join("\n")}`, {
      hint: isHopeless
        ? "It can never be completed now: too few people can approve it."
        : "Send them the ask; each runs `glassgate approve ASK`.",
      exitCode: 1,
    });
  }
  if (judgement.denial !== undefined) throw denied("The gateway would deny this", judgement.denial, circumstances);
  for (const warning of endWarnings(judgement)) warn(warning);
  return judgement;
}

/** So that `glassgate status` knows of it, and that it is wiped when it has ended. */
function noteFile(keys: string, key: string, text: string, claims: AskClaims, output: string): void {
  try {
    if (statSync(output).isFile()) hold(keys, { ...entryOf(text, claims, key), file: heldFile(output) });
  } catch (error) {
    // The grant is made and opens: what is lost is that it is wiped by itself.
    warn(`the grant is not noted among what you hold, and not wiped at its end: ${messageOf(error)}`);
  }
}

/** To whom and from where it is allowed, where the grant restricts that. */
function onlyFor({ cnf, net }: AskClaims): string {
  const key = cnf === undefined ? "" : ", to whoever shows the key that it is bound to";
  return `${key}${net === undefined ? "" : ", from its networks"}`;
}

async function grant(askArgument: string, approvalArguments: readonly string[], options: Options): Promise<void> {
  const trusted = await readTrusted(options);
  const { claims: bundle } = trusted;
  const parts = readParts(askArgument, approvalArguments, (kid) => holderOf(bundle, kid)?.principal.id);
  const ask = await readAsk(parts.ask);
  const { claims } = ask;
  const requester = await provenSigner(ask, bundle);
  checkDates(claims, nowSeconds());
  const { public: publicKey } = findKeyFile(options.keys, options.key);
  if (publicKey.kid !== ask.kid) {
    throw new UserError(`The ask was made with another key than ${options.key}.`, {
      hint: `Use the key of ${requester.principal.id} that made the ask.`,
    });
  }
  const given = await Promise.all(parts.approvals.map((approval) => provenApprover(approval, ask, bundle)));
  await awaitApprovals(given, ask);
  const approvers = parts.approvals.flatMap(({ header }) => holderOf(bundle, header.kid) ?? []);
  const circumstances = (): Circumstances => {
    const now = nowSeconds();
    const entitlement = entitlementOf({ claims, bundle });
    const began = entitlement && beganAt(entitlement, claims.iat, given, now);
    return { claims, bundle, requester, approvers, began, now };
  };
  const { ends, livesUntil } = await foresee(ask, parts, trusted, circumstances(), given);

  const key = await openKey(options.keys, options.key, options.passphraseFd);
  const text = await completeGrant(
    ask.text,
    parts.approvals.map((approval) => approval.text),
    key,
  );
  const stage = await Stage.set(trusted.anchors, trusted.text, text, nowSeconds());
  const denial = stage.judgeAll(samplesOf(claims.authorization_details, detailsOf(bundle, claims.ent)));
  if (denial !== undefined) throw denied("The gateway would deny this", denial, circumstances());

  const { output } = options;
  if (output !== undefined) {
    writeText(output, `x-break-glass: ${text}\n`, { mode: 0o600 });
    // What is held is held until it opens nothing any more, which may be before its exp.
    noteFile(options.keys, options.key, text, { ...claims, exp: livesUntil }, output);
  }
  if (options.json === true) resultJson(output === undefined ? { grant: text, claims } : { output, claims });
  else if (output === undefined) result(text);
  const until = showTime(ends?.at ?? claims.exp);
  say(
    `Complete: the filter allows all of it${onlyFor(claims)}. It opens until ${until}, and is a secret until ${ends === undefined ? "then" : showTime(claims.exp)}.`,
  );
  say(nextStep(claims, output));
}

/** For a bound grant the header alone is not enough. */
function nextStep({ authorization_details: [first], cnf }: AskClaims, output: string | undefined): string {
  const method = first?.actions[0] ?? "GET";
  if (output === undefined) {
    return cnf === undefined
      ? "Next: send it in the header x-break-glass; `--output FILE` writes a file for `curl -H @FILE URL`."
      : "Next: write it to a file with `--output FILE`, and use it with `glassgate curl`, `run` or `proxy`.";
  }
  const file = /^[\w./-]+$/.test(output) ? output : `'${visible(output).replaceAll("'", "'\\''")}'`;
  return cnf === undefined
    ? `Next: curl -X ${method} -H @${file} URL`
    : `Next: glassgate curl --grant ${file} -- -X ${method} URL; or \`glassgate run -- COMMAND\`, \`glassgate proxy\`.`;
}

export function addGrant(program: Command): void {
  const command = program
    .command("grant")
    .description("complete a grant from an ask and its approvals; prints what opens")
    .argument("<ask>", "the ask: a file, - for standard input, or its text")
    .argument("[approvals...]", "the approvals: files or texts, each with one approval or more")
    .addOption(keyOption("your key's name"))
    .addOption(keysOption())
    .addOption(anchorsOption())
    .addOption(bundleOption())
    .addOption(passphraseOption())
    .option(
      "--output <file>",
      "write the grant as a header line that curl reads, for your eyes only, and print nothing",
    )
    .addOption(jsonOption())
    .action(grant);
  examples(command, [
    "glassgate grant ask.txt approval-1.txt approval-2.txt --key rita --output grant.txt",
    "glassgate curl --grant grant.txt -- -X POST https://api.example.com/orders/42/refund",
  ]);
}

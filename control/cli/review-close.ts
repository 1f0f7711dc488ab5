/** `glassgate review close`: shows what is signed, asks a person, signs, and hands it to the ledger. There is no flag to skip the question. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Command, Option } from "commander";
import { UserError } from "../base/errors.js";
import { plural, visible } from "../base/text.js";
import { nowSeconds } from "../base/time.js";
import { isUrl } from "../ledger/audit/source.js";
import { faultsOf, type Judging } from "../ledger/chain/review-judge.js";
import { newest, whichOf } from "../ledger/chain/review-signer.js";
import { grantsOf } from "../ledger/chain/reviews.js";
import { type HandedIn, handIn, sendClosing } from "../ledger/closing.js";
import { readLedgerConfig } from "../ledger/config.js";
import { type Classification, type ReviewClaims, signReview } from "../ledger/review.js";
import { findReview, wantedBy } from "../review/find.js";
import type { DeniedReview, Review } from "../review/model.js";
import { carriedWords, moment, personWords, requesterWords, stateOf } from "../review/words.js";
import { examples, findKeyFile, jsonOption, keysOption, openKey, passphraseOption } from "./context.js";
import { tellAlarm } from "./ledger-alarm.js";
import { openToWrite } from "./ledger-open.js";
import { askPerson, paint, result, resultJson, say } from "./output.js";
import { doorOf } from "./review-door.js";
import { type ReadingOptions, reading, readLedgerReviews } from "./review-options.js";
import { action, checkSaid, classification, type Said, type SaidOptions, saidIn } from "./review-said.js";

interface Options extends ReadingOptions, SaidOptions {
  readonly as: string;
  readonly keys: string;
  readonly passphraseFd?: number;
  readonly json?: boolean;
}

interface Shown {
  readonly review: Review | DeniedReview;
  readonly key: string;
  readonly judging: Judging;
  readonly checkpoint: ReviewClaims["checkpoint"];
  readonly origin: string;
}

const keyOf = (review: Review | DeniedReview): string => ("key" in review ? review.key : review.grant);

/** What is not named is the ledger's own, where it is a folder: its door goes by that. */
function withOwn(
  where: string,
  options: Options,
  isGraceNamed: boolean,
): Options & { readonly anchors: readonly string[] } {
  const file = join(where, "ledger.yaml");
  const own = isUrl(where) || !existsSync(file) ? undefined : readLedgerConfig(file);
  const grace = isGraceNamed ? options.grace : (own?.grace ?? options.grace);
  const { anchors = own?.anchors ?? [] } = options;
  if (anchors.length > 0) return { ...options, grace, anchors };
  throw new UserError(
    "Who may review stands in the trust bundle, and no anchors are named that it could be judged by.",
    {
      hint: "Name the gateways' anchors with --anchors FILE.",
    },
  );
}

async function read(where: string, name: string, options: Options): Promise<Shown> {
  let judging: Judging | undefined;
  let checkpoint = { size: 0, root: "" };
  const list = await readLedgerReviews(where, options, wantedBy(name), (one, { size, root }) => {
    judging = one;
    checkpoint = { size, root: Buffer.from(root, "base64").toString("hex") };
  });
  const found = findReview(list, name);
  const review = "review" in found ? found.review : found.denied;
  if (judging === undefined) throw new Error("the ledger was not judged");
  return { review, key: keyOf(review), judging, checkpoint, origin: list.origin };
}

/** Whose key it is, by the newest bundles under which the grant was decided. */
function signerOf({ judging, key }: Shown, kid: string, name: string): string {
  const those = whichOf(grantsOf(judging.state.reviews, key));
  if (those.length === 0)
    throw new UserError(
      "None of the anchors here are those of the gateways that have it on record: nobody is known who may review it.",
      {
        hint: "If they are your gateways, name their anchors with --anchors, and add them to `anchors` in ledger.yaml (then start the ledger anew). If they are nobody's, leave the review open: who runs them is an incident of its own.",
        exitCode: 1,
      },
    );
  for (const which of those) {
    const owner = newest(judging, which)?.principals.find(({ keys }) => keys.some((one) => one.kid === kid));
    if (owner !== undefined) return owner.id;
  }
  throw new UserError(
    `The key ${visible(name)} is nobody's in the trust bundles that the ledger knows of this grant.`,
    {
      hint: "Use another --as; or have who keeps the roster enter this key, then build, sign and push the bundle. Nothing was signed.",
      exitCode: 1,
    },
  );
}

function refused(faults: readonly string[], what: string): UserError {
  const [only] = faults;
  return new UserError(
    faults.length === 1 ? `${what}: ${only}` : `${what}:\n${faults.map((fault) => `- ${fault}`).join("\n")}`,
    {
      exitCode: 1,
      hint: 'Nothing was entered. docs/review.md says what each needs, under "Who, and when".',
    },
  );
}

function claimsOf({ key, review, judging, checkpoint, origin }: Shown, sub: string, said: Said): ReviewClaims {
  const { counts } = review;
  const { digest } = "key" in review ? review : review.evidence;
  const { allowed, denied, answers, alarms } = counts;
  return {
    v: 1,
    origin,
    review: key,
    ...{ classification: said.classification, findings: said.findings, actions: [...said.actions] },
    counts: { allowed, denied, answers, alarms },
    ...{ digest, checkpoint, sub },
    iat: Math.floor(judging.now / 1000),
  };
}

/** What it can only be, so that all else can be looked at before the person is asked. */
function likely({ review }: Shown): Classification {
  if (review.counts.allowed === 0) return "unused";
  return "drill" in review && review.drill !== undefined ? "drill" : "real";
}

function sayGrant(review: Review): void {
  const { jti = "", requester, approvals, entitlement, reason = "", incident, text, drill, unusual, openedAt } = review;
  say(`  grant        ${review.grant}`);
  say(
    `               ${visible([jti, entitlement, reason, incident, drill && `drill ${drill}`].filter(Boolean).join(", "))}`,
    15,
  );
  if (text !== undefined) say(`  text         ${visible(text)}`, 15);
  say(`  asked for    ${visible(personWords(requester))}, ${requesterWords(review)}`, 15);
  for (const approval of approvals) say(`  approved     ${visible(personWords(approval))}, ${moment(approval.at)}`, 15);
  say(`  first seen   ${moment(openedAt)}`);
  for (const { says } of unusual) say(`  look at      ${visible(says)}`, 15);
}

/** Who is asked to sign what is signed already, or is late, has to hear it; what was promised does not come along by itself. */
function sayState(review: Review | DeniedReview): void {
  if (review.state === "open") return;
  say(`  state        ${stateOf(review)}`, 15);
  for (const { by, at, classification: what, entry, isOutdated } of review.closures) {
    const after = isOutdated ? "; something came after it" : "";
    say(`  signed       ${visible(personWords(by))}, ${moment(at)}: ${what} (entry ${entry}${after})`, 15);
  }
  for (const { what, owner, due } of review.closures.at(-1)?.actions ?? [])
    say(
      `  look at      It promised "${visible(what)}" (${visible(owner)}, until ${due}): name it again unless it is settled.`,
      15,
    );
}

function sayShown({ review, checkpoint, origin }: Shown): void {
  const { allowed, denied, answers, alarms } = review.counts;
  sayState(review);
  if ("key" in review) {
    say(`  review       ${visible(review.key)}`);
    say(
      `               ${plural(review.grants.length, "grant")} that opened nothing, first seen ${moment(review.openedAt)}`,
    );
  } else sayGrant(review);
  const before = carriedWords(review);
  if (before !== undefined) say(`  look at      ${visible(before)}`, 15);
  say(`  calls        ${allowed} allowed, ${denied} denied, ${plural(answers, "answer")}, ${plural(alarms, "alarm")}`);
  say(`  entries      ${"key" in review ? review.digest : review.evidence.digest}`);
  say(`  ledger       ${visible(origin)}, ${checkpoint.size} entries, root ${checkpoint.root}`, 15);
}

function saySaid({ classification: what, findings, actions }: Said, sub: string): void {
  say(paint("bold", `What you sign as ${visible(sub)}, over the entries above:`));
  say(`  it was       ${what}`);
  say(`  findings     ${visible(findings)}`, 15);
  for (const { what: todo, owner, due } of actions)
    say(`  action       ${visible(todo)} (${visible(owner)}, until ${due})`, 15);
  if (actions.length === 0) say("  action       none");
}

/** @param door the address of a ledger that is served; undefined for the folder itself */
async function enter(
  where: string,
  door: string | undefined,
  token: string,
  { passphraseFd }: Options,
): Promise<HandedIn> {
  if (door !== undefined) return sendClosing(door, token);
  const { opened } = await openToWrite(where, "glassgate review close", passphraseFd, tellAlarm);
  try {
    return await handIn(opened.log, (received) => opened.ledger.take(received), token);
  } finally {
    await opened.close();
  }
}

async function close(where: string, name: string, options: Options, command: Command): Promise<void> {
  checkSaid(options);
  const { kid } = findKeyFile(options.keys, options.as).public;
  const isGraceNamed = command.getOptionValueSource("grace") !== "default";
  const shown = await read(where, name, withOwn(where, options, isGraceNamed));
  const sub = signerOf(shown, kid, options.as);
  say(paint("bold", "The review, as the ledger's verified entries tell it:"));
  sayShown(shown);
  say();
  const draft: Said = { classification: options.classification ?? likely(shown), findings: "-", actions: [] };
  const bars = faultsOf(shown.judging, claimsOf(shown, sub, draft), kid);
  if (bars.length > 0) throw refused(bars, "This review cannot be closed now");
  const door = await doorOf(where);
  if (door === undefined)
    say(
      "Nobody serves this folder, so this command writes into it: the passphrase of the ledger's key is asked for as well.",
    );
  const said = await saidIn(options);
  const wrong = faultsOf(shown.judging, claimsOf(shown, sub, said), kid);
  if (wrong.length > 0) throw refused(wrong, "This review cannot be closed so");
  saySaid(said, sub);
  if ((await askPerson('Type "yes" to sign, anything else to stop: ')) !== "yes")
    throw new UserError("Not signed. The review is as it was.", { exitCode: 1 });
  const key = await openKey(options.keys, options.as, options.passphraseFd);
  const token = await signReview({ ...claimsOf(shown, sub, said), iat: nowSeconds() }, key);
  const done = await enter(where, door, token, options);
  if ("refused" in done) throw refused(done.refused.map(visible), "The ledger refuses the signature");
  if (options.json === true) resultJson({ review: shown.key, entry: done.index, new: done.isNew, signature: token });
  else result(`Closed: entry ${done.index} of ${visible(shown.origin)}.`);
}

export function addReviewClose(review: Command): void {
  const command = reading(
    review
      .command("close")
      .description("sign that you have looked at what was done with a grant, as somebody who had no part in it"),
  )
    .argument("<grant>", "its SHA-256 or jti, or the beginning of either (8 characters), or the key of a shared review")
    .addOption(new Option("--as <name>", "your own key's name").env("GLASSGATE_KEY").makeOptionMandatory())
    .addOption(keysOption())
    .option("--classification <what>", "real, drill, misuse or unused", classification)
    .option("--findings <text>", "what was found, or @FILE", (text: string) => text)
    .option(
      "--action <what;who;day>",
      "what is done about it, by whom, until which day (YYYY-MM-DD); repeatable",
      action,
    )
    .addOption(passphraseOption())
    .addOption(jsonOption())
    .action(close);
  examples(command, [
    "glassgate review close ledger/ 4f0c2a9be1d7 --key ledger.vkey --as olga",
    'glassgate review close https://ledger.example.com/eu 4f0c2a9be1d7 --key ledger.vkey --anchors anchors.json --as olga --classification real --findings @findings.txt --action "Narrow the entitlement;adam;2026-12-15"',
  ]);
}

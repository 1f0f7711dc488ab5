/** `glassgate drill roster sign`: shows what is signed, asks a person, signs. There is no flag to skip the question. */
import type { Command } from "commander";
import { UserError } from "../base/errors.js";
import { plural, visible } from "../base/text.js";
import { nowSeconds, showDuration, showTime } from "../base/time.js";
import { type Challenge, findChallenges, signProof } from "../drill/roster.js";
import { holderOf } from "../grant/check.js";
import { LEEWAY } from "../grant/dates.js";
import { findAll, whatElse } from "../grant/find.js";
import { readAnchors } from "../trust/anchors.js";
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
} from "./context.js";
import { readMessages, showMessage } from "./message-input.js";
import { askPerson, paint, result, resultJson, say } from "./output.js";

interface Options {
  readonly key: string;
  readonly keys: string;
  readonly anchors: string;
  readonly bundle: string;
  readonly passphraseFd?: number;
  readonly json?: boolean;
}

/** The one challenge of what was given. */
function readChallenge(argument: string): Challenge {
  const { text, found } = readMessages(argument, "The challenge", undefined, findAll);
  const [only, ...others] = findChallenges(text);
  if (only !== undefined && others.length === 0) return only;
  if (only !== undefined)
    throw new UserError(`The text holds ${plural(others.length + 1, "challenge")}, and one is wanted.`, {
      hint: "Give the newest alone: nothing is chosen for you.",
    });
  const [message] = found.messages;
  if (message !== undefined)
    throw new UserError(`The challenge is none: it is ${showMessage(message, () => undefined)}.`, {
      hint: "A challenge is the line that `glassgate drill roster challenge` prints.",
    });
  throw new UserError(
    `The challenge cannot be read: ${/bg-challenge/i.test(text) ? "it is cut short or was changed" : whatElse(text, found)}.`,
    {
      hint: "Copy the whole line, from `bg-challenge` to its last character, or have it sent as a file.",
    },
  );
}

/** The principal; undefined for a root. */
async function signerOf(options: Options, kid: string): Promise<string | undefined> {
  if (readAnchors(options.anchors).roots.some((root) => root.kid === kid)) return undefined;
  const { claims } = await readTrusted(options);
  const holder = holderOf(claims, kid);
  if (holder !== undefined) return holder.principal.id;
  throw new UserError(
    `The key ${options.key} is neither in the trust bundle (version ${claims.version}) nor a root: nobody waits for its proof.`,
    { hint: "Use another --key, or fetch the newest bundle." },
  );
}

/** A clock that would spoil an approval is found now. */
function checkDates({ iat, exp, aud }: Challenge, audience: string): void {
  if (aud !== audience)
    throw new UserError(`The challenge is for ${visible(aud)}, and your anchors are of ${visible(audience)}.`, {
      hint: "Run it in the folder of that environment, or name its files with --anchors and --bundle.",
    });
  const now = nowSeconds();
  if (iat > now + LEEWAY)
    throw new UserError(
      `The challenge was made ${showDuration(iat - now)} in the future, at ${showTime(iat)}; your clock says ${showTime(now)}.`,
      { hint: "If your clock is behind, set it: no gateway would take what you sign by it.", exitCode: 1 },
    );
  if (exp < now)
    throw new UserError(`The challenge ended at ${showTime(exp)}; your clock says ${showTime(now)}.`, {
      hint: "Ask for a new one. If this one was made just now, your clock is ahead: set it.",
      exitCode: 1,
    });
}

async function sign(argument: string, options: Options): Promise<void> {
  const challenge = readChallenge(argument);
  const { audience } = readAnchors(options.anchors);
  const { kid } = findKeyFile(options.keys, options.key).public;
  const sub = await signerOf(options, kid);
  checkDates(challenge, audience);
  const as = sub ?? "a root";

  say(paint("bold", "You are asked to prove that you still have your key:"));
  say(`  asked by     ${visible(challenge.by)} (so it says; nobody has signed that)`, 15);
  say(`  environment  ${visible(challenge.aud)}`);
  say(`  made         ${showTime(challenge.iat)}, to be answered until ${showTime(challenge.exp)}`, 15);
  say(`  your key     ${visible(options.key)}, ${kid}`, 15);
  say(`  you sign     "${as} has this key", with the challenge's number ${challenge.nonce}`, 15);
  say("It opens nothing and approves nothing, whoever gets it.");
  if ((await askPerson('Type "yes" to sign, anything else to stop: ')) !== "yes")
    throw new UserError("Not signed.", { exitCode: 1 });
  const key = await openKey(options.keys, options.key, options.passphraseFd);
  checkDates(challenge, audience);
  const proof = await signProof(challenge, sub, nowSeconds(), key);
  if (options.json === true) resultJson({ proof });
  else result(proof);
  say(`Signed as ${as}. Next: send this line back to whoever asked.`);
}

export function addDrillRosterSign(roster: Command): void {
  const command = roster
    .command("sign")
    .description("answer a challenge with your key; prints the proof")
    .argument("<challenge>", "the challenge: a file, - for standard input, or its text; whatever a chat made of it")
    .addOption(keyOption("your key's name, or a root's"))
    .addOption(keysOption())
    .addOption(anchorsOption())
    .addOption(bundleOption())
    .addOption(passphraseOption())
    .addOption(jsonOption())
    .action(sign);
  examples(command, [
    "glassgate drill roster sign challenge.txt --key adam > adam.proof",
    "glassgate drill roster sign - --key adam < mail.txt",
  ]);
}

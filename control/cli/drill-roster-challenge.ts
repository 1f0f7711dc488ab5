/** `glassgate drill roster challenge`: a line for everybody, answered with `sign`. */
import { userInfo } from "node:os";
import { type Command, InvalidArgumentError, Option } from "commander";
import { nowSeconds, showTime } from "../base/time.js";
import { challengeText, MAX_BY_BYTES, newChallenge } from "../drill/roster.js";
import { changeBook, withChallenge } from "../drill/roster-book.js";
import { readAnchors } from "../trust/anchors.js";
import { anchorsOption, duration, examples, jsonOption } from "./context.js";
import { proofsOption } from "./drill-options.js";
import { result, resultJson, say } from "./output.js";

interface Options {
  readonly anchors: string;
  readonly proofs: string;
  readonly by?: string;
  readonly ttl: number;
  readonly json?: boolean;
}

const DAY = 86_400;
/** Time for people on leave. */
const DEFAULT_TTL = 14 * DAY;

function asker(text: string): string {
  if (text.trim() === "" || Buffer.byteLength(text) > MAX_BY_BYTES)
    throw new InvalidArgumentError(`Write 1 to ${MAX_BY_BYTES} bytes.`);
  return text;
}

/** The name of whoever is logged in, where there is one that fits: `root` is nobody's, and beside root keys it misleads. */
function ownName(): string {
  try {
    const { username } = userInfo();
    return username === "root" ? "somebody" : asker(username);
  } catch {
    return "somebody"; // A user without an entry, as in many containers.
  }
}

async function challenge(options: Options): Promise<void> {
  const { audience } = readAnchors(options.anchors);
  const now = nowSeconds();
  const made = newChallenge({ aud: audience, iat: now, exp: now + options.ttl, by: options.by ?? ownName() });
  await changeBook(options.proofs, (book) => withChallenge(book, made));
  const text = challengeText(made);
  if (options.json === true) resultJson({ challenge: text, ...made });
  else result(text);
  say(`To be answered until ${showTime(made.exp)}. Next: send this line to everybody who has a key; each runs`);
  say("  glassgate drill roster sign CHALLENGE --key NAME");
}

export function addDrillRosterChallenge(roster: Command): void {
  const command = roster
    .command("challenge")
    .description("make a challenge, one line for everybody; remembers it beside the proofs")
    .option("--by <text>", "who asks, as everybody will read it (default: your user name, unless that is root)", asker)
    .addOption(
      new Option("--ttl <duration>", "how long it may be answered").argParser(duration).default(DEFAULT_TTL, "14d"),
    )
    .addOption(anchorsOption())
    .addOption(proofsOption())
    .addOption(jsonOption())
    .action(challenge);
  examples(command, [
    "glassgate drill roster challenge > challenge.txt",
    'glassgate drill roster challenge --by "Olga, security" --ttl 7d > challenge.txt',
  ]);
}

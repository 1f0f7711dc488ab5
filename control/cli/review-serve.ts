/** `glassgate review serve`: the reviews in a browser on this machine, until it is stopped. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { UserError } from "../base/errors.js";
import { isLoopback } from "../base/loopback.js";
import { visible } from "../base/text.js";
import { openSource } from "../ledger/audit/source.js";
import { faultSince, type Report, readCheckpoint } from "../ledger/audit/verify.js";
import { addressIn } from "../review/addresses.js";
import { wantedBy } from "../review/find.js";
import type { ReviewList } from "../review/model.js";
import type { Ledger } from "../review/reading.js";
import { serveReviews } from "../review/serve.js";
import { collect, examples } from "./context.js";
import { readToken, readVkey } from "./ledger-options.js";
import { untilStopped } from "./ledger-serve.js";
import { say, warn } from "./output.js";
import { type ReadingOptions, reading, readLedgerReviews } from "./review-options.js";

interface Options extends ReadingOptions {
  readonly listen: string;
  readonly expose?: boolean;
  readonly name?: readonly string[];
}

interface Shown {
  readonly size: number;
  readonly root: Buffer;
}
const shownOf = ({ size, root }: Report): Shown => ({ size, root: Buffer.from(root, "base64") });

function ledgerOf(where: string, options: Options): Ledger {
  const source = openSource(where, readToken(where, options.tokenFile));
  const nothing = (): boolean => false;
  let newest: Shown = { size: 0, root: Buffer.alloc(0) };
  const read = async (wanted: string | undefined): Promise<ReviewList> => {
    let now = newest;
    const isWanted = wanted === undefined ? nothing : wantedBy(wanted);
    const list = await readLedgerReviews(where, options, isWanted, (_, report) => {
      now = shownOf(report);
    });
    // Signed it may be, and an older or another one all the same: what was shown here does not vanish in silence.
    const fault = newest.size === 0 ? undefined : await faultSince(source, newest, now);
    if (fault !== undefined)
      throw new UserError(
        `This ledger is not the one that was shown here before, so nothing of it is shown: ${fault}.`,
        {
          exitCode: 1,
          hint: "Ask who runs it. Started again, the command shows what is there now: with --since it compares.",
        },
      );
    newest = now;
    return list;
  };
  return { checkpoint: () => readCheckpoint(source), read };
}

async function serve(where: string, options: Options): Promise<void> {
  const address = addressIn(options.listen, options.expose === true);
  readVkey(options.key); // What is wrong with it is said now, not in a browser.
  const ledger = ledgerOf(where, options);
  const { size, origin } = await ledger.read(undefined);
  const served = await serveReviews({
    ledger,
    address,
    names: options.name ?? [],
    place: { ledger: where, key: options.key, anchors: options.anchors ?? [] },
    now: Date.now,
    say,
  });
  if (!isLoopback(address.host))
    warn("others can reach these pages, and nobody is asked who he is: whoever reaches them reads every review.");
  say(`The reviews of ${visible(origin)} (${size} entries, verified) are at ${served.url}/`);
  say("Ctrl-C stops it.");
  await new Promise<void>((resolve) => untilStopped(() => void served.close().then(resolve)));
}

/** As a browser asks for it. Anything else would never be asked for. */
function hostName(value: string, before: readonly string[] | undefined): string[] {
  if (!/^[a-z0-9][a-z0-9._-]*$/i.test(value))
    throw new InvalidArgumentError("It is no host name: write it without scheme and port.");
  return collect(value, before);
}

/** Beside the ledger's own, 7070. */
const LISTEN = "127.0.0.1:7071";

export function addReviewServe(review: Command): void {
  const command = reading(
    review
      .command("serve")
      .description("show the reviews of a ledger in a browser on this machine; nothing can be changed there"),
  )
    .addOption(new Option("--listen <address:port>", "where; port 0 takes one that is free").default(LISTEN))
    .option(
      "--expose",
      "listen where other machines can reach it: the pages ask nobody who he is, so a proxy with sign-in must stand before them",
    )
    .option("--name <host>", "a host name under which a proxy asks for the pages; repeatable", hostName)
    .action(serve);
  examples(command, [
    "glassgate review serve ledger/ --key ledger.vkey --anchors anchors.json",
    "glassgate review serve https://ledger.example.com/eu --key ledger.vkey --token-file reader.token --listen 127.0.0.1:0",
  ]);
}

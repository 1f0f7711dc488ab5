/** What the commands share that use a grant: which one, with what key, by which gateway. */
import { type Command, Option } from "commander";
import { UserError } from "../base/errors.js";
import { readText } from "../base/files.js";
import { releaseTerminal } from "../base/terminal.js";
import { visible } from "../base/text.js";
import { nowSeconds, showDuration } from "../base/time.js";
import type { Credential } from "../caller/credential.js";
import type { Line } from "../caller/exchange.js";
import type { GatewayOptions } from "../caller/gateway.js";
import { type Held, isHeld, placeOf, readHoldings } from "../caller/held.js";
import { openGrant } from "../caller/open.js";
import { type ProxyOptions, type RunningProxy, startProxy } from "../caller/proxy.js";
import { keysOption, openKey, passphraseOption } from "./context.js";
import { isOnCommandLine, NO_TEXT, readOne } from "./message-input.js";
import { paint, say } from "./output.js";

export interface CallerOptions {
  readonly grant?: string;
  readonly gateway?: string;
  readonly cacert?: string;
  readonly cert?: string;
  readonly certKey?: string;
  readonly keys: string;
  readonly passphraseFd?: number;
}

export function addCallerOptions(command: Command): Command {
  return command
    .option("--grant <file>", "the grant's file, or - for standard input (default: the one that you hold)")
    .addOption(
      new Option("--gateway <url>", "where the gateway is (default: https:// and the grant's host)").env(
        "GLASSGATE_GATEWAY",
      ),
    )
    .option("--cacert <file>", "trust these authorities for the gateway's certificate (PEM)")
    .option("--cert <file>", "your client certificate, for a grant that is bound to it (PEM)")
    .option("--cert-key <file>", "its private key (PEM)")
    .addOption(keysOption())
    .addOption(passphraseOption());
}

/** The grant's text: never as an argument, which everybody on the machine can read. */
function readGrant(argument: string | undefined, keys: string): string {
  if (argument !== undefined && isOnCommandLine(argument)) {
    throw new UserError("A grant on a command line can be read by everybody on this machine.", {
      hint: "Put it into a file of yours, or pipe it: `--grant -`. Consider this one as given away.",
    });
  }
  return readOne("grant", argument ?? onlyHeld(keys), "The grant", undefined, NO_TEXT).text;
}

const describe = ({ jti, ent, exp, file }: Held): string =>
  `\n  ${jti}  ${visible(ent)}, ${showDuration(Math.max(0, exp - nowSeconds()))} left, in ${visible(file ?? "no file")}`;

function onlyHeld(keys: string): string {
  const entries = readHoldings(keys).entries.filter((entry) => entry.exp > nowSeconds() && placeOf(entry) === "grant");
  const [only, ...others] = entries;
  if (only?.file !== undefined && others.length === 0) return only.file;
  if (only === undefined) {
    throw new UserError("You hold no grant.", {
      hint: "Name its file with --grant; `glassgate grant ASK APPROVALS --output FILE` writes one.",
    });
  }
  throw new UserError(`You hold ${entries.length} grants:${entries.map(describe).join("")}`, {
    hint: "Name the file of one with --grant.",
  });
}

const readPem = (file: string | undefined, what: string): string | undefined =>
  file === undefined ? undefined : readText(file, what);

function gatewayOptions({ gateway, cacert, cert, certKey }: CallerOptions): GatewayOptions {
  if ((cert === undefined) !== (certKey === undefined)) {
    throw new UserError("A client certificate needs its key, and the key its certificate.", {
      hint: "Give both --cert and --cert-key.",
    });
  }
  const ca = readPem(cacert, "the authorities");
  const certificate = readPem(cert, "the client certificate");
  const key = readPem(certKey, "its key");
  return {
    ...(gateway === undefined || gateway === "" ? {} : { url: gateway }),
    ...(ca === undefined ? {} : { ca }),
    ...(certificate === undefined ? {} : { cert: certificate }),
    ...(key === undefined ? {} : { key }),
  };
}

async function openCredential(options: CallerOptions): Promise<{ credential: Credential; held: Held | undefined }> {
  const { keys, passphraseFd } = options;
  const opened = await openGrant(readGrant(options.grant, keys), keys, (name) => openKey(keys, name, passphraseFd));
  releaseTerminal(); // No question is left, and what is started may want it.
  return opened;
}

/** Starts a proxy as the options say. */
export async function startCaller(
  options: CallerOptions,
  more: Pick<ProxyOptions, "port" | "isOnLoopback" | "keepsPort" | "told">,
): Promise<{ proxy: RunningProxy; held: Held | undefined }> {
  const gateway = gatewayOptions(options);
  const { credential, held } = await openCredential(options);
  const jti = held?.jti;
  const endsAt = held?.exp;
  const proxy = await startProxy({
    credential,
    gateway,
    ...(endsAt === undefined ? {} : { endsAt }),
    ...(jti === undefined ? {} : { isHeld: () => isHeld(options.keys, jti) }),
    ...more,
  });
  return { proxy, held };
}

/** Refusals that are shown a minute; whoever knocks more often does not fill the screen. */
const MAX_REFUSALS = 20;
const MINUTE_MS = 60_000;

/** A line for each request, as people read it. */
export function requestLines(): (line: Line) => void {
  let refusals = 0;
  let since = Date.now();
  return ({ method, host, path, status, why }) => {
    // Of strangers: what the grant's own clients do is shown, whoever knocks.
    const isStranger = host === "";
    if (isStranger) {
      if (Date.now() - since > MINUTE_MS) {
        refusals = 0;
        since = Date.now();
      }
      refusals += 1;
      if (refusals > MAX_REFUSALS + 1) return;
    }
    const time = `${new Date().toISOString().slice(11, 19)} UTC`;
    const what = isStranger ? "nobody let in" : `${visible(method)} ${visible(host)}${visible(path)}`;
    const shown = paint(status < 400 ? "green" : "red", String(status));
    const more = isStranger && refusals > MAX_REFUSALS ? " (more like this are not shown for a minute)" : "";
    say(
      `${time}  ${shown}  ${what}${why === undefined ? "" : `: ${visible(why)}`}${why === undefined ? "" : more}`,
      19,
    );
  };
}

/** `glassgate explain`: runs the very filter on a grant and a request, and says the verdict, why, and what to do. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { z } from "zod";
import { readAuditLines } from "../base/audit.js";
import { UserError } from "../base/errors.js";
import { readText } from "../base/files.js";
import { visible } from "../base/text.js";
import { faultOfMoment, nowSeconds, parseMoment, showTime } from "../base/time.js";
import { type VerdictCode, verdictCodes, verdicts } from "../base/verdicts.gen.js";
import { jktOf } from "../caller/credential.js";
import { PROOF_SECONDS, proofFaults, proofsIn, requestsIn } from "../caller/proof-faults.js";
import { malformedBecause, readClaims as readGrantClaims } from "../grant/ask.js";
import { sourceFor } from "../grant/stage.js";
import { readAnchors } from "../trust/anchors.js";
import { readClaims } from "../trust/bundle.js";
import { configurationText } from "../trust/configuration.js";
import { anchorsOption, bundleOption, examples, jsonOption } from "./context.js";
import { EXPLAINED, GATEWAYS, type GatewayName, recordIn } from "./explain-host.js";
import { isOnCommandLine, readOne, readSecretInput } from "./message-input.js";
import { paint, resultJson, resultRows, warn } from "./output.js";
import { parseTarget, type Target } from "./target.js";

/** Of what is allowed: no reason, but what could still be in the way. */
const UNSEEN = "a gateway also refuses a proof that was used before, or that was made before its filter started";
const record = z.looseObject({ verdict: z.enum(verdictCodes) });

interface Options {
  readonly anchors: string;
  readonly bundle: string;
  /** Seconds. */
  readonly at?: number;
  readonly from?: string;
  readonly proof?: string;
  readonly host: GatewayName;
  readonly json?: boolean;
}

/** As in rosters: UTC where no zone is named. @returns seconds */
function parseTime(text: string): number {
  const moment = /^\d+$/.test(text) ? (faultOfMoment(Number(text)) ?? Number(text)) : parseMoment(text);
  if (typeof moment === "number") return moment;
  throw new InvalidArgumentError(`It ${moment}.`);
}

/** Why nothing can be said of it: no gateway would look at it, or it is not clear which request is meant. */
function faultOfInput(text: string, proofs: readonly string[]): string | undefined {
  if (proofs.every((proof) => proof === "")) return "it is empty";
  if (proofs.some((proof) => !/^[\x21-\x7e]+$/.test(proof))) return "there is more in it";
  if (proofs.length === 1) return undefined;
  const requests = requestsIn(text);
  return requests > 1 ? `there are ${requests} requests in it` : undefined;
}

/** The proofs that came with the request: none where none is shown. Refuses one that no gateway would look at. */
async function readProofs(argument: string | undefined, grant: string): Promise<{ proofs: string[]; jkt: string }> {
  if (argument === undefined) return { proofs: [], jkt: "" };
  const text = readSecretInput(argument, "The proof");
  const proofs = proofsIn(text);
  const fault = faultOfInput(text, proofs);
  if (fault !== undefined)
    throw new UserError(`The proof in ${visible(argument)} cannot be read: ${fault}.`, {
      hint: "Give the value of the header DPoP alone, or the headers of one request with it, one a line.",
    });
  const malformed = await malformedBecause(grant);
  const jkt = malformed === undefined ? jktOf(await readGrantClaims(grant, "The grant")) : "";
  if (jkt === undefined)
    throw new UserError("The grant is not bound to a proof key: no gateway looks at a proof.", {
      hint: "Leave --proof out.",
    });
  return { proofs, jkt };
}

/** What only the holder is told. */
async function detailOf(
  code: VerdictCode,
  grant: string,
  { proofs, jkt }: { readonly proofs: readonly string[]; readonly jkt: string },
  { method, host, path }: Target,
  now: number,
  because: Readonly<Partial<Record<VerdictCode, string>>>,
): Promise<string | undefined> {
  if (code === "malformed") return malformedBecause(grant);
  if (proofs.length === 0) return because[code];
  if (code === "allow") return UNSEEN;
  if (code !== "proof" && code !== "binding_mismatch") return because[code];
  const faults = await proofFaults({ proofs, grant, jkt, method, host, path, now });
  return faults.length > 0 ? faults.join("; ") : "its JSON is not strict (docs/proof.md)";
}

async function explain(grantArgument: string, method: string, url: string, options: Options): Promise<void> {
  const { text: grant } = readOne("grant", grantArgument, "The grant");
  const target = parseTarget(method, url);
  const bundle = readText(options.bundle, "the trust bundle", "Name it with --bundle.").trim();
  const shown = await readProofs(options.proof, grant);
  const now = options.at ?? nowSeconds();
  // A filter takes no proof from before its start: this one has started long enough ago.
  const clock = { seconds: now - 3 * PROOF_SECONDS };
  const gateway = EXPLAINED[options.host];
  const host = await gateway.load({ clock: () => clock.seconds * 1000 });
  const text = configurationText(readAnchors(options.anchors), 1, { ...gateway.options, bundle });
  const { accepted, reason, refusal } = host.configure(text);
  if (!accepted || refusal !== undefined)
    throw new UserError(`The filter refuses the bundle: ${refusal ?? reason}.`, {
      hint: "`glassgate bundle verify` says more.",
    });
  clock.seconds = now;
  const outcome = host.request({
    sourceAddress: options.from ?? sourceFor(grant),
    headers: [
      [":method", target.method],
      [":path", target.path],
      [":authority", target.host],
      ["x-break-glass", grant],
      ...shown.proofs.map((proof) => ["dpop", proof] as const),
    ],
  });
  const audit = readAuditLines(recordIn(outcome));
  const parsed = record.parse(JSON.parse(audit.record));
  const code: VerdictCode = parsed.verdict;
  const row = verdicts[code];
  const detail = await detailOf(code, grant, shown, target, now, gateway.because);
  const { version, iat } = readClaims(bundle, options.bundle);
  if (options.json === true)
    resultJson({
      verdict: code,
      title: row.title,
      ...(detail === undefined ? {} : { detail }),
      status: row.status,
      next: row.operator,
      host: options.host,
      record: parsed,
    });
  else {
    const lines = [
      `${paint(code === "allow" ? "green" : "red", code)}: ${row.title}${code === "allow" ? "" : ` (HTTP ${row.status})`}`,
      ...(detail === undefined ? [] : [`${code === "allow" ? "but    " : "because"}      ${detail}`]),
      `request      ${target.method} ${visible(target.host)}${visible(target.path)}`,
      `judged by    version ${version} in ${visible(options.bundle)}, issued ${showTime(iat)}; a gateway that serves another bundle may say otherwise`,
      `next         ${row.operator}`,
      "",
      "What the gateway would record:",
      ...Object.entries(parsed)
        .filter(([name]) => !["v", "vm", "seq", "prev", "source", "request_id"].includes(name))
        .map(
          ([name, value]) =>
            `  ${name.padEnd(14)}${visible(typeof value === "string" ? value : JSON.stringify(value))}`,
        ),
    ];
    resultRows(lines);
  }
  if (!gateway.opens.includes(code)) process.exitCode = 1;
  else if (isOnCommandLine(grantArgument))
    warn("this grant opens, and everybody on this machine can read a command line: name its file, or pipe it: `-`");
}

export function addExplain(program: Command): void {
  const command = program
    .command("explain")
    .description("say what the filter would decide, why, and what to do")
    .argument("<grant>", "the grant: a file, - for standard input, or its text")
    .argument("<method>", "the request's method")
    .argument("<url>", "the request's URL")
    .addOption(
      new Option("--at <time>", "decide as of this time instead of now (UTC where no zone is named)").argParser(
        parseTime,
      ),
    )
    .option("--from <address>", "the client's address (default: one that the grant may be used from)")
    .option(
      "--proof <file>",
      "the request's DPoP proof, for a grant that is bound to a key: a file with it or with the request's headers, or -",
    )
    .addOption(
      new Option("--host <gateway>", "the gateway that judges: what it cannot do, its filter refuses")
        .choices(GATEWAYS)
        .default("envoy"),
    )
    .addOption(anchorsOption())
    .addOption(bundleOption())
    .addOption(jsonOption())
    .action(explain);
  examples(command, [
    "glassgate explain grant.txt POST https://api.example.com/orders/42/refund",
    "glassgate explain grant.txt GET https://api.example.com/ --at 2026-11-24T03:00:00Z",
    "glassgate explain grant.txt GET https://api.example.com/orders/42 --proof headers.txt",
    "glassgate explain grant.txt GET https://api.example.com/orders/42 --host kong",
  ]);
}

/** `glassgate revoke --list`: what is in force at each gateway, whose it is, and whether the gateway itself says so. */
import { UserError } from "../base/errors.js";
import { visible } from "../base/text.js";
import { nowSeconds, showTime } from "../base/time.js";
import { readFilterState } from "../gateway/admin-state.js";
import type { HeldText } from "../gateway/held.js";
import { kongStanding } from "../gateway/kong/revoke.js";
import { isApplied } from "../gateway/push-texts.js";
import { domainOf } from "../trust/anchors.js";
import type { BundleClaims } from "../trust/claims.js";
import { entriesOf } from "../trust/entries.js";
import { namesNothing, wordsOf } from "../trust/entry-words.js";
import { quoted } from "../trust/facts.js";
import { isTooFarAhead } from "../trust/next-text.js";
import type { Gateway } from "./gateways.js";
import { resultJson, resultRows } from "./output.js";
import { type Standing, standingsOf } from "./revoke-signer.js";

/** `yes`, or why not. */
async function isInForce({ gateway, held }: Standing): Promise<string> {
  try {
    if (gateway.kind === "kong") return await kongStanding(gateway.file, gateway.kongs);
    const { revocations, bundleVersion } = await readFilterState(gateway.admin, domainOf(held.anchors));
    if (revocations === undefined) return held.texts.length === 0 ? "yes" : "its gauges do not show it";
    if (revocations === 0) return "NO: its workers differ";
    if (
      !isApplied(
        revocations,
        held.texts.map(({ text }) => text),
        held.anchors,
        held.claims,
      )
    )
      return "NO: it has others in force than its file holds";
    if (held.bundle !== undefined && bundleVersion !== held.bundle.version)
      return `NO: it serves bundle ${bundleVersion ?? "none"}`;
    return "yes";
  } catch (error) {
    if (error instanceof UserError) return `cannot be seen: ${error.message}`;
    throw error;
  }
}

function statusOf({ fault, silencedBy, claims }: HeldText): string | undefined {
  if (fault !== undefined) return `UNUSABLE: ${fault}`;
  if (silencedBy !== undefined) return `SILENCED by ${silencedBy}`;
  return isTooFarAhead(claims, nowSeconds())
    ? "its date is more than ten minutes ahead of this machine's clock"
    : undefined;
}

function entryRows(revoked: BundleClaims["revoked"], { held }: Standing): string[] {
  const bundles = held.claims === undefined ? [] : [held.claims];
  const rows = entriesOf(revoked).map((entry) => {
    const nothing = bundles[0] === undefined ? undefined : namesNothing(entry, bundles[0], held.anchors.roots);
    return `    ${wordsOf(entry, bundles)}${nothing === undefined ? "" : ` (NAMES NOTHING: ${nothing})`}`;
  });
  return rows.length === 0 ? ["    nothing"] : rows;
}

function rowsOf(standing: Standing, inForce: string): string[] {
  const { gateway, held } = standing;
  const { claims, texts } = held;
  return [
    visible(gateway.file),
    `  in force on every worker: ${visible(inForce)}`,
    ...(claims === undefined
      ? ["  no bundle: nothing opens there"]
      : [`  bundle ${claims.version} takes away:`, ...entryRows(claims.revoked, standing)]),
    ...texts.flatMap((text) => {
      const status = statusOf(text);
      return [
        `  ${quoted(text.signer)}, version ${text.claims.version} of ${showTime(text.claims.iat)}, ${text.silencedBy !== undefined ? "takes away NOTHING; there stands in it" : "takes away"}:`,
        ...(status === undefined ? [] : [`    ${visible(status)}`]),
        ...entryRows(text.claims.revoked, standing),
      ];
    }),
    ...(texts.length === 0 ? ["  no urgent revocations"] : []),
    "",
  ];
}

export async function listRevocations(gateways: readonly Gateway[], json: boolean | undefined): Promise<void> {
  const standings = await standingsOf(gateways);
  const seen = await Promise.all(standings.map(isInForce));
  if (seen.some((inForce) => inForce !== "yes")) process.exitCode = 1;
  if (json !== true) {
    resultRows(standings.flatMap((standing, i) => rowsOf(standing, seen[i] ?? "")).slice(0, -1));
    return;
  }
  resultJson(
    standings.map(({ gateway, held }, i) => ({
      gateway: gateway.file,
      in_force: seen[i] === "yes",
      standing: seen[i],
      bundle: held.bundle?.version ?? null,
      revoked: held.claims?.revoked ?? {},
      texts: held.texts.map((text) => ({
        signer: text.signer,
        version: text.claims.version,
        iat: text.claims.iat,
        revoked: text.claims.revoked,
        status: statusOf(text) ?? null,
      })),
    })),
  );
}

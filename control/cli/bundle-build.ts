/** `glassgate bundle build`: the next bundle from the roster; what changes, what is weak, and whether the filter would take it. */
import type { Command } from "commander";
import { readTextIfThere, writeText } from "../base/files.js";
import { plural } from "../base/text.js";
import { nowSeconds } from "../base/time.js";
import { readAnchors } from "../trust/anchors.js";
import { nextBundle } from "../trust/next-bundle.js";
import { parseRoster, readRosterText, refuseRoster } from "../trust/roster.js";
import { type BuildOptions, currentBundle, draftOf, nextPath, refusalOfDraft } from "./bundle-draft.js";
import { reportOf, sayReport } from "./bundle-report.js";
import {
  addDecisionOptions,
  addTextOptions,
  type DecisionOptions,
  decisionsOf,
  gatewaysOf,
  readTexts,
  sayFolded,
  type TextOptions,
} from "./bundle-texts.js";
import { anchorsOption, bundleOption, examples, jsonOption, rosterOption } from "./context.js";
import { result, resultJson, say, warn } from "./output.js";

/** How many have signed the draft that stands there. */
function signersOf(next: string): number {
  const text = readTextIfThere(next, "the next bundle")?.trim() ?? "";
  return /^[A-Za-z0-9_-]+\./.test(text) ? text.split("~").length : 0;
}

async function build(options: BuildOptions & TextOptions & DecisionOptions & { json?: boolean }): Promise<void> {
  const anchors = readAnchors(options.anchors);
  const rosterText = readRosterText(options.roster);
  const roster = parseRoster(rosterText, options.roster);
  const current = currentBundle(options.bundle);
  const decisions = decisionsOf(options);
  const texts = await readTexts(gatewaysOf(options), options.texts ?? [], anchors, current?.claims, decisions.leftOut);
  const { claims, folded } = nextBundle(roster, anchors, current?.claims, texts, nowSeconds(), decisions);
  const next = nextPath(options.bundle);
  const content = `${JSON.stringify(claims, null, 2)}\n`;
  const draft = draftOf(content, next);
  const refusal = await refusalOfDraft(draft, anchors);
  if (refusal !== undefined) {
    // The filter names the thing behind a colon, where it can: a kid, a role, an id.
    const name = /: "?([^"\s]+)"?$/.exec(refusal)?.[1];
    refuseRoster(
      rosterText,
      options.roster,
      `the filter would refuse ${refusal.startsWith("the bundle: ") ? "" : "the bundle: "}${refusal}.`,
      name,
    );
  }
  const report = await reportOf(draft, current, anchors);
  const lost = signersOf(next);
  writeText(next, content);
  if (lost > 0)
    warn(`${next} had ${plural(lost, "signature")} by root holders: it is replaced, and they must sign the new one.`);
  if (options.json === true)
    resultJson({
      file: next,
      version: claims.version,
      against: current === undefined ? null : { version: current.claims.version, standing: report.before?.words },
      changes: current === undefined ? [] : report.changes,
      weak: report.warnings,
      folded: {
        from_texts: folded.fromTexts.map(([entry, signer]) => ({ ...entry, signer })),
        carried: folded.carried,
        dropped: folded.dropped,
        left_out: folded.leftOut.map(([entry, signer]) => ({ ...entry, signer: signer ?? null })),
      },
    });
  else {
    sayReport(report, draft, current);
    sayFolded(folded, [claims, ...(current === undefined ? [] : [current.claims])]);
    result(next);
  }
  say(`Next: ${anchors.threshold} root holders run \`glassgate bundle sign --key NAME\`, one after the other.`);
}

export function addBundleBuild(bundle: Command): void {
  const command = bundle
    .command("build")
    .description("make the next bundle from the roster; says what changed and what is weak")
    .addOption(rosterOption())
    .addOption(anchorsOption())
    .addOption(bundleOption());
  addDecisionOptions(addTextOptions(command)).addOption(jsonOption()).action(build);
  examples(command, [
    "glassgate bundle build",
    "glassgate bundle build --gateway gateway.yaml          # with what was revoked urgently there",
    "glassgate bundle build --gateway gateway.yaml --leave-out eve --take-back sub:rita",
    "glassgate bundle build --roster roster.yaml --json",
  ]);
}

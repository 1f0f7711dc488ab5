/** `glassgate bundle show` and `glassgate bundle verify`: all that a bundle or a draft says, and how far it can be trusted. */
import type { Command } from "commander";
import { UserError } from "../base/errors.js";
import { readText } from "../base/files.js";
import { plural } from "../base/text.js";
import { nowSeconds, showTime } from "../base/time.js";
import { type Anchors, readAnchors } from "../trust/anchors.js";
import { verifyBundle } from "../trust/bundle.js";
import { describeBundle } from "../trust/facts.js";
import { lint } from "../trust/lint.js";
import { draftOf, refusalOf, refusalOfDraft, standingOf } from "./bundle-draft.js";
import { anchorsOption, bundleOption, examples, jsonOption } from "./context.js";
import { result, resultJson, resultRows, say, warn } from "./output.js";

interface Options {
  readonly anchors: string;
  readonly bundle: string;
  readonly json?: boolean;
}

/** Without anchors a bundle can be shown, and is called unverified. */
function anchorsOr(path: string): Anchors | string {
  try {
    return readAnchors(path);
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
}

async function show(file: string | undefined, options: Options): Promise<void> {
  const path = file ?? options.bundle;
  const draft = draftOf(readText(path, "the trust bundle", "Build and sign one first, or name a draft."), path);
  const anchors = anchorsOr(options.anchors);
  const standing = await standingOf(draft, anchors);
  if (!draft.isUnsigned && !standing.isVerified) process.exitCode = 1;
  if (options.json === true) {
    resultJson(draft.claims);
    say(`${path}: ${standing.words}`);
    return;
  }
  resultRows([`${path}: ${standing.words}`, "", ...describeBundle(draft.claims)]);
  const refusal = typeof anchors === "string" ? undefined : await refusalOfDraft(draft, anchors);
  if (refusal !== undefined) warn(`the filter would refuse it: ${refusal}`);
  if (draft.claims.exp <= nowSeconds()) warn("it has expired: gateways answer bundle_expired");
}

async function verify(options: Options): Promise<void> {
  const anchors = readAnchors(options.anchors);
  const text = readText(options.bundle, "the trust bundle", "Build and sign one first.").trim();
  const { claims, signedBy, missing } = await verifyBundle(text, options.bundle, anchors);
  const refusal =
    missing > 0 ? `it lacks ${missing} of ${anchors.threshold} root signatures` : await refusalOf(text, anchors);
  if (options.json === true)
    resultJson({ version: claims.version, signedBy, refusal: refusal ?? null, weak: lint(claims, anchors) });
  else {
    result(
      refusal === undefined
        ? `good: version ${claims.version}, signed by ${plural(signedBy.length, "root")}, holds until ${showTime(claims.exp)}`
        : `refused: ${refusal}`,
    );
    for (const weakness of lint(claims, anchors)) warn(weakness);
  }
  if (claims.exp <= nowSeconds()) warn("it has expired: gateways answer bundle_expired");
  if (refusal !== undefined) process.exitCode = 1;
}

export function addBundleShow(bundle: Command): void {
  const command = bundle
    .command("show")
    .description("show all that a bundle or a draft says, and who signed it")
    .argument("[file]", "the bundle, or a draft such as bundle.next (default: --bundle)")
    .addOption(anchorsOption())
    .addOption(bundleOption())
    .addOption(jsonOption())
    .action(show);
  examples(command, ["glassgate bundle show", "glassgate bundle show bundle.next", "glassgate bundle show --json"]);
}

export function addBundleVerify(bundle: Command): void {
  const command = bundle
    .command("verify")
    .description("verify a bundle as the filter would")
    .addOption(anchorsOption())
    .addOption(bundleOption())
    .addOption(jsonOption())
    .action(verify);
  examples(command, ["glassgate bundle verify", "glassgate bundle verify --bundle old.jws"]);
}

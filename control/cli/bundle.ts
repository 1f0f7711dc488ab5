/** `glassgate bundle build|sign|show|verify`: from the roster to a text that gateways trust. */
import { rmSync } from "node:fs";
import type { Command } from "commander";
import { messageOf, UserError } from "../base/errors.js";
import { readText, readTextIfThere, writeText } from "../base/files.js";
import { plural } from "../base/text.js";
import { nowSeconds, showTime } from "../base/time.js";
import { FilterHost } from "../host/host.js";
import type { PrivateKey } from "../signer/jwk.js";
import { type Anchors, readAnchors } from "../trust/anchors.js";
import { buildClaims, readClaims, signFirst, signFurther, verifyBundle } from "../trust/bundle.js";
import { type BundleClaims, bundleClaimsSchema, personOf, roleName } from "../trust/claims.js";
import { configurationText } from "../trust/configuration.js";
import { describeChanges } from "../trust/diff.js";
import { lint } from "../trust/lint.js";
import { readRoster } from "../trust/roster.js";
import {
  anchorsOption,
  bundleOption,
  examples,
  jsonOption,
  keyOption,
  keysOption,
  openKey,
  passphraseOption,
  rosterOption,
} from "./context.js";
import { result, resultJson, say, warn } from "./output.js";

/** The next bundle on its way: first claims, then with some signatures. */
export const nextPath = (bundle: string): string => `${bundle.replace(/\.jws$/, "")}.next`;

/** Why the very filter would refuse the bundle, or undefined. */
export async function refusalOf(bundle: string, anchors: Anchors): Promise<string | undefined> {
  const host = await FilterHost.load();
  return host.configure(configurationText(anchors, 1, { bundle })).reason;
}

export interface BuildOptions {
  readonly roster: string;
  readonly anchors: string;
  readonly bundle: string;
}

/** The claims of the next version, and those of the one in force. */
export function nextClaims(options: BuildOptions): { claims: BundleClaims; before: BundleClaims | undefined } {
  const roster = readRoster(options.roster);
  const anchors = readAnchors(options.anchors);
  const current = readTextIfThere(options.bundle, "the trust bundle");
  const before = current === undefined ? undefined : readClaims(current.trim(), options.bundle);
  return { claims: buildClaims(roster, [anchors.audience], (before?.version ?? 0) + 1, nowSeconds()), before };
}

function report(claims: BundleClaims, before: BundleClaims | undefined, anchors: Anchors): void {
  say(
    `Version ${claims.version}: ${plural(claims.principals.length, "principal")}, ${plural(claims.entitlements.length, "entitlement")}, holds until ${showTime(claims.exp)}.`,
  );
  if (before !== undefined) {
    const changes = describeChanges(before, claims);
    say(
      changes.length === 0
        ? `Against version ${before.version} nothing but the dates changes.`
        : `Against version ${before.version}:`,
    );
    for (const change of changes) say(`  ${change}`);
  }
  for (const weakness of lint(claims, anchors)) warn(weakness);
}

function build(options: BuildOptions & { json?: boolean }): void {
  const anchors = readAnchors(options.anchors);
  const { claims, before } = nextClaims(options);
  const next = nextPath(options.bundle);
  writeText(next, `${JSON.stringify(claims, null, 2)}\n`);
  if (options.json === true)
    resultJson({
      file: next,
      version: claims.version,
      changes: before === undefined ? [] : describeChanges(before, claims),
      weak: lint(claims, anchors),
    });
  else {
    report(claims, before, anchors);
    result(next);
  }
  say(`Next: ${anchors.threshold} root holders run \`glassgate bundle sign --key NAME\`, one after the other.`);
}

function parseNext(text: string, file: string): BundleClaims | string {
  if (!text.startsWith("{")) return text;
  try {
    return bundleClaimsSchema.parse(JSON.parse(text));
  } catch (error) {
    throw new UserError(`${file} is damaged: ${messageOf(error).split("\n", 1)[0]}`, {
      cause: error,
      hint: "Run `glassgate bundle build` again.",
    });
  }
}

/** Adds a root's signature to the next bundle; the last one that is needed makes it the bundle. */
export async function addSignature(
  options: { anchors: string; bundle: string },
  root: PrivateKey,
): Promise<{ missing: number; claims: BundleClaims }> {
  const anchors = readAnchors(options.anchors);
  if (!anchors.roots.some(({ kid }) => kid === root.kid)) {
    throw new UserError(`The key ${root.kid} is not one of the roots in ${options.anchors}.`, {
      hint: "Sign with a root key.",
    });
  }
  const next = nextPath(options.bundle);
  const draft = parseNext(readText(next, "the next bundle", "Run `glassgate bundle build` first.").trim(), next);
  const signed = typeof draft === "string" ? await signFurther(draft, root) : await signFirst(draft, root);
  const { claims, missing } = await verifyBundle(signed, next, anchors);
  if (missing > 0) {
    writeText(next, `${signed}\n`);
    return { missing, claims };
  }
  const refusal = await refusalOf(signed, anchors);
  if (refusal !== undefined) {
    throw new UserError(`The filter would refuse this bundle: ${refusal}.`, {
      hint: "Mend the roster, then build and sign again. Nothing was written.",
    });
  }
  writeText(options.bundle, `${signed}\n`);
  rmSync(next, { force: true });
  return { missing, claims };
}

async function sign(options: {
  anchors: string;
  bundle: string;
  key: string;
  keys: string;
  passphraseFd?: number;
  json?: boolean;
}): Promise<void> {
  const anchors = readAnchors(options.anchors);
  const next = nextPath(options.bundle);
  const draft = parseNext(readText(next, "the next bundle", "Run `glassgate bundle build` first.").trim(), next);
  const current = readTextIfThere(options.bundle, "the trust bundle");
  report(
    typeof draft === "string" ? readClaims(draft, next) : draft,
    current === undefined ? undefined : readClaims(current.trim(), options.bundle),
    anchors,
  );
  const { missing, claims } = await addSignature(
    options,
    await openKey(options.keys, options.key, options.passphraseFd),
  );
  const file = missing > 0 ? next : options.bundle;
  if (options.json === true) resultJson({ file, version: claims.version, missing });
  else result(file);
  say(
    missing > 0
      ? `Signed. Next: ${plural(missing, "more root holder")} must sign ${next}.`
      : `Complete. Next: \`glassgate push\` puts version ${claims.version} into the gateway.`,
  );
}

async function show(options: { anchors: string; bundle: string; json?: boolean }): Promise<void> {
  const text = readText(options.bundle, "the trust bundle", "Build and sign one first.").trim();
  const claims = readClaims(text, options.bundle);
  if (options.json === true) return resultJson(claims);
  const lines = [
    `version      ${claims.version}`,
    `audience     ${claims.aud.join(", ")}`,
    `issued       ${showTime(claims.iat)}`,
    `holds until  ${showTime(claims.exp)}`,
    "",
  ];
  for (const principal of claims.principals) {
    lines.push(
      `principal    ${principal.id} (person ${personOf(principal)}): ${principal.roles.map(roleName).join(", ") || "no role"}`,
    );
    for (const key of principal.keys)
      lines.push(`  key        ${key.kid} ${key.crv}${key.exp === undefined ? "" : ` until ${showTime(key.exp)}`}`);
  }
  for (const entitlement of claims.entitlements) {
    lines.push("", `entitlement  ${entitlement.id}${entitlement.drill === true ? " (drills only)" : ""}`);
    lines.push(
      `  asked by   ${entitlement.requesters.join(", ")}, for ${entitlement.reasons.join(", ")}, up to ${entitlement.max_ttl} s`,
    );
    lines.push(
      `  approvals  ${entitlement.approvals.map(({ role, count }) => `${count} of ${role}`).join(" and ") || "NONE"}`,
    );
    for (const { locations, actions, paths } of entitlement.authorization_details) {
      lines.push(`  opens      ${actions.join(",")} on ${locations.join(",")}: ${paths.join(" ")}`);
    }
  }
  result(lines.join("\n"));
}

async function verify(options: { anchors: string; bundle: string; json?: boolean }): Promise<void> {
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

export function addBundle(program: Command): void {
  const bundle = program.command("bundle").description("build, sign, show and verify trust bundles");
  const buildCommand = bundle
    .command("build")
    .description("make the next bundle from the roster; says what changed and what is weak")
    .addOption(rosterOption())
    .addOption(anchorsOption())
    .addOption(bundleOption())
    .addOption(jsonOption())
    .action(build);
  examples(buildCommand, ["glassgate bundle build", "glassgate bundle build --roster roster.yaml --json"]);
  const signCommand = bundle
    .command("sign")
    .description("add a root's signature to the next bundle")
    .addOption(keyOption("the root key's name"))
    .addOption(anchorsOption())
    .addOption(bundleOption())
    .addOption(keysOption())
    .addOption(passphraseOption())
    .addOption(jsonOption())
    .action(sign);
  examples(signCommand, ["glassgate bundle sign --key root-1"]);
  const showCommand = bundle
    .command("show")
    .description("show what a bundle says")
    .addOption(anchorsOption())
    .addOption(bundleOption())
    .addOption(jsonOption())
    .action(show);
  examples(showCommand, ["glassgate bundle show", "glassgate bundle show --json"]);
  const verifyCommand = bundle
    .command("verify")
    .description("verify a bundle as the filter would")
    .addOption(anchorsOption())
    .addOption(bundleOption())
    .addOption(jsonOption())
    .action(verify);
  examples(verifyCommand, ["glassgate bundle verify", "glassgate bundle verify --bundle old.jws"]);
}

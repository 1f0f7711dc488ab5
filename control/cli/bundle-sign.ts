/** `glassgate bundle sign`: reads the draft once, shows it, asks a person, signs those very bytes. No flag skips the question. */
import type { Command } from "commander";
import { UserError } from "../base/errors.js";
import { readTextIfThere } from "../base/files.js";
import { plural } from "../base/text.js";
import { nowSeconds, showTime } from "../base/time.js";
import { takeLock } from "../gateway/push-lock.js";
import { readAnchors } from "../trust/anchors.js";
import { signerKids } from "../trust/bundle.js";
import { addSignature, currentBundle, nextPath, readDraft, refusalOfDraft, withNewSignatures } from "./bundle-draft.js";
import { reportOf, rosterWarnings, sayReport } from "./bundle-report.js";
import { addTextOptions, gatewaysOf, readTexts, sayReplaced, type TextOptions } from "./bundle-texts.js";
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
  rosterOption,
} from "./context.js";
import { askPerson, paint, result, resultJson, say, warn } from "./output.js";

interface Options extends TextOptions {
  readonly anchors: string;
  readonly bundle: string;
  readonly roster: string;
  readonly key: string;
  readonly keys: string;
  readonly passphraseFd?: number;
  readonly json?: boolean;
}

/** Two who sign in one folder at the same moment: the second reads what the first wrote. */
async function underLock<T>(file: string, run: () => Promise<T>): Promise<T> {
  const release = await takeLock(file);
  try {
    return await run();
  } finally {
    release();
  }
}

async function sign(options: Options): Promise<void> {
  const anchors = readAnchors(options.anchors);
  const draft = readDraft(options.bundle);
  const { kid } = findKeyFile(options.keys, options.key).public;
  if (!anchors.roots.some((root) => root.kid === kid)) {
    throw new UserError(`The key ${options.key} is not one of the roots in ${options.anchors}.`, {
      hint: "Sign with a root key.",
    });
  }
  if (!draft.isUnsigned && signerKids(draft.text, draft.file).includes(kid)) {
    throw new UserError(`The root ${options.key} has signed this bundle already.`, {
      hint: "Pass it on to another root holder.",
    });
  }
  const current = currentBundle(options.bundle);
  if (current !== undefined && draft.claims.version <= current.claims.version) {
    throw new UserError(
      `${draft.file} is version ${draft.claims.version}, and ${options.bundle} is version ${current.claims.version} already.`,
      { hint: "Run `glassgate bundle build` again: versions only rise." },
    );
  }
  const report = await reportOf(draft, current, anchors);
  if (!draft.isUnsigned && !report.standing.isVerified) {
    throw new UserError(`${draft.file} is ${report.standing.words}`, {
      hint: "It was changed after signing, or is for other anchors. Build and sign it again.",
    });
  }
  if (draft.claims.exp <= nowSeconds()) {
    throw new UserError(`${draft.file} has expired on ${showTime(draft.claims.exp)}: no gateway would take it.`, {
      hint: "Run `glassgate bundle build` again, and check this machine's clock.",
    });
  }
  const refusal = await refusalOfDraft(draft, anchors);
  if (refusal !== undefined) {
    throw new UserError(`The filter would refuse this bundle: ${refusal}.`, {
      hint: "Mend the roster and run `glassgate bundle build` again. Nothing was signed.",
    });
  }

  const texts = await readTexts(gatewaysOf(options), options.texts ?? [], anchors, current?.claims);
  say(paint("bold", "You are asked to sign this trust bundle:"));
  sayReport(report, draft, current);
  sayReplaced(draft.claims, current?.claims, texts);
  const [first, ...differences] = rosterWarnings(draft, options.roster);
  if (first !== undefined) warn(first);
  for (const difference of differences) say(difference);
  say();
  say("Is this what was agreed? Your signature is on all of it.");
  if ((await askPerson('Type "yes" to sign, anything else to stop: ')) !== "yes")
    throw new UserError("Not signed. Nothing was changed.", { exitCode: 1 });

  const root = await openKey(options.keys, options.key, options.passphraseFd);
  const signed = await underLock(draft.file, async () => {
    const latest = await withNewSignatures(draft, anchors);
    if (latest !== draft) say(`${draft.file} was signed by others while you read; yours is added to theirs.`);
    else if (readTextIfThere(draft.file, "the next bundle")?.trim() !== draft.text)
      // Somebody else's draft, or a swap: what was shown is what counts, and the signer hears of it.
      warn(`${draft.file} was changed while you read. What was shown to you is what is signed and kept.`);
    return addSignature(options.bundle, root, latest, anchors);
  });
  const { missing, claims } = signed;
  const file = missing > 0 ? nextPath(options.bundle) : options.bundle;
  if (options.json === true) resultJson({ file, version: claims.version, missing });
  else result(file);
  say(
    missing > 0
      ? `Signed. Next: ${plural(missing, "more root holder")} must sign ${file}.`
      : `Complete. Next: \`glassgate push\` puts version ${claims.version} into the gateway.`,
  );
}

export function addBundleSign(bundle: Command): void {
  const command = bundle
    .command("sign")
    .description("show the next bundle, ask, and add a root's signature")
    .addOption(keyOption("the root key's name"))
    .addOption(anchorsOption())
    .addOption(bundleOption())
    .addOption(rosterOption())
    .addOption(keysOption())
    .addOption(passphraseOption());
  addTextOptions(command).addOption(jsonOption()).action(sign);
  examples(command, [
    "glassgate bundle sign --key root-1",
    "glassgate bundle sign --key root-1 --gateway gateway.yaml",
  ]);
}

/** What a Kong's declarative file holds of bundle and revocations, and how one text more gets there. */
import { UserError } from "../../base/errors.js";
import { readText } from "../../base/files.js";
import { deployedHeld, type Held } from "../held.js";
import type { RevokeOutcome } from "../revoke.js";
import type { KongAdmin } from "./admin.js";
import { KongFile } from "./file.js";
import { KongNode } from "./node.js";
import { pushKong } from "./push.js";

export type KongRevokeOutcome =
  | Exclude<RevokeOutcome, { readonly kind: "applied" }>
  /** Kong has it in its store, seen as far as it says. */
  | { readonly kind: "stored"; readonly at: Date; readonly says: string; readonly warnings: readonly string[] };

/** A push that is under way is waited for so long; then the text is written all the same. */
const COURTESY_MS = 250;
const WHICH = "Name its Admin API with --kong, and run the same command again.";

/** Undefined where the file holds no configuration of a filter. */
export async function readKongHeld(path: string): Promise<Held | undefined> {
  const [deployed] = KongFile.read(readText(path, "the Kong configuration"), path).deployed;
  return deployed === undefined ? undefined : deployedHeld(deployed);
}

/** How far ahead of this machine's clock the Kongs' are at most; undefined where none tells. */
export async function kongClock(admins: readonly KongAdmin[]): Promise<number | undefined> {
  const clocks = await Promise.all(admins.map(async (admin) => (await admin.info()).clock));
  const known = clocks.filter((clock) => clock !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}

export async function bringTextToKong(
  file: string,
  admins: readonly KongAdmin[],
  { anchors, bundle, texts }: Held,
  text: string,
): Promise<KongRevokeOutcome> {
  if (bundle === undefined)
    return {
      kind: "refused",
      why: "It has no bundle, so no grant opens anything there, and whether you may revoke there nobody can tell.",
      next: "Push a bundle, then run the same command again.",
    };
  try {
    const done = await pushKong({
      ...{ file, admins, anchors, bundle, text, courtesyMs: COURTESY_MS },
      seen: texts.map((one) => one.text),
    });
    const missing = done.nodes.find(({ outcome }) => outcome.kind !== "stored")?.outcome;
    if (missing !== undefined && missing.kind !== "stored")
      return {
        kind: missing.kind,
        why: `${missing.error.message} The revocation stands in ${file}, and comes with a restart from it.`,
        next: missing.error.hint,
      };
    if (admins.length === 0)
      return { kind: "unseen", why: `It stands in ${file}; which Kongs run that is not known.`, next: WHICH };
    const says = done.nodes.map(({ outcome }) => (outcome.kind === "stored" ? outcome.says : ""));
    return { kind: "stored", at: new Date(), says: [...new Set(says)].join("; "), warnings: done.warnings };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { kind: "refused", why: error.message, next: error.hint };
  }
}

/** Whether what the Kongs have stored is what the file holds: in words. */
export async function kongStanding(path: string, admins: readonly KongAdmin[]): Promise<string> {
  if (admins.length === 0) return "cannot be seen: no Admin API is named (--kong)";
  const file = KongFile.read(readText(path, "the Kong configuration"), path);
  const [wanted] = file.deployed;
  if (wanted === undefined) return "NO: the filter's configuration in the file cannot be used";
  for (const admin of admins) {
    admin.hide(file.header.value);
    const difference = await (await KongNode.look(admin, file)).differs({ configuration: wanted.text });
    if (difference !== undefined) return `NO: ${admin.address}: ${difference.says}`;
  }
  return "stored as the file has it; which of it each worker has Kong does not tell";
}

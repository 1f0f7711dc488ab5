/** What a Kong's declarative file holds of bundle and revocations, and how one text more gets there. */
import { UserError } from "../../base/errors.js";
import { readText } from "../../base/files.js";
import { domainOf } from "../../trust/anchors.js";
import type { Deployed } from "../ecds.js";
import { deployedHeld, type Held } from "../held.js";
import { COURTESY_MS, nobodyTells, type RevokeOutcome } from "../revoke.js";
import type { KongAdmin } from "./admin.js";
import { KongFile } from "./file.js";
import { KongNode } from "./node.js";
import { type KongPushed, pushKong } from "./push.js";
import { kongRefusalOf } from "./refusal.js";

export type KongRevokeOutcome =
  | Exclude<RevokeOutcome, { readonly kind: "applied" }>
  /** Kong has it in its store, seen as far as it says. */
  | { readonly kind: "stored"; readonly at: Date; readonly says: string; readonly warnings: readonly string[] };

const WHICH = "Name its Admin API with --kong, and run the same command again.";

/** What one holds; nothing where it cannot be seen, which is told with what becomes of it. */
async function heldAt(admin: KongAdmin, file: KongFile): Promise<readonly Deployed[]> {
  try {
    return (await (await KongNode.look(admin, file)).held()).deployed;
  } catch (error) {
    if (error instanceof UserError) return [];
    throw error;
  }
}

/**
 * What the file holds, and what the Kongs hold besides: another machine, with a file of its own, may have brought it.
 * Undefined where the file holds no configuration of a filter.
 */
export async function readKongHeld(path: string, admins: readonly KongAdmin[] = []): Promise<Held | undefined> {
  const file = KongFile.read(readText(path, "the Kong configuration"), path);
  for (const admin of admins) admin.hide(file.header.value);
  const [deployed, ...others] = file.deployed;
  if (deployed === undefined) return undefined;
  const stored = (await Promise.all(admins.map((admin) => heldAt(admin, file)))).flat();
  const domain = domainOf(deployed.configuration);
  const besides: Deployed[] = [];
  for (const one of [...others, ...stored])
    if (domainOf(one.configuration) === domain && (await isGoodUnder(deployed, one))) besides.push(one);
  return deployedHeld(deployed, besides);
}

/** Whether bundle and texts verify under what the file asks for: a Kong may show what nobody signed, or fewer roots did. */
async function isGoodUnder({ configuration }: Deployed, { configuration: shown }: Deployed): Promise<boolean> {
  const { bundle, revocations } = shown;
  return (await kongRefusalOf({ ...configuration, bundle, revocations })) === undefined;
}

/** How far ahead of this machine's clock the Kongs' are at most; undefined where none tells: one that is down hides no other. */
export async function kongClock(admins: readonly KongAdmin[]): Promise<number | undefined> {
  const seen = await Promise.allSettled(admins.map((admin) => admin.info()));
  for (const one of seen) if (one.status === "rejected" && !(one.reason instanceof UserError)) throw one.reason;
  const known = seen.flatMap((one) => (one.status === "fulfilled" ? (one.value.clock ?? []) : []));
  return known.length === 0 ? undefined : Math.max(...known);
}

const storedAt = (nodes: readonly KongPushed[]): string[] => {
  const stored = nodes.filter(({ outcome }) => outcome.kind === "stored").map(({ admin }) => admin);
  return stored.length === 0 ? [] : [`It is stored at ${stored.join(", ")}.`];
};

export async function bringTextToKong(
  file: string,
  admins: readonly KongAdmin[],
  { anchors, bundle, texts }: Held,
  text: string,
): Promise<KongRevokeOutcome> {
  if (bundle === undefined) return nobodyTells;
  try {
    const done = await pushKong({
      ...{ file, admins, anchors, bundle, text, courtesyMs: COURTESY_MS },
      seen: texts.map((one) => one.text),
    });
    const { fileFault } = done;
    const stands =
      fileFault === undefined
        ? `The revocation stands in ${file}: a Kong without database has it when it starts from there.`
        : `It is not in ${file}, and a Kong that starts from there lets in again what it takes away: ${fileFault.message}`;
    const missing = done.nodes.flatMap(({ admin, outcome }) => (outcome.kind === "stored" ? [] : [{ admin, outcome }]));
    const [first] = missing;
    if (first !== undefined)
      return {
        kind: missing.find(({ outcome }) => outcome.kind === "refused")?.outcome.kind ?? first.outcome.kind,
        why: [
          ...missing.map(({ admin, outcome }) => `${admin}: ${outcome.error.message}`),
          ...storedAt(done.nodes),
          stands,
        ].join(" "),
        next: first.outcome.error.hint,
      };
    if (fileFault !== undefined)
      return { kind: "refused", why: [...storedAt(done.nodes), stands].join(" "), next: fileFault.hint };
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
    const node = await KongNode.look(admin, file);
    const difference = await node.differs({ configuration: wanted.text, key: file.header.value }, file.keys);
    if (difference !== undefined) return `NO: ${admin.address}: ${difference.says}`;
  }
  return "stored as the file has it; which of it each worker has Kong does not tell";
}

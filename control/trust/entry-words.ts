/** What an entry takes away, as a sentence that a person reads before signing. */
import { showTime } from "../base/time.js";
import type { BundleClaims } from "./claims.js";
import type { Entry } from "./entries.js";
import { quoted } from "./facts.js";

type Known = Pick<BundleClaims, "principals">;

export function wordsOf(entry: Entry, bundles: readonly Known[] = []): string {
  switch (entry.kind) {
    case "jti":
      return `the grant ${quoted(entry.name)}`;
    case "sub":
      return `every grant that ${quoted(entry.name)} asked for or approved, until this is taken back`;
    case "kid": {
      const owner = bundles
        .flatMap(({ principals }) => principals)
        .find(({ keys }) => keys.some(({ kid }) => kid === entry.name));
      return `every grant that the key ${quoted(entry.name)}${owner === undefined ? "" : ` of ${quoted(owner.id)}`} signed, until this is taken back`;
    }
    case "incident":
      return `every grant for the incident ${quoted(entry.name)}, until this is taken back`;
    case "issued_before":
      return entry.sub === undefined
        ? `EVERY GRANT asked for before ${showTime(entry.at)}`
        : `every grant asked for before ${showTime(entry.at)} that ${quoted(entry.sub)} asked for or approved`;
    default:
      return entry;
  }
}

/** Why the entry takes nothing back at a gateway with that bundle, or undefined. Grants and incidents are known to nobody beforehand. */
export function namesNothing(
  entry: Entry,
  bundle: Known,
  roots: readonly { readonly kid: string }[],
): string | undefined {
  const isPrincipal = (id: string): boolean => bundle.principals.some((principal) => principal.id === id);
  const sub = entry.kind === "issued_before" ? entry.sub : entry.kind === "sub" ? entry.name : undefined;
  if (sub !== undefined) return isPrincipal(sub) ? undefined : `${quoted(sub)} is no principal of the bundle there`;
  if (entry.kind !== "kid") return undefined;
  const isKey =
    roots.some(({ kid }) => kid === entry.name) ||
    bundle.principals.some(({ keys }) => keys.some(({ kid }) => kid === entry.name));
  return isKey ? undefined : `${quoted(entry.name)} is no key of the bundle there`;
}

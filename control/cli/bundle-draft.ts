/** The next bundle on its way: built from the roster, read once, signed as it was read, kept when complete. */
import { rmSync } from "node:fs";
import { UserError } from "../base/errors.js";
import { readText, readTextIfThere, writeText } from "../base/files.js";
import { plural, visible } from "../base/text.js";
import { FilterHost } from "../host/host.js";
import { algorithmOf, newKey, type PrivateKey, publicPart } from "../signer/jwk.js";
import { signDetached, signPayload } from "../signer/sign.js";
import type { Anchors } from "../trust/anchors.js";
import { firstFault, payloadOf, readClaims, signFirst, signFurther, verifyBundle } from "../trust/bundle.js";
import { type BundleClaims, bundleClaimsSchema } from "../trust/claims.js";
import { configurationText } from "../trust/configuration.js";

/** MAX_BUNDLE_BYTES of assembly/limits.ts: the filter sees the whole configuration first, and would name its size. */
const MAX_BUNDLE_KIB = 512;

/** The next bundle: first claims, then with some signatures. */
export const nextPath = (bundle: string): string => `${bundle.replace(/\.jws$/, "")}.next`;

/** Why the very filter would refuse the bundle, or undefined. */
export async function refusalOf(bundle: string, anchors: Anchors): Promise<string | undefined> {
  const host = await FilterHost.load();
  const { reason } = host.configure(configurationText(anchors, 1, { bundle }));
  return reason === undefined ? undefined : visible(reason);
}

/** A bundle or draft as it was read: once. What is shown of it is what is signed. */
export interface Draft {
  readonly file: string;
  /** The file's text, without white space around it. */
  readonly text: string;
  readonly claims: BundleClaims;
  /** The text is claims as JSON: nobody has signed yet. */
  readonly isUnsigned: boolean;
}

/** Reads a bundle, a partly signed one or unsigned claims. Nothing is verified. */
export function draftOf(content: string, file: string): Draft {
  const text = content.trim();
  if (!text.startsWith("{")) return { file, text, claims: readClaims(text, file), isUnsigned: false };
  try {
    return { file, text, claims: bundleClaimsSchema.parse(JSON.parse(text)), isUnsigned: true };
  } catch (error) {
    throw new UserError(`${file} is damaged: ${firstFault(error)}`, {
      cause: error,
      hint: "Run `glassgate bundle build` again.",
    });
  }
}

export const readDraft = (bundle: string): Draft => {
  const next = nextPath(bundle);
  return draftOf(readText(next, "the next bundle", "Run `glassgate bundle build` first."), next);
};

/** The payload segment that the roots sign. */
const segmentOf = ({ isUnsigned, text, claims }: Draft): string =>
  isUnsigned ? Buffer.from(JSON.stringify(claims)).toString("base64url") : payloadOf(text);

/**
 * Why the filter would refuse the draft once enough roots have signed it, or undefined: it is signed by as many throw-away keys and
 * offered to the built-in filter, so that nobody's passphrase is asked for in vain.
 */
export async function refusalOfDraft(draft: Draft, anchors: Anchors): Promise<string | undefined> {
  const roots = new Set(anchors.roots.map(({ kid }) => kid));
  const shared = draft.claims.principals.flatMap(({ keys }) => keys).find(({ kid }) => roots.has(kid));
  if (shared !== undefined) return `a principal's key is also a root key: ${shared.kid}`;
  const keys = anchors.roots.map((root) => newKey(algorithmOf(root)));
  const [first, ...further] = keys.slice(0, anchors.threshold);
  if (first === undefined) return undefined;
  const payload = segmentOf(draft);
  const texts = [await signPayload("bg-bundle+jwt", payload, first)];
  for (const key of further) texts.push(await signDetached("bg-bundle-approval+jws", payload, key));
  const bundle = texts.join("~");
  if (bundle.length > MAX_BUNDLE_KIB * 1024)
    return `it is of ${Math.ceil(bundle.length / 1024)} KiB and a gateway takes ${MAX_BUNDLE_KIB}: fewer principals, keys or revoked names`;
  return refusalOf(bundle, { ...anchors, roots: keys.map(publicPart) });
}

/** How far a text can be trusted. */
export interface Standing {
  /** `UNSIGNED`, `signed by 1 of 2 roots, verified` or `UNVERIFIED: why`. */
  readonly words: string;
  readonly isVerified: boolean;
}

export async function standingOf({ isUnsigned, text, file }: Draft, anchors: Anchors | string): Promise<Standing> {
  if (isUnsigned) return { words: "UNSIGNED", isVerified: false };
  if (typeof anchors === "string") return { words: `UNVERIFIED: ${anchors}`, isVerified: false };
  try {
    const { signedBy } = await verifyBundle(text, file, anchors);
    if (signedBy.length === 0) return { words: "UNVERIFIED: no root of the anchors signed it", isVerified: false };
    const number = `${signedBy.length} of ${plural(anchors.threshold, "root")}`;
    return {
      words: `signed by ${number}${signedBy.length < anchors.threshold ? " so far" : ""}, verified`,
      isVerified: true,
    };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { words: `UNVERIFIED: ${error.message}`, isVerified: false };
  }
}

/** The bundle in force, if there is one. */
export function currentBundle(bundle: string): Draft | undefined {
  const text = readTextIfThere(bundle, "the trust bundle");
  return text === undefined ? undefined : draftOf(text, bundle);
}

export interface BuildOptions {
  readonly roster: string;
  readonly anchors: string;
  readonly bundle: string;
}

export interface Signed {
  /** The draft with the new signature: to be signed further without reading it again. */
  readonly draft: Draft;
  readonly claims: BundleClaims;
  readonly missing: number;
}

/** Signs the bytes given, verifies the result. Writes nothing. */
export async function signDraft(draft: Draft, root: PrivateKey, anchors: Anchors): Promise<Signed> {
  if (!anchors.roots.some(({ kid }) => kid === root.kid)) {
    throw new UserError(`The key ${root.kid} is not one of the roots of the anchors.`, {
      hint: "Sign with a root key.",
    });
  }
  const { file } = draft;
  const text = draft.isUnsigned ? await signFirst(draft.claims, root) : await signFurther(draft.text, root);
  const { claims, missing } = await verifyBundle(text, file, anchors);
  return { draft: { file, text, claims, isUnsigned: false }, claims, missing };
}

/** Puts the signed draft where it belongs: beside the bundle while signatures are missing, in its place when complete. */
export async function keepSigned({ draft, claims, missing }: Signed, bundle: string, anchors: Anchors): Promise<void> {
  const next = nextPath(bundle);
  const version = currentBundle(bundle)?.claims.version ?? 0;
  if (claims.version <= version) {
    throw new UserError(
      `${bundle} is version ${version} by now; this draft is version ${claims.version}. Nothing was written.`,
      {
        hint: "Run `glassgate bundle build` again: versions only rise.",
      },
    );
  }
  if (missing > 0) return writeText(next, `${draft.text}\n`);
  const refusal = await refusalOf(draft.text, anchors);
  if (refusal !== undefined) {
    throw new UserError(`The filter would refuse this bundle: ${refusal}.`, {
      hint: "Mend the roster, then build and sign again. Nothing was written.",
    });
  }
  writeText(bundle, `${draft.text}\n`);
  rmSync(next, { force: true });
}

/** Who still has their key: each key's newest proof, under the newest bundle, and who has none of the last months. */
import { LEEWAY } from "../grant/dates.js";
import { readProof } from "./roster.js";
import type { Book, KeptProof } from "./roster-book.js";
import { idleness, judgeProof, type Owner, ownersIn, signedBy, type Trusted } from "./roster-judge.js";

export type State = "proven" | "overdue" | "never" | "no key" | "not yet" | "ended" | "revoked";
/** What somebody must do something about. */
const WANTING: readonly State[] = ["overdue", "never", "no key"];

export interface Row {
  /** The principal, or `root 2`. */
  readonly who: string;
  readonly person?: string;
  readonly kid?: string;
  readonly state: State;
  /** When the challenge was made that its newest proof answers: the key was there after it. Seconds. */
  readonly challenged?: number;
}
export const isWanting = ({ state }: Row): boolean => WANTING.includes(state);

export interface Left {
  /** As its last proof says. */
  readonly who: string;
  readonly kid: string;
  readonly challenged: number;
}

export interface Standing {
  readonly rows: readonly Row[];
  /** Keys that were proved within that time and are neither in the bundle nor among the roots any more. */
  readonly left: readonly Left[];
}

export interface Taken {
  readonly book: Book;
  readonly counted: readonly string[];
  readonly refused: readonly { readonly who: string; readonly why: string }[];
}

/** One key may be a principal's and a root's. */
function placeOf({ proof }: KeptProof): string {
  const read = readProof(proof);
  return `${read?.jws.header.kid} ${read?.claims.sub ?? ""}`;
}

/** Takes proofs into the book: a key's newest is kept, by when its challenge was made. */
export function takeProofs(book: Book, tokens: readonly string[], trusted: Trusted, now: number): Taken {
  const kept = new Map(book.proofs.map((one) => [placeOf(one), one]));
  const counted: string[] = [];
  const refused: { who: string; why: string }[] = [];
  let isChanged = false;
  for (const token of tokens) {
    const judged = judgeProof(token, book.challenges, trusted, now);
    if ("refused" in judged) {
      refused.push({ who: judged.who, why: judged.refused });
      continue;
    }
    counted.push(judged.owner.who);
    const place = placeOf(judged.kept);
    if ((standsOf(kept.get(place), trusted)?.challenged ?? -1) >= judged.kept.challenged) continue;
    kept.set(place, judged.kept);
    isChanged = true;
  }
  return { book: isChanged ? { ...book, proofs: [...kept.values()] } : book, counted, refused };
}

interface Stands {
  readonly owner: Owner;
  readonly challenged: number;
}

/** A kept proof, verified anew. That its challenge was made before it was signed is the signer's own word. */
function standsOf(kept: KeptProof | undefined, trusted: Trusted): Stands | undefined {
  const proof = kept === undefined ? undefined : readProof(kept.proof);
  if (kept === undefined || proof === undefined || kept.challenged > proof.claims.iat + LEEWAY) return undefined;
  const owner = signedBy(proof, trusted);
  return typeof owner === "string" ? undefined : { owner, challenged: kept.challenged };
}

function rowOf(owner: Owner, challenged: number | undefined, trusted: Trusted, now: number, within: number): Row {
  const { who, person, key } = owner;
  const proven = challenged !== undefined && now - challenged <= within;
  const state = idleness(owner, trusted, now) ?? (challenged === undefined ? "never" : proven ? "proven" : "overdue");
  return {
    who,
    ...(person === undefined ? {} : { person }),
    kid: key.kid,
    state,
    ...(challenged === undefined ? {} : { challenged }),
  };
}

/** @param within seconds that a proof counts */
export function standing(book: Book, trusted: Trusted, now: number, within: number): Standing {
  const owners = ownersIn(trusted);
  const stands = book.proofs.flatMap((kept) => standsOf(kept, trusted) ?? []);
  const rows = owners.map((owner) => {
    const found = stands.filter((one) => one.owner.key.kid === owner.key.kid && one.owner.sub === owner.sub);
    const challenged = found.length === 0 ? undefined : Math.max(...found.map((one) => one.challenged));
    return rowOf(owner, challenged, trusted, now, within);
  });
  const isGone = (id: string): boolean => trusted.claims.revoked?.sub?.includes(id) === true;
  const keyless = trusted.claims.principals
    .filter(({ id, keys }) => !isGone(id) && !rows.some((row) => row.who === id && keys.length > 0 && isUsable(row)))
    .map(({ id, person }): Row => ({ who: id, person: person ?? id, state: "no key" }));
  const known = new Set(owners.map(({ key }) => key.kid));
  const left = book.proofs.flatMap((kept): Left[] => {
    const proof = readProof(kept.proof);
    if (proof === undefined || known.has(proof.jws.header.kid) || now - kept.challenged > within) return [];
    return [{ who: proof.claims.sub ?? "a root", kid: proof.jws.header.kid, challenged: kept.challenged }];
  });
  return { rows: [...keyless, ...rows], left };
}

const isUsable = ({ state }: Row): boolean => state === "proven" || state === "overdue" || state === "never";

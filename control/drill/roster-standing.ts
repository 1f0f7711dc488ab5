/** Who still has their key: each key's newest proof, under the newest bundle, and who has none of the last months. */
import { LEEWAY } from "../grant/dates.js";
import { personOf } from "../trust/claims.js";
import { readProof } from "./roster.js";
import type { Book, KeptProof } from "./roster-book.js";
import { idleness, judgeProof, type Keys, type Owner, placeOfProof, signedBy } from "./roster-judge.js";

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

/** Takes proofs into the book: a key's newest is kept, by when its challenge was made. */
export function takeProofs(book: Book, tokens: readonly string[], keys: Keys, now: number): Taken {
  const kept = keptIn(book);
  const counted: string[] = [];
  const refused: { who: string; why: string }[] = [];
  let isChanged = false;
  for (const token of tokens) {
    const judged = judgeProof(token, book.challenges, keys, now);
    if ("refused" in judged) {
      refused.push({ who: judged.who, why: judged.refused });
      continue;
    }
    const { owner, place, challenged } = judged;
    counted.push(owner.who);
    if ((challengedOf(kept.get(place), keys) ?? -1) >= challenged) continue;
    kept.set(place, { challenged, proof: token });
    isChanged = true;
  }
  return { book: isChanged ? { ...book, proofs: [...kept.values()] } : book, counted, refused };
}

function keptIn({ proofs }: Book): Map<string, KeptProof> {
  return new Map(
    proofs.flatMap((kept) => {
      const proof = readProof(kept.proof);
      return proof === undefined ? [] : [[placeOfProof(proof), kept] as const];
    }),
  );
}

/** When a kept proof was challenged, verified anew: it was before it was signed, which is the signer's own word. */
function challengedOf(kept: KeptProof | undefined, keys: Keys): number | undefined {
  const proof = kept === undefined ? undefined : readProof(kept.proof);
  if (kept === undefined || proof === undefined || kept.challenged > proof.claims.iat + LEEWAY) return undefined;
  return typeof signedBy(proof, keys) === "string" ? undefined : kept.challenged;
}

function rowOf(owner: Owner, challenged: number | undefined, keys: Keys, now: number, within: number): Row {
  const { who, person, key } = owner;
  const isInTime = challenged !== undefined && now - challenged <= within;
  const state = idleness(owner, keys, now) ?? (challenged === undefined ? "never" : isInTime ? "proven" : "overdue");
  return {
    who,
    ...(person === undefined ? {} : { person }),
    kid: key.kid,
    state,
    ...(challenged === undefined ? {} : { challenged }),
  };
}

/** Principals of whom no key could sign a grant now. */
function keyless({ claims, owners }: Keys, now: number): Row[] {
  const able = new Set(owners.filter((owner) => idleness(owner, { claims }, now) === undefined).map(({ sub }) => sub));
  const revoked = new Set(claims.revoked?.sub);
  return claims.principals
    .filter(({ id }) => !able.has(id) && !revoked.has(id))
    .map((principal): Row => ({ who: principal.id, person: personOf(principal), state: "no key" }));
}

/** @param within seconds that a proof counts */
export function standing(book: Book, keys: Keys, now: number, within: number): Standing {
  const kept = keptIn(book);
  const rows = [...keys.byPlace].map(([place, owner]) =>
    rowOf(owner, challengedOf(kept.get(place), keys), keys, now, within),
  );
  const left = [...kept].flatMap(([place, { challenged, proof }]): Left[] => {
    const { jws, claims } = readProof(proof) ?? {};
    if (jws === undefined || keys.byPlace.has(place) || now - challenged > within) return [];
    return [{ who: claims?.sub ?? "a root", kid: jws.header.kid, challenged }];
  });
  return { rows: [...keyless(keys, now), ...rows], left };
}

/** Who still has their key: each key's newest proof, under the newest bundle, and who has none of the last months. */
import { LEEWAY } from "../grant/dates.js";
import { personOf } from "../trust/claims.js";
import { isOfDrillsAlone } from "../trust/drill-roles.js";
import { readProof } from "./roster.js";
import type { Book, KeptProof } from "./roster-book.js";
import { idleness, judgeProof, type Keys, type Owner, placeOfProof, signedBy } from "./roster-judge.js";

/** `drill`: of somebody for whom nobody waits at night, as he can do nothing but drills; each drill proves his key by using it. */
export type State = "proven" | "overdue" | "never" | "no key" | "not yet" | "ended" | "revoked" | "drill";
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
    if ((challengedOf(kept.get(place), keys, now) ?? -1) >= challenged) continue;
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

/**
 * When a kept proof was challenged, verified anew: it was before it was signed, which is the signer's own word, and it is not to come,
 * whatever the signer and the book agree on.
 */
function challengedOf(kept: KeptProof | undefined, keys: Keys, now: number): number | undefined {
  const proof = kept === undefined ? undefined : readProof(kept.proof);
  if (kept === undefined || proof === undefined || kept.challenged > Math.min(proof.claims.iat, now) + LEEWAY)
    return undefined;
  return typeof signedBy(proof, keys) === "string" ? undefined : kept.challenged;
}

interface Judging {
  readonly keys: Keys;
  readonly now: number;
  readonly within: number;
  /** By their ids. */
  readonly drillers: ReadonlySet<string>;
}

function rowOf(owner: Owner, challenged: number | undefined, { keys, now, within, drillers }: Judging): Row {
  const { who, person, key, sub } = owner;
  const isInTime = challenged !== undefined && now - challenged <= within;
  const due = sub !== undefined && drillers.has(sub) ? "drill" : challenged === undefined ? "never" : "overdue";
  const state = idleness(owner, keys, now) ?? (isInTime ? "proven" : due);
  return {
    who,
    ...(person === undefined ? {} : { person }),
    kid: key.kid,
    state,
    ...(challenged === undefined ? {} : { challenged }),
  };
}

/** Principals of whom no key could sign a grant now. */
function keyless({ claims, owners }: Keys, now: number, drillers: ReadonlySet<string>): Row[] {
  const able = new Set(owners.filter((owner) => idleness(owner, { claims }, now) === undefined).map(({ sub }) => sub));
  const revoked = new Set(claims.revoked?.sub);
  return claims.principals
    .filter(({ id }) => !able.has(id) && !revoked.has(id))
    .map(
      (principal): Row => ({
        ...{ who: principal.id, person: personOf(principal) },
        state: drillers.has(principal.id) ? "drill" : "no key",
      }),
    );
}

/** @param within seconds that a proof counts */
export function standing(book: Book, keys: Keys, now: number, within: number): Standing {
  const kept = keptIn(book);
  const isDriller = isOfDrillsAlone(keys.claims);
  const drillers = new Set(keys.claims.principals.filter(isDriller).map(({ id }) => id));
  const judging = { keys, now, within, drillers };
  const rows = [...keys.byPlace].map(([place, owner]) =>
    rowOf(owner, challengedOf(kept.get(place), keys, now), judging),
  );
  const left = [...kept].flatMap(([place, { challenged, proof }]): Left[] => {
    const { jws, claims } = readProof(proof) ?? {};
    if (jws === undefined || keys.byPlace.has(place) || Math.abs(now - challenged) > within) return [];
    return [{ who: claims?.sub ?? "a root", kid: jws.header.kid, challenged }];
  });
  return { rows: [...keyless(keys, now, drillers), ...rows], left };
}

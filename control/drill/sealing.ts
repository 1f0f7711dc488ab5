/** The ledger's signed tree at the drill's end, and what is said of it. */
import { LEDGER } from "./cases/index.js";
import { mishapOf } from "./held.js";
import type { Assertion } from "./model.js";
import type { RecordSource, Sealed } from "./record-source.js";

/** What went wrong with it costs no report: the report says so. */
export async function sealedBy(
  source: RecordSource,
): Promise<{ sealed: Sealed | undefined; fault: string | undefined }> {
  try {
    return { sealed: await source.seal(), fault: undefined };
  } catch (error) {
    return { sealed: undefined, fault: mishapOf(error) };
  }
}

/** What `ledger verify` finds out about the whole of it is no part of a drill. */
export function ofLedger(
  { origin = "the ledger" }: RecordSource,
  sealed: Sealed | undefined,
  fault: string | undefined,
): Assertion {
  const what = "its entries from before the drill to its end";
  const expected = "each hashed, in the tree that its key signed, behind what was signed before";
  const about = { case: LEDGER, gateway: origin, what, expected };
  const { checkpoint, before = 0 } = sealed ?? {};
  const size = checkpoint?.size ?? 0;
  if (fault === undefined)
    return {
      ...about,
      seen: `${size === 1 ? "1 entry" : `${size} entries`}, ${size - before} of them since`,
      ok: true,
      calls: [],
    };
  const finding = `The ledger does not prove what the drill did: ${fault}`;
  return { ...about, seen: fault, ok: false, finding, calls: [] };
}

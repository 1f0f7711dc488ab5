/** A signed report checked without the gateways and without the ledger: signature, hash, counts, and the proof of every record. */
import { messageOf, UserError } from "../../base/errors.js";
import { plural, visible } from "../../base/text.js";
import { holds } from "../../ledger/chain/jws.js";
import { type AuditRecord, classify } from "../../ledger/chain/lines.js";
import { faultOfKeyIn, principalOf } from "../../ledger/chain/review-signer.js";
import { type DrillClaims, readDrillToken, type SignedDrill } from "../../ledger/drill.js";
import { decodeEntry } from "../../ledger/entry.js";
import { type Checkpoint, openCheckpoint } from "../../ledger/tlog/checkpoint.js";
import type { Vkey } from "../../ledger/tlog/note.js";
import { verifyInclusion } from "../../ledger/tlog/proof.js";
import { leafHash } from "../../ledger/tlog/tree.js";
import type { BundleClaims } from "../../trust/claims.js";
import { nodeOf } from "../records.js";
import { assertionName } from "./compare.js";
import type { Assertion, CallEvidence, Report } from "./model.js";
import { parseReport } from "./read.js";
import { drillClaims, sha256Of } from "./write.js";

export interface VerifyInput {
  readonly bytes: Buffer;
  readonly token: string;
  /** As it was named. */
  readonly named: string;
  readonly audience: string;
  readonly bundle: BundleClaims;
  /** Of the ledger, where the report has a checkpoint. */
  readonly key: Vkey | undefined;
}

export interface VerifiedDrill {
  readonly claims: DrillClaims;
  /** The first wrong thing, a sentence. Undefined: all holds. */
  readonly wrong: string | undefined;
  /** Empty where something is wrong. */
  readonly proved: readonly string[];
  readonly notProved: readonly string[];
}

/** Said of the first thing that is wrong: the rest is not looked at. */
class Wrong extends Error {}
function must(holds: boolean, says: () => string): void {
  if (!holds) throw new Wrong(says());
}

/** Undefined where it holds. */
export function faultOfSignature(
  { jws, claims }: SignedDrill,
  bundle: BundleClaims,
  audience: string,
): string | undefined {
  const { sub } = claims;
  const fault = faultOfKeyIn(bundle, audience, claims, jws.header.kid);
  if (fault !== undefined) return fault;
  const key = principalOf(bundle, sub)?.keys.find(({ kid }) => kid === jws.header.kid);
  return key !== undefined && holds(jws, jws.payload, key)
    ? undefined
    : `The signature of ${visible(sub)} does not hold: other bytes were signed.`;
}

/** Each member of the signature is what the report says. */
function checkClaims(claims: DrillClaims, report: Report): void {
  const made: Readonly<Record<string, unknown>> = drillClaims(report, claims.report, claims.iat);
  for (const [name, value] of Object.entries({ ...made, ...claims }))
    must(
      JSON.stringify(made[name]) === JSON.stringify(value),
      () => `The signature says of \`${name}\` something else than the report.`,
    );
}

function checkCounts({ assertions, counts, notProbed }: Report): void {
  const odd = assertions.find(({ ok, finding }) => ok !== (finding === undefined));
  must(odd === undefined, () => {
    const name = odd === undefined ? "" : visible(assertionName(odd));
    return odd?.ok === true
      ? `${name} is as expected and has a finding.`
      : `${name} is not as expected, and no finding says why.`;
  });
  const passed = assertions.filter(({ ok }) => ok).length;
  const counted = { passed, failed: assertions.length - passed, notProbed: notProbed.length };
  must(
    JSON.stringify(counted) ===
      JSON.stringify({ passed: counts.passed, failed: counts.failed, notProbed: counts.notProbed }),
    () =>
      `The report counts ${counts.passed} as expected, ${counts.failed} not and ${counts.notProbed} not probed; it has ${counted.passed}, ${counted.failed} and ${counted.notProbed}.`,
  );
}

/** What a record must say for an assertion to be as expected, by the words of judge.ts. */
function wantedVerdict(expected: string): string | undefined {
  if (/^allowed(?:,|$)/.test(expected)) return "allow";
  return /^denied: ([a-z_]+)$/.exec(expected)?.[1];
}

function recordOf(call: CallEvidence, place: string): AuditRecord {
  const entry = decodeEntry(Buffer.from(call.bytes ?? "", "base64"));
  const line = entry?.head.type === "record" ? classify(entry.body) : undefined;
  if (line?.type === "record") return line.record;
  throw new Wrong(`${place}: entry ${call.entry} is no record of a gateway.`);
}

function checkProof(call: CallEvidence, { size, root }: Checkpoint, place: string): void {
  const { entry = -1, leaf = "", proof = [], bytes = "" } = call;
  const hash = leafHash(Buffer.from(bytes, "base64"));
  must(
    hash.toString("hex") === leaf,
    () => `${place}: entry ${entry} has another hash than the report says: its bytes were changed.`,
  );
  const hashes = proof.map((one) => Buffer.from(one, "hex"));
  must(
    verifyInclusion(hash, entry, size, root, hashes),
    () => `${place}: entry ${entry} is not proved to be in the ledger's tree of ${size}.`,
  );
}

/** The record in the entry says what the report says of it. */
function checkRecord(call: CallEvidence, assertion: Assertion, report: Report, place: string): void {
  const record = recordOf(call, place);
  const same = (what: string, said: string | number | undefined, is: string | number | undefined): void =>
    must(said === is, () => {
      const shown = (value: string | number | undefined): string =>
        value === undefined ? "none" : visible(String(value));
      return `${place}: the report says ${what} ${shown(said)}, the record in entry ${call.entry} says ${shown(is)}.`;
    });
  same("verdict", call.verdict, record.verdict);
  same("mode", call.mode, record.mode);
  same("gateway's process", call.vm, record.vm);
  same("seq", call.seq, record.seq);
  if (record.request_id !== undefined) same("request id", call.requestId, record.request_id);
  // Of what is not as expected, it may be the very finding that another one answered.
  if (assertion.ok) same("gateway", assertion.gateway, nodeOf(record.vm));
  if (record.drill !== undefined) same("drill", report.drill, record.drill);
}

function checkAssertion(assertion: Assertion, report: Report, checkpoint: Checkpoint | undefined): number {
  const place = visible(assertionName(assertion));
  // A scratch gateway's records are gone with it.
  const isOfFleet = report.gateways.some(({ id }) => id === assertion.gateway);
  let proved = 0;
  for (const call of assertion.calls) {
    if (call.entry === undefined) {
      must(
        !assertion.ok || !isOfFleet || call.verdict === undefined || checkpoint === undefined,
        () => `${place}: it has a record, and no proof of it.`,
      );
      continue;
    }
    if (checkpoint === undefined) throw new Wrong(`${place}: it names an entry, and the report has no checkpoint.`);
    checkProof(call, checkpoint, place);
    checkRecord(call, assertion, report, place);
    proved += 1;
  }
  const wanted = wantedVerdict(assertion.expected);
  const [first] = assertion.calls;
  if (assertion.ok && wanted !== undefined && first !== undefined) {
    must(
      first.verdict === wanted,
      () => `${place}: it is as expected with ${visible(first.verdict ?? "no record")} in place of ${wanted}.`,
    );
    must(first.mode === "enforce", () => `${place}: it is as expected, and the gateway enforced nothing.`);
  }
  return proved;
}

function openedBy({ checkpoint, origin }: Report, key: Vkey | undefined): Checkpoint | undefined {
  if (checkpoint === undefined) return undefined;
  if (key === undefined)
    throw new UserError(
      "The report's records are proved under a ledger's checkpoint, and no key of the ledger is named.",
      {
        hint: "Name it with --key: `glassgate ledger status DIR` shows it, or whoever runs the ledger.",
      },
    );
  try {
    const opened = openCheckpoint(checkpoint.text, key);
    must(opened.origin === origin, () => "The report names another ledger than its checkpoint.");
    return opened;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new Wrong(`The ledger's checkpoint does not hold: ${messageOf(error)}`);
  }
}

function lookAt(input: VerifyInput, signed: SignedDrill): Pick<VerifiedDrill, "proved" | "notProved"> {
  const { claims } = signed;
  const fault = faultOfSignature(signed, input.bundle, input.audience);
  must(fault === undefined, () => fault ?? "");
  must(
    sha256Of(input.bytes) === claims.report,
    () => `This is not the report that ${visible(claims.sub)} signed: its hash is another.`,
  );
  const report = parseReport(input.bytes, input.named);
  checkCounts(report);
  const checkpoint = openedBy(report, input.key);
  checkClaims(claims, report);
  let records = 0;
  for (const assertion of report.assertions) records += checkAssertion(assertion, report, checkpoint);
  const calls = report.assertions.reduce((sum, one) => sum + one.calls.length, 0);
  return {
    proved: [
      `${visible(claims.sub)} signed exactly this report, with a key of the trust bundle of ${visible(input.audience)} (version ${input.bundle.version}).`,
      ...(checkpoint === undefined
        ? []
        : [
            `${plural(records, "record")} of its calls ${records === 1 ? "is" : "are"} in ${visible(checkpoint.origin)}, in its signed tree of ${checkpoint.size}, and say${records === 1 ? "s" : ""} what the report says.`,
          ]),
    ],
    notProved: [
      ...(checkpoint === undefined ? ["that the gateways recorded it so: the drill had no ledger"] : []),
      `what callers were answered, and what left no record (${calls - records} of ${plural(calls, "call")}): that rests on the word of whoever held the drill`,
    ],
  };
}

/** @throws UserError where an input is wrong (exit 2) */
export function verifyReport(input: VerifyInput): VerifiedDrill {
  const signed = readDrillToken(input.token);
  if (signed === undefined)
    throw new UserError(`Beside ${visible(input.named)} is no signature of a drill's report.`, {
      hint: "report.jws is one line of type bg-drill+jws, as `glassgate drill run` wrote it.",
    });
  const { claims } = signed;
  try {
    return { claims, wrong: undefined, ...lookAt(input, signed) };
  } catch (error) {
    if (!(error instanceof Wrong)) throw error;
    return { claims, wrong: error.message, proved: [], notProved: [] };
  }
}

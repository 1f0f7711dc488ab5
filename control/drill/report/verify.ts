/** A signed report checked without the gateways and without the ledger: signature, hash, what it says of itself, and the proof of every record. */
import { messageOf, UserError } from "../../base/errors.js";
import { plural, visible } from "../../base/text.js";
import { faultOfDrillIn, faultsOfTimes } from "../../ledger/chain/drills.js";
import { type DrillClaims, readDrillToken, type SignedDrill } from "../../ledger/drill.js";
import { type Checkpoint, openCheckpoint } from "../../ledger/tlog/checkpoint.js";
import type { Vkey } from "../../ledger/tlog/note.js";
import { sha256Hex } from "../../signer/sign.js";
import type { Anchors } from "../../trust/anchors.js";
import type { BundleClaims } from "../../trust/claims.js";
import { faultNames } from "../faults/names.js";
import { checkConsistent, coverageOf } from "./consistent.js";
import { junitOf } from "./junit.js";
import type { Report } from "./model.js";
import { reportPage } from "./page.js";
import { checkRecords, type Proved } from "./proved.js";
import { parseReport } from "./read.js";
import { countsWords, madeWords } from "./words.js";
import { drillClaims, files } from "./write.js";
import { must, Wrong } from "./wrong.js";

export interface VerifyInput {
  readonly bytes: Buffer;
  readonly token: string;
  /** As it was named. */
  readonly named: string;
  readonly anchors: Anchors;
  readonly bundle: BundleClaims;
  /** Of the ledger, where the report has a checkpoint. */
  readonly key: Vkey | undefined;
  /** Milliseconds. */
  readonly now: number;
  /** What stands beside it for people, by file name, as far as that is there. */
  readonly forms: ReadonlyMap<string, string>;
}

export interface VerifiedDrill {
  readonly claims: DrillClaims;
  /** How it went, faults too, as its report says. Undefined where something is wrong. */
  readonly counts?: string;
  /** The first wrong thing, a sentence. Undefined: all holds. */
  readonly wrong: string | undefined;
  /** Empty where something is wrong. */
  readonly proved: readonly string[];
  readonly notProved: readonly string[];
}

/** Each member of the signature is what the report says, and none is left out: what counts as a drill goes by the signature alone. */
function checkClaims(claims: DrillClaims, report: Report): void {
  const made: Readonly<Record<string, unknown>> = drillClaims(report, claims.report, claims.iat);
  const told: Readonly<Record<string, unknown>> = claims;
  for (const name of Object.keys({ ...made, ...claims }))
    must(
      JSON.stringify(made[name]) === JSON.stringify(told[name]),
      () => `The signature says of \`${name}\` something else than the report.`,
    );
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

/** What people read is signed by nobody: where it is not what this version makes of the report, that is told. */
function otherForms(report: Report, sha256: string, forms: VerifyInput["forms"]): string[] {
  const made = new Map([
    [files.page, () => reportPage(report, sha256)],
    [files.junit, () => junitOf(report)],
  ]);
  return [...made].flatMap(([name, make]) => {
    const there = forms.get(name);
    return there === undefined || there === make() ? [] : [name];
  });
}

/** A report may have any number of them. */
const MOST = 10;
/** What the drill file itself did to it: the signer's word is worth what was tried. */
function leftOutWords({ notProbed, faults, drillFile }: Report): string[] {
  const by = notProbed.filter(({ member }) => member !== undefined && member !== "accept");
  const accepted = notProbed.filter(({ member }) => member === "accept");
  const left = by.length === 0 ? "" : `; the drill file itself leaves out ${by.length}: ${some(shown(by))}`;
  const own = faults.filter(({ name, does }) => does !== undefined && !faultNames.some((one) => one === name));
  const untold = faults.filter(({ does }) => does === undefined);
  return [
    ...(notProbed.length === 0 ? [] : [`what was not probed: ${plural(notProbed.length, "thing")}${left}`]),
    ...(accepted.length === 0
      ? []
      : [
          `that no harm comes of ${plural(accepted.length, "finding")} that the drill file accepts: ${some(shown(accepted))}`,
        ]),
    ...(own.length === 0
      ? []
      : [
          `that the drill file's own commands made these faults: ${some(own.map((one) => visible(`${one.name}${madeWords(one)}`)))}`,
        ]),
    ...(untold.length === 0
      ? []
      : [`how these faults were made, which it does not tell: ${some(untold.map(({ name }) => visible(name)))}`]),
    ...(drillFile === undefined ? ["which drill file was played, which it does not tell"] : []),
  ];
}

const shown = (all: Report["notProbed"]): string[] => all.map(({ what }) => visible(what));
const some = (names: readonly string[]): string =>
  `${names.slice(0, MOST).join(", ")}${names.length > MOST ? ` and ${names.length - MOST} more` : ""}`;

function notProved(
  report: Report,
  { records, calls }: Proved,
  checkpoint: Checkpoint | undefined,
  forms: readonly string[],
): string[] {
  const { missing, unknown } = coverageOf(report);
  const ids = report.gateways.map(({ id }) => visible(id)).join(", ");
  const bare = report.origin === undefined ? "the drill had no ledger" : "its ledger proved nothing, see its findings";
  return [
    ...(checkpoint === undefined ? [`that the gateways recorded it so: ${bare}`] : []),
    `what callers were answered, and what left no record (${calls - records} of ${plural(calls, "call")}): that rests on the word of whoever held the drill`,
    ...(checkpoint === undefined
      ? []
      : [
          `what the ledger's other entries say: that says \`glassgate ledger verify\`, by this checkpoint or a later one`,
        ]),
    `that there are no other gateways than ${ids}`,
    ...leftOutWords(report),
    ...missing.map((one) => `what these cases would have shown, which are not in it: ${one}`),
    ...(unknown.length === 0 ? [] : [`what these cases are, which this version does not have: ${some(unknown)}`]),
    ...forms.map(
      (name) => `that ${name} says the same: another version made it, or it was changed. Read report.json instead`,
    ),
  ];
}

function lookAt(input: VerifyInput, signed: SignedDrill): Pick<VerifiedDrill, "counts" | "proved" | "notProved"> {
  const { claims } = signed;
  const { bundle, anchors, now } = input;
  const audience = visible(anchors.audience);
  const [fault] = [faultOfDrillIn(bundle, anchors.audience, signed) ?? [], faultsOfTimes(claims, now)].flat();
  must(fault === undefined, () => fault ?? "");
  must(
    sha256Hex(input.bytes) === claims.report,
    () => `This is not the report that ${visible(claims.sub)} signed: its hash is another.`,
  );
  const report = parseReport(input.bytes, input.named);
  const checkpoint = openedBy(report, input.key);
  checkConsistent(report);
  checkClaims(claims, report);
  const records = checkRecords(report, checkpoint, anchors);
  return {
    counts: countsWords(report),
    proved: [
      `${visible(claims.sub)} signed exactly this report, with a key of the trust bundle of ${audience} (version ${bundle.version}), by which that person may hold drills.${report.drillFile === undefined ? "" : ` The drill file that it tells of has SHA-256 ${report.drillFile}.`}`,
      ...(checkpoint === undefined
        ? []
        : [
            `${records.says} in ${visible(checkpoint.origin)}, in its signed tree of ${checkpoint.size}, by gateways with these anchors, from the time of the drill, and say${records.records === 1 ? "s" : ""} what the report says.`,
          ]),
    ],
    notProved: notProved(report, records, checkpoint, otherForms(report, claims.report, input.forms)),
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

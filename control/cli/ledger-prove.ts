/** `glassgate ledger prove`: a proof that a stranger can check, and the check. */
import type { Command } from "commander";
import { UserError } from "../base/errors.js";
import { type NewContent, readBytes, writeNewTexts } from "../base/files.js";
import { plural, visible } from "../base/text.js";
import { asciiJson } from "../ledger/audit/line.js";
import {
  checkProof,
  entryAt,
  type Found,
  findEntries,
  headFor,
  MAX_FOUND,
  openHeads,
  proveEntry,
} from "../ledger/audit/prove.js";
import { grantOf, requestOf } from "../ledger/audit/reader.js";
import { openSource } from "../ledger/audit/source.js";
import { MAX_ENTRY_BYTES } from "../ledger/entry.js";
import type { TileSource } from "../ledger/log.js";
import { parseCount } from "../ledger/tlog/checkpoint.js";
import { examples, jsonOption } from "./context.js";
import { progress, readToken, readVkey, sayUnverified, tokenFileOption, vkeyOption } from "./ledger-options.js";
import { policyOption, witnessesOf } from "./ledger-policy.js";
import { result, resultRows, say, sayWhole } from "./output.js";

interface Options {
  readonly key?: string;
  readonly tokenFile?: string;
  readonly requestId?: string;
  readonly grant?: string;
  readonly out?: string;
  readonly check?: boolean;
  readonly policy?: string;
  readonly json?: boolean;
}

/** A proof is text of some hashes and a note. */
const MAX_PROOF_BYTES = 1024 * 1024;

function check(proofFile: string, entryFile: string | undefined, options: Options): void {
  if (entryFile === undefined || options.key === undefined)
    throw new UserError("To check a proof takes the proof, the entry's file and the log's key.", {
      hint: "glassgate ledger prove --check entry-41.tlog-proof entry-41.entry --key ledger.vkey",
    });
  const proof = readBytes(proofFile, "the proof", { max: MAX_PROOF_BYTES });
  const entry = readBytes(entryFile, "the entry", { max: MAX_ENTRY_BYTES });
  const key = readVkey(options.key);
  const cosignedBy = options.policy === undefined ? undefined : witnessesOf(options.policy, key);
  const { index, checkpoint } = checkProof(proof.toString("utf8"), entry, key);
  const { origin, size } = checkpoint;
  const witnesses = cosignedBy?.(checkpoint.text);
  if (options.json === true) {
    result(asciiJson({ holds: true, origin, index, size, root: checkpoint.root.toString("base64"), witnesses }, 2));
    return;
  }
  const seen =
    witnesses === undefined
      ? ""
      : `, which ${witnesses.map(visible).join(", ") || "nobody"} cosigned, as the policy demands`;
  resultRows([
    `Proved: ${visible(entryFile)} is entry ${index} of ${visible(origin)}, in its signed tree of ${size}${seen}.`,
  ]);
}

async function wantedEntries(
  source: TileSource,
  size: number,
  index: string | undefined,
  { requestId, grant }: Options,
): Promise<Found[]> {
  if ([index, requestId, grant].filter((given) => given !== undefined).length !== 1)
    throw new UserError("Name one thing: an index, --request-id or --grant.", {
      hint: "`glassgate ledger tail` shows the indices.",
    });
  if (index !== undefined) {
    const wanted = parseCount(index);
    if (wanted === undefined || wanted >= size)
      throw new UserError(`There is no entry ${visible(index)}: the log has ${size}, counted from 0.`);
    return [await entryAt(source, size, wanted)];
  }
  const tick = progress();
  const found = await findEntries(
    source,
    size,
    (entry) => (requestId === undefined ? grantOf(entry) === grant : requestOf(entry) === requestId),
    (done) => tick("looking for it", done, size),
  );
  if (found.length === 0)
    throw new UserError(`Nothing about it is among the ${size} entries.`, {
      hint: "Is it the whole name, as the record has it (request_id, grant_sha256)? Older records are in the shard before this one, newer ones in the ledger that is still written to. `glassgate ledger tail LEDGER --json` shows what is here.",
      exitCode: 1,
    });
  return found;
}

async function prove(where: string, index: string | undefined, options: Options): Promise<void> {
  if (options.check === true) {
    check(where, index, options);
    return;
  }
  if (options.policy !== undefined)
    throw new UserError("--policy judges a proof that is there: it goes with --check.", {
      hint: "A proof has the witnesses' lines where they cosigned a tree with the entry; nothing needs to be said for that.",
    });
  const source = openSource(where, readToken(where, options.tokenFile));
  const key = options.key === undefined ? undefined : readVkey(options.key);
  if (key === undefined) sayUnverified();
  const heads = await openHeads(source, key);
  const entries = await wantedEntries(source, heads.newest.size, index, options);
  if (entries.length > 1 && options.out !== undefined)
    throw new UserError(
      `There are ${entries.length} entries about it: ${entries.map(({ index: i }) => i).join(", ")}.`,
      {
        hint: "Name one of them by its index, or leave out --out: then each gets files of its own.",
      },
    );
  const written: { index: number; proof: string; entry: string }[] = [];
  const files: NewContent[] = [];
  for (const entry of entries) {
    const proof = options.out ?? `entry-${entry.index}.tlog-proof`;
    const beside = `${proof.replace(/\.tlog-proof$/, "")}.entry`;
    files.push({ path: proof, text: await proveEntry(source, heads, entry) }, { path: beside, text: entry.bytes });
    written.push({ index: entry.index, proof, entry: beside });
  }
  writeNewTexts(files);
  if (entries.length === MAX_FOUND) say(`There may be more: these are the first ${MAX_FOUND}.`);
  if (options.json === true) result(asciiJson(written, 2));
  else for (const one of written) result(`entry ${one.index}: ${visible(one.proof)}, ${visible(one.entry)}`);
  const sizes = [...new Set(entries.map((found) => headFor(heads, found).size))];
  const cosigned = entries.filter((found) => headFor(heads, found) === heads.cosigned).length;
  const lines =
    cosigned === 0 ? "" : `, ${cosigned === entries.length ? "" : `${cosigned} of them `}with the witnesses' lines`;
  say(`${plural(written.length, "proof")} under the checkpoint of ${sizes.join(" and ")} entries${lines}. Check one:`);
  const [first] = written;
  if (first !== undefined)
    sayWhole(
      `  glassgate ledger prove --check ${visible(first.proof)} ${visible(first.entry)} --key ${visible(options.key ?? "VKEY")}${cosigned === 0 ? "" : " --policy FILE"}`,
    );
}

export function addLedgerProve(ledger: Command): void {
  const command = ledger
    .command("prove")
    .description("write a proof (C2SP tlog-proof) that an entry is in the log, with the entry's bytes beside it")
    .argument("<ledger>", "the folder, or its https:// address; with --check: the proof")
    .argument("[index]", "the entry's index; with --check: the entry's file")
    .option("--request-id <id>", "the entries about this request")
    .option("--grant <sha256>", "the entries about this grant (grant_sha256)")
    .option("--out <file>", "where to write it; the entry goes beside it")
    .option("--check", "check a proof instead")
    .addOption(policyOption("with --check: the witnesses that must have cosigned (C2SP tlog-policy)"))
    .addOption(vkeyOption())
    .addOption(tokenFileOption())
    .addOption(jsonOption())
    .action(prove);
  examples(command, [
    "glassgate ledger prove ledger/ 41 --key ledger.vkey --out access.tlog-proof",
    "glassgate ledger prove ledger/ --request-id 4f2a-77 --key ledger.vkey",
    "glassgate ledger prove --check access.tlog-proof access.entry --key ledger.vkey",
    "glassgate ledger prove --check access.tlog-proof access.entry --key ledger.vkey --policy witnesses.txt",
  ]);
}

/** The witnesses that a person trusts, from a C2SP tlog-policy file, and who of them cosigned a checkpoint. */
import { Option } from "commander";
import { UserError } from "../base/errors.js";
import { visible } from "../base/text.js";
import { showTime } from "../base/time.js";
import { judge, readPolicy } from "../ledger/policy.js";
import type { Vkey } from "../ledger/tlog/note.js";

export const policyOption = (what = "the witnesses that must have cosigned (C2SP tlog-policy)"): Option =>
  new Option("--policy <file>", what);

/**
 * @param key of the log, which is no witness of itself
 * @returns who cosigned a note, and when; it throws where the policy wants more
 */
export function witnessesOf(file: string, key: Vkey): (note: string) => readonly string[] {
  const policy = readPolicy(file);
  const own = policy.witnesses.find((witness) => witness.key.publicKey.equals(key.publicKey));
  if (own !== undefined)
    throw new UserError(`The witness ${visible(own.key.name)} of ${visible(file)} has the log's own key.`, {
      hint: "A log that witnesses itself proves nothing more: name witnesses of others.",
    });
  return (note) => {
    const { isMet, wanted, cosignatures } = judge(policy, note);
    if (!isMet)
      throw new UserError(`The policy's witnesses have not all cosigned it: it wants ${wanted}.`, { exitCode: 1 });
    return cosignatures.map(({ key: { name }, time }) => `${name} (${showTime(time)})`);
  };
}

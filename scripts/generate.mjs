// Generates what is derived from the tables in config/: verdicts, claims of a grant, members of bundles and configurations,
// headers that an allowed request loses, alarms of the ledger; and the page of the limits from assembly/limits.ts.
// `--check` writes nothing and fails when a generated file is stale.
import { alarmOutputs } from "./generate/alarms.mjs";
import { claimOutputs } from "./generate/claims.mjs";
import { limitOutputs } from "./generate/limits.mjs";
import { memberOutputs } from "./generate/members.mjs";
import { strippedOutputs } from "./generate/stripped.mjs";
import { verdictOutputs } from "./generate/verdicts.mjs";
import { writeAll } from "./generate/write.mjs";

writeAll({
  ...verdictOutputs,
  ...claimOutputs,
  ...memberOutputs,
  ...strippedOutputs,
  ...limitOutputs,
  ...alarmOutputs,
});

/** All cases of a drill, in the order in which they are played. */
import type { Case } from "../model.js";
import { approvalCases } from "./approvals.js";
import { bindingCases } from "./binding.js";
import { claimCases } from "./claims.js";
import { cryptoCases } from "./crypto.js";
import { kongCases } from "./kong.js";
import { pathCases } from "./path.js";
import { routeCases } from "./routes.js";
import { scopeCases } from "./scope.js";
import { scratchCases } from "./scratch.js";
import { scratchHardshipCases } from "./scratch-hardship.js";
import { scratchMortalCases } from "./scratch-mortal.js";
import { scratchTlsCases } from "./scratch-tls.js";
import { trickCases } from "./tricks.js";

export const cases: readonly Case[] = [
  ...pathCases,
  ...routeCases,
  ...claimCases,
  ...approvalCases,
  ...cryptoCases,
  ...bindingCases,
  ...scopeCases,
  ...trickCases,
  ...kongCases,
  ...scratchCases,
  ...scratchTlsCases,
  ...scratchHardshipCases,
  ...scratchMortalCases,
];

/** Of what is looked at and not sent: see facts.ts. */
export const FACTS = "gateway-state";

/** As `gateway verify` reads it: see configuration.ts. */
export const CONFIGURATION = "configuration";

/** That it goes on from what it was before the drill: see run.ts. */
export const LEDGER = "ledger";

/** Of all gateways at once, most by commands that the drill file names: see commands/. */
export const REVOKED = "revoked-everywhere";
export const PUSHED = "pushed";
export const ALERTS = "alerts";

export const caseNames: readonly string[] = [
  ...[FACTS, CONFIGURATION, LEDGER, REVOKED, PUSHED, ALERTS],
  ...cases.map(({ name }) => name),
];

/** One of the weaknesses beside a gateway where all is well. `npm run test:weaknesses` tries all, on scratch gateways as well. */
import { cases } from "../../control/drill/cases/index.js";
import { tryWeaknesses } from "./weakened.js";

tryWeaknesses({
  weaknesses: ["an entitlement twice as wide"],
  honest: ["the standard one"],
  skip: cases.flatMap(({ name, where }) => (where === "scratch" ? [name] : [])),
});

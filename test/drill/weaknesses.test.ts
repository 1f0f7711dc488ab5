/** Some of the weaknesses, of each kind one: by a bundle, a mode, a log, a route, a filter, a clock. `npm run test:weaknesses` tries all. */
import { tryWeaknesses } from "./weakened.js";

tryWeaknesses([
  "a clock an hour behind",
  "the filter off",
  "shadow mode left on",
  "an entitlement twice as wide",
  "a key not rotated",
  "the audit log at /dev/null",
  "a route with jwt_authn disabled",
  "the strip list shortened",
]);

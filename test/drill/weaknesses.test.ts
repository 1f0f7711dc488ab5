/** Some of the weaknesses, of some kinds one: a clock, a filter, a bundle, a route. `npm run test:weaknesses` tries all. */
import { tryWeaknesses } from "./weakened.js";

tryWeaknesses([
  "a clock an hour behind",
  "the filter off",
  "an entitlement twice as wide",
  "a route with jwt_authn disabled",
]);

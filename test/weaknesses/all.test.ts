/** All weaknesses, on a gateway each. */
import { tryWeaknesses } from "../drill/weakened.js";

tryWeaknesses();

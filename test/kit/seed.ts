/**
 * What is made up at random is the same in every run, so that a green suite is green again. GLASSGATE_SEED makes it other cases; the
 * soak commands do so by themselves.
 */
import fc from "fast-check";

export const SEED = Number(process.env.GLASSGATE_SEED ?? 1);

fc.configureGlobal({ seed: SEED });

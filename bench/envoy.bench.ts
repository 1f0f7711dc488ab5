/** Vitest compiles and runs the benchmark; nothing here passes or fails by a timing. */
import { it } from "vitest";

it("measures", async () => {
  await import("./run.js");
});

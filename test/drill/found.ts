/** What a drill found on a gateway into which a weakness was put: that one, named, and nothing else. */
import { expect } from "vitest";
import type { Assertion } from "../../control/drill/model.js";

export interface Weak {
  /** Cases that find it, and what each says; GATEWAY stands for its id. */
  readonly found: readonly (readonly [name: string, finding: RegExp])[];
  /** Cases that may find something besides. */
  readonly also?: readonly string[] | "anything";
}

/** @param failed on that gateway alone */
export function expectFound(failed: readonly Assertion[], gateway: string, { found, also = [] }: Weak): void {
  for (const [name, finding] of found) {
    const said = failed.flatMap((one) => (one.case === name ? [one.finding?.replaceAll(gateway, "GATEWAY")] : []));
    expect(said, name).toEqual(expect.arrayContaining([expect.stringMatching(finding)]));
  }
  if (also === "anything") return;
  const wanted = [...found.map(([name]) => name), ...also];
  expect(failed.filter((one) => !wanted.includes(one.case)).map(({ finding }) => finding)).toEqual([]);
}

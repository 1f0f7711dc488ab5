/** The first thing that is wrong with a report: the rest is not looked at. */
import { visible } from "../../base/text.js";
import { assertionName } from "./compare.js";
import type { Assertion, FaultResult } from "./model.js";

export class Wrong extends Error {}

export function must(holds: boolean, says: () => string): void {
  if (!holds) throw new Wrong(says());
}

/** Where in the report, for a person. Made only where it is told: a report has many of them. */
export type Place = () => string;
export const placeOf =
  (assertion: Assertion): Place =>
  () =>
    visible(assertionName(assertion));
export const placeOfFault =
  ({ name }: FaultResult): Place =>
  () =>
    `the fault ${visible(name)}`;

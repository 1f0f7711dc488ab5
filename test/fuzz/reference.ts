/** Holds what was allowed to the decision that was written a second time: test/reference. */
import { referenceDecision } from "../reference/decide.js";
import type { LeanRequest } from "./lean.js";

/** @returns the reference's verdict */
export function referenceOf(
  { headers, source, certificate }: LeanRequest,
  configuration: string,
  now: number,
): Promise<string> {
  const all = (name: string): string[] => headers.filter(([key]) => key === name).map(([, value]) => value);
  const [method = "", path = "", host = ""] = [":method", ":path", ":authority"].flatMap(all);
  const request = { method, path, host, isUpgrade: false, source, proofs: all("dpop") };
  return referenceDecision({
    configuration,
    grants: all("x-break-glass"),
    // Hexadecimal digits of either case are the same digest.
    request: certificate === undefined ? request : { ...request, certificate: certificate.toLowerCase() },
    now,
  });
}

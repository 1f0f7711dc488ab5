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
  // What is no digest is none, and hexadecimal digits of either case are the same.
  const digest =
    certificate !== undefined && /^[0-9a-f]{64}$/i.test(certificate) ? certificate.toLowerCase() : undefined;
  return referenceDecision({
    configuration,
    grants: all("x-break-glass"),
    request: digest === undefined ? request : { ...request, certificate: digest },
    now,
  });
}

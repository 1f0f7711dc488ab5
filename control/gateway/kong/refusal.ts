/** Why the filter could not use a configuration. At a Kong gateway it says so nowhere but in the log, and denies every grant. */
import { refusalOf } from "../push-preflight.js";
import { upstreamHeaderSchema } from "./configuration.js";

/** Everything but `upstream_header`, which the build for Envoy refuses, is the same on every host, and put to the built-in filter. */
export async function kongRefusalOf({
  upstream_header: header,
  ...rest
}: Readonly<Record<string, unknown>>): Promise<string | undefined> {
  const { error } = upstreamHeaderSchema.safeParse(header);
  const issue = error?.issues[0];
  if (issue !== undefined) return `${["upstream_header", ...issue.path].join(".")}: ${issue.message}`;
  if (rest.require !== true)
    return "require must be true: nothing but the filter stands before a Kong's break-glass route";
  if (rest.mode === "shadow")
    return "mode must not be shadow: nothing but the filter stands before a Kong's break-glass route";
  return refusalOf(JSON.stringify(rest));
}

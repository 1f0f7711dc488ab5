/** What a running Kong tells of its version and of kong.conf, as far as the filter's promises hang on it. */
import { visible } from "../../base/text.js";
import type { KongInfo } from "./admin.js";

/** 3.9.1 as 309; NaN where it tells none. */
export function versionNumber({ version }: KongInfo): number {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(version) ?? [];
  return Number(major) * 100 + Number(minor);
}

export interface Caution {
  /** Of kong.conf. */
  readonly member: string;
  readonly says: string;
}

const asList = (value: readonly string[] | string | null | undefined): readonly string[] =>
  typeof value === "string" ? [value] : (value ?? []);

function trusted(ips: readonly string[]): Caution[] {
  const member = "trusted_ips";
  if (ips.some((ip) => /^(?:0\.0\.0\.0\/0|::\/0)$/.test(ip)))
    return [
      {
        member,
        says: "trusted_ips holds every address: a caller's header says that it comes from loopback, and only the key stands before the second route",
      },
    ];
  if (ips.some((ip) => /^(?:127\.|::1|localhost)/.test(ip)))
    return [
      {
        member,
        says: "trusted_ips holds loopback: the gateway's own requests count as the caller's, and the second route denies them all",
      },
    ];
  return [];
}

/** Settings that take something away. */
export function cautionsOf(info: KongInfo): Caution[] {
  const { trusted_ips: ips, untrusted_lua: lua, untrusted_lua_sandbox_environment: environment } = info.configuration;
  const found: Caution[] = [];
  if (versionNumber(info) < 306)
    found.push({
      member: "version",
      says: `no record leaves: a Kong ${visible(info.version)} takes it and keeps it where no log plugin looks; 3.6 and later show it`,
    });
  found.push(...trusted(asList(ips)));
  const isShown = asList(environment).some((name) => name === "kong" || name === "kong.ctx");
  if (lua === "off" || (lua === "sandbox" && !isShown))
    found.push({
      member: "untrusted_lua_sandbox_environment",
      says: "no record leaves: kong.conf needs `untrusted_lua_sandbox_environment = kong.ctx` (kong.ctx.shared alone would be one request's for ever)",
    });
  return found;
}

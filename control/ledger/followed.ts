/** What is followed of a gateway on this machine, as `ledger.yaml` and `follow.yaml` both have it; and the values of such files. */
import { z } from "zod";
import { duration } from "../trust/roster-values.js";

export const MINUTE = 60;
/** Durations here are short: seconds without a unit are meant as such. */
export const seconds = (longest: number) => duration(longest, { least: 1, unit: "m" });

/** One name a gateway or sender has in every head: as entry.ts bounds it. */
export const named = z
  .string()
  .regex(/^[\x21-\x7e]{1,128}$/, "must be 1 to 128 printable ASCII characters without spaces");
export const file = z.string().min(1, "must name a file").max(4096);
export const addressPattern = /^(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):[0-9]{1,5}$/;
export const address = z.string().regex(addressPattern, "must be host:port, for example 127.0.0.1:7070");

export const logFileSchema = z.strictObject({
  path: file,
  /** How a container runtime wraps each line, and splits it at 16 KiB. */
  format: z.enum(["plain", "cri", "docker"]).default("plain"),
  /** Other programs' lines stand in it as well: only those of the gateway's audit and answers' logs are handed in. */
  mixed: z.boolean().default(false),
});
export type LogFile = z.infer<typeof logFileSchema>;
const plainFile = (path: string): LogFile => ({ path, format: "plain", mixed: false });
const logFile = z.union([file.transform(plainFile), logFileSchema]);
const logFiles = z.union([logFile.transform((one) => [one]), z.array(logFile).min(1).max(64)]);

export const gatewaySchema = z.strictObject({
  /** Its Envoy's node id: each of its VMs' names begins so. */
  id: named,
  audit: logFiles.optional(),
  answers: logFiles.optional(),
  /** Its admin interface, for the heartbeats. */
  admin: address.optional(),
  /** Its own configuration, which names its ECDS file: for the bundles that it serves. */
  envoy: file.optional(),
});
export type FollowedGateway = z.infer<typeof gatewaySchema>;

export const followed = {
  gateways: z.array(gatewaySchema).max(1024).default([]),
  /** How often the gauges are read. */
  heartbeat: seconds(10 * MINUTE).default(10),
};

export type At = (path: string) => string;
export const gatewaysAt = (gateways: readonly FollowedGateway[], at: At): FollowedGateway[] =>
  gateways.map((gateway) => ({
    ...gateway,
    ...(gateway.audit === undefined ? {} : { audit: gateway.audit.map((log) => ({ ...log, path: at(log.path) })) }),
    ...(gateway.answers === undefined
      ? {}
      : { answers: gateway.answers.map((log) => ({ ...log, path: at(log.path) })) }),
    ...(gateway.envoy === undefined ? {} : { envoy: at(gateway.envoy) }),
  }));

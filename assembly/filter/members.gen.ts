/** Generated from config/members.json by scripts/generate.mjs. Do not edit. */
import { CALLS_OUT, UPSTREAM_HEADERS } from "../host/gateway";
import { DEFAULT_LEEWAY, DEFAULT_TABLE_KIB, MAX_LEEWAY, MAX_RECEIPT_MS, MAX_ROOTS, MAX_SAFE_INTEGER, MAX_TABLE_KIB } from "../limits";
import { isLiteral } from "../text/bytes";
import { Loading } from "../trust/loading";

export enum ConfigurationMember {
  Generation = 1,
  Audience = 2,
  Roots = 4,
  Threshold = 8,
  Mode = 16,
  Require = 32,
  Leeway = 64,
  MinVersion = 128,
  TableMemoryKib = 256,
  Strip = 512,
  Keep = 1024,
  Bundle = 2048,
  Revocations = 4096,
  Receipt = 8192,
  UpstreamHeader = 16384,
}
export const REQUIRED_OF_CONFIGURATION: i32 = 15;
export const CONFIGURATION_LACKS: string = "it lacks one of generation, audience, roots, threshold";

/** The member of that name, or 0. */
export function configurationMember(ptr: usize, len: i32): i32 {
  if (isLiteral(ptr, len, "generation")) return ConfigurationMember.Generation;
  if (isLiteral(ptr, len, "audience")) return ConfigurationMember.Audience;
  if (isLiteral(ptr, len, "roots")) return ConfigurationMember.Roots;
  if (isLiteral(ptr, len, "threshold")) return ConfigurationMember.Threshold;
  if (isLiteral(ptr, len, "mode")) return ConfigurationMember.Mode;
  if (isLiteral(ptr, len, "require")) return ConfigurationMember.Require;
  if (isLiteral(ptr, len, "leeway")) return ConfigurationMember.Leeway;
  if (isLiteral(ptr, len, "min_version")) return ConfigurationMember.MinVersion;
  if (isLiteral(ptr, len, "table_memory_kib")) return ConfigurationMember.TableMemoryKib;
  if (isLiteral(ptr, len, "strip")) return ConfigurationMember.Strip;
  if (isLiteral(ptr, len, "keep")) return ConfigurationMember.Keep;
  if (isLiteral(ptr, len, "bundle")) return ConfigurationMember.Bundle;
  if (isLiteral(ptr, len, "revocations")) return ConfigurationMember.Revocations;
  if (CALLS_OUT && isLiteral(ptr, len, "receipt")) return ConfigurationMember.Receipt;
  if (UPSTREAM_HEADERS > 0 && isLiteral(ptr, len, "upstream_header")) return ConfigurationMember.UpstreamHeader;
  return 0;
}

export function readConfigurationGeneration(loading: Loading): i64 {
  return loading.integer(0, MAX_SAFE_INTEGER, "generation is not a whole number from 0 to 2^53 - 1");
}

export function readConfigurationThreshold(loading: Loading): i64 {
  return loading.integer(1, MAX_ROOTS, "threshold is not a whole number from 1 to 16");
}

export function readConfigurationLeeway(loading: Loading): i64 {
  return loading.integer(0, MAX_LEEWAY, "leeway is not a whole number from 0 to 60");
}

export function readConfigurationMinVersion(loading: Loading): i64 {
  return loading.integer(0, MAX_SAFE_INTEGER, "min_version is not a whole number from 0 to 2^53 - 1");
}

export function readConfigurationTableMemoryKib(loading: Loading): i64 {
  return loading.integer(0, MAX_TABLE_KIB, "table_memory_kib is not a whole number from 0 to 32768");
}

export enum ReceiptMember {
  Cluster = 1,
  Path = 2,
  Authority = 4,
  TimeoutMs = 8,
}
export const REQUIRED_OF_RECEIPT: i32 = 3;
export const RECEIPT_LACKS: string = "a receipt lacks one of cluster, path";

/** The member of that name, or 0. */
export function receiptMember(ptr: usize, len: i32): i32 {
  if (isLiteral(ptr, len, "cluster")) return ReceiptMember.Cluster;
  if (isLiteral(ptr, len, "path")) return ReceiptMember.Path;
  if (isLiteral(ptr, len, "authority")) return ReceiptMember.Authority;
  if (isLiteral(ptr, len, "timeout_ms")) return ReceiptMember.TimeoutMs;
  return 0;
}

export function readReceiptTimeoutMs(loading: Loading): i64 {
  return loading.integer(1, MAX_RECEIPT_MS, "timeout_ms is not a whole number from 1 to 500");
}

/** Members that are a number or a boolean. */
export class PlainSettings {
  generation: i64 = 0;
  requiresGrant: bool = false;
  leeway: i64 = 0;
  minVersion: i64 = 0;
  tableKib: i64 = 0;
}

export function setDefaults(into: PlainSettings): void {
  into.leeway = DEFAULT_LEEWAY;
  into.tableKib = DEFAULT_TABLE_KIB;
}

/** Reads the member's value if it is plain; false where it is not. */
export function readPlain(member: i32, loading: Loading, into: PlainSettings): bool {
  switch (member) {
    case ConfigurationMember.Generation:
      into.generation = readConfigurationGeneration(loading);
      return true;
    case ConfigurationMember.Require:
      into.requiresGrant = loading.reader.boolean();
      return true;
    case ConfigurationMember.Leeway:
      into.leeway = readConfigurationLeeway(loading);
      return true;
    case ConfigurationMember.MinVersion:
      into.minVersion = readConfigurationMinVersion(loading);
      return true;
    case ConfigurationMember.TableMemoryKib:
      into.tableKib = readConfigurationTableMemoryKib(loading);
      return true;
    default:
      return false;
  }
}

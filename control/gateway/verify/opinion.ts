/**
 * Envoy's own opinion of the file, where there is an Envoy: `--mode validate` refuses misspelt fields and wrong values. What it gets
 * is a copy in which logs go nowhere and files that are not on this machine are replaced, so that nothing is opened or written.
 */
import { execFile } from "node:child_process";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { childEnvironment } from "../environment.js";
import { findEnvoy, isEnvoyHere } from "../find.js";
import { makeTemporary, reasonFrom } from "../run.js";
import { everyValue, typeName, type Value } from "./value.js";

const run = promisify(execFile);

export interface Opinion {
  /** Envoy's sentence, where it refuses the file. */
  readonly refusal?: string;
  /** What could not be put to it, in words. */
  readonly unchecked: readonly string[];
}

/** Any key will do: it is never used. */
const JWKS = JSON.stringify({
  keys: [{ kty: "OKP", crv: "Ed25519", alg: "EdDSA", kid: "none", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }],
});

/** The copy: the same fields and values, other files. @returns the files that are missing here */
function copyOf(root: Value, folder: string): { text: string; missing: string[] } {
  const missing: string[] = [];
  const jwks = join(folder, "jwks.json");
  const ecds = join(folder, "ecds.json");
  writeFileSync(jwks, JWKS);
  writeFileSync(ecds, '{"resources":[]}');
  const isMissing = (path: string | undefined): path is string => {
    if (path === undefined || existsSync(path)) return false;
    missing.push(path);
    return true;
  };
  const replace = (value: Value, key: string): unknown => {
    const fields = value.map;
    if (fields !== undefined && (key === "path_config_source" || key === "pathConfigSource")) {
      return isMissing(fields.get("path")?.text) ? { path: ecds, watched_directory: { path: folder } } : undefined;
    }
    if (fields !== undefined && typeName(fields.get("@type")?.text ?? "").endsWith(".FileAccessLog")) {
      const rest = Object.fromEntries([...fields].filter(([name]) => name !== "path"));
      const copied = Object.entries(rest).map(([name, inner]) => [name, inner.toJson(replace, name)] as const);
      return { ...Object.fromEntries(copied), path: "/dev/null" };
    }
    // The plugin would run: what it holds may be a placeholder, and the walk knows each of its fields.
    if (key === "default_config" || key === "defaultConfig") return null;
    if (key === "access_log_path" || key === "profile_path") return "/dev/null";
    if (key === "filename" && typeof value.data === "string" && isMissing(value.data))
      return value.data.endsWith(".json") ? jwks : undefined;
    return undefined;
  };
  return { text: JSON.stringify(root.toJson(replace)), missing };
}

/** Envoy's own sentence, without what speaks of the copy and not of the file. */
function sentenceFrom(log: string): string {
  const lines = log.split("\n");
  const telling = lines.find((line) => line.includes("error initializing configuration"));
  if (telling === undefined) return reasonFrom(log).message.replace(/^Envoy refused the configuration: /, "");
  const sentence = telling.replace(/^.*?error initializing configuration '[^']*': /, "").replace(/\s+/g, " ");
  const inner = /^Protobuf message \(type \S+ reason INVALID_ARGUMENT: (.*)\) has unknown fields$/.exec(sentence)?.[1];
  return (inner ?? sentence).replace(/,? near \d+:\d+ \(offset \d+\)/g, "");
}

/** Refusals that are about this machine or a placeholder, and not about the file. */
const LOCAL = /does not exist|no such file|unable to (?:read|open)|invalid path|not found:|wasm|permission denied/i;

/** Refusals that are about the text alone. */
const FIELDS = /no such field|unknown enum value|unable to parse|could not parse|invalid (?:json|value)|expected /i;

/** Refusals that are about a cluster which may come by xDS. */
const CLUSTER =
  /\bcluster '[^']*' must be defined|unknown (?:\w+ )*cluster|no such cluster|\bcluster\b.*(?:not found|does not exist)/i;

/** @param byXds whether a part of the gateway is not in the file @returns undefined where there is no Envoy to ask */
export async function envoysOpinion(root: Value, byXds: boolean): Promise<Opinion | undefined> {
  if (!isEnvoyHere()) return undefined;
  const { command } = await findEnvoy();
  const folder = makeTemporary("glassgate-verify-");
  try {
    const { text, missing } = copyOf(root, folder);
    const path = join(folder, "envoy.json");
    writeFileSync(path, text, { mode: 0o600 });
    const unchecked = missing.map((file) => `${file} is not on this machine`);
    const [program, ...before] = command;
    try {
      await run(program, [...before, "--mode", "validate", "-c", path, "--disable-hot-restart", "-l", "warning"], {
        timeout: 30_000,
        env: childEnvironment(),
        maxBuffer: 16 * 1024 * 1024,
      });
      return { unchecked };
    } catch (error) {
      const log = typeof error === "object" && error !== null && "stderr" in error ? String(error.stderr) : "";
      const sentence = sentenceFrom(log);
      const isLocal = LOCAL.test(sentence) || missing.some((file) => sentence.includes(file)) || log.trim() === "";
      if (isLocal && !FIELDS.test(sentence)) return { unchecked: [...unchecked, sentence] };
      if (byXds && CLUSTER.test(sentence) && !FIELDS.test(sentence))
        return { unchecked: [...unchecked, `a cluster that may come by xDS could not be checked here: ${sentence}`] };
      return { refusal: sentence, unchecked };
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The line that a refusal speaks of: of the field or value that it names. */
export function lineOfRefusal(root: Value, refusal: string): number {
  const field = /no such field: '([^']+)'/.exec(refusal)?.[1];
  const text = /unknown enum value: '([^']+)'/.exec(refusal)?.[1];
  for (const { value } of everyValue(root)) {
    const named = field === undefined ? undefined : value.map?.get(field);
    if (named !== undefined) return named.line;
    if (text !== undefined && value.data === text) return value.line;
  }
  return 1;
}

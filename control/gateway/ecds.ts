/** The ECDS file: what Envoy's filesystem subscription reads. It watches renames only, so the file is never written in place. */
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { systemCode, UserError } from "../base/errors.js";
import { writeText } from "../base/files.js";
import { isRecord } from "../base/schema.js";
import { type Configuration, configurationSchema, deployedSchema, setByRender } from "../trust/configuration.js";
import { WASM_TYPE } from "./config.js";
import { member, type RenderedFilter } from "./rendered.js";

/** The DiscoveryResponse with the filter, its configuration and, for healing, another VM. */
export function ecdsText(
  filter: RenderedFilter,
  configuration: string,
  vmId: string | undefined,
  version: string,
): string {
  const vmConfig = isRecord(filter.config.vm_config) ? filter.config.vm_config : {};
  const config = {
    ...filter.config,
    vm_config: vmId === undefined ? vmConfig : { ...vmConfig, vm_id: vmId },
    configuration: { "@type": "type.googleapis.com/google.protobuf.StringValue", value: configuration },
  };
  const resource = {
    "@type": "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig",
    name: filter.name,
    typed_config: { "@type": WASM_TYPE, config },
  };
  return `${JSON.stringify({ version_info: version, resources: [resource] }, null, 2)}\n`;
}

export function writeEcds(path: string, text: string): void {
  try {
    writeText(path, text, { mode: 0o644 });
  } catch (error) {
    if (!(error instanceof UserError) || systemCode(error.cause) !== "EBUSY") throw error;
    throw new UserError(error.message, {
      cause: error,
      hint: "It is most likely mounted by itself. Mount its folder, which Envoy watches.",
    });
  }
}

/** The configuration text in the filter's default_config: no bundle. */
export function defaultConfiguration(filter: RenderedFilter): string {
  const { configuration } = filter.config;
  const value = isRecord(configuration) ? configuration.value : undefined;
  return typeof value === "string" ? value : "";
}

export function vmIdOf(filter: RenderedFilter): string {
  const { vm_config: vmConfig } = filter.config;
  const id = isRecord(vmConfig) ? vmConfig.vm_id : undefined;
  return typeof id === "string" ? id : "glassgate-1";
}

/** The filter in a text of the ECDS file, whoever wrote it: by either name that the protocol has for a member. */
function filterIn(text: string): { vmId: string; code: unknown; failurePolicy: unknown; configuration: unknown } {
  const resources = z.tuple([z.unknown()]).parse(member(JSON.parse(text), "resources"));
  const config = member(resources[0], "typed_config", "config");
  const value = member(config, "configuration", "value");
  return {
    vmId: z.string().parse(member(config, "vm_config", "vm_id")),
    code: member(config, "vm_config", "code"),
    failurePolicy: member(config, "failure_policy"),
    // A Struct is handed to the filter as JSON, too.
    configuration: isRecord(value) ? value : JSON.parse(z.string().parse(value)),
  };
}

/** A signed bundle, read without verifying anything: the filter verifies. */
export interface Bundle {
  readonly text: string;
  readonly version: number;
  readonly iat: number;
  readonly exp: number;
  /** The signed bytes: two texts with one payload differ in their signatures only. */
  readonly payload: string;
}

const claims = z.object({ version: z.int().nonnegative(), iat: z.int().nonnegative(), exp: z.int().nonnegative() });

/** Undefined where the text is no bundle. */
export function readBundle(text: string): Bundle | undefined {
  const payload = text.split(".", 2)[1] ?? "";
  try {
    return { text, payload, ...claims.parse(JSON.parse(Buffer.from(payload, "base64url").toString("utf8"))) };
  } catch {
    return undefined; // The caller says what it was that is none.
  }
}

/** What is pushed, and the version that it is pushed as. */
export function signedBundle({ version, text }: { readonly version: number; readonly text: string }): Bundle {
  const bundle = readBundle(text);
  if (bundle?.version === version) return bundle;
  throw new UserError(`That is no signed bundle of version ${version}.`, {
    hint: "It is the output of `glassgate bundle sign`; copy it whole.",
  });
}

export interface Deployed {
  readonly text: string;
  readonly vmId: string;
  /** With what only a newer glassgate knows. */
  readonly configuration: Configuration;
  readonly bundle: Bundle | undefined;
}

/** The configuration in a text of the ECDS file; undefined when it is not what `push` writes. */
export function readEcds(text: string): Deployed | undefined {
  try {
    const { vmId, configuration: held } = filterIn(text);
    const configuration = deployedSchema.parse(held);
    const bundle = configuration.bundle === undefined ? undefined : readBundle(configuration.bundle);
    return { text, vmId, configuration, bundle };
  } catch {
    return undefined; // Not ours, or damaged: push writes a whole new one.
  }
}

/** The parts that a gateway's own file decides: the ECDS file has them as they were when it was last written. */
const DECIDED = ["audience", "roots", "threshold", ...setByRender] as const;

/**
 * What the gateway's file and the ECDS file say differently: the latter serves, until the next push writes it anew. Empty where they
 * agree; undefined where the text is no ECDS file of the filter's, so that default_config serves.
 */
export function differing(filter: RenderedFilter, text: string): string[] | undefined {
  const deployed = readEcds(text);
  const rendered = deployedSchema.safeParse(parsed(defaultConfiguration(filter))).data;
  if (deployed === undefined || rendered === undefined) return deployed === undefined ? undefined : [];
  const members = DECIDED.filter((name) => !isDeepStrictEqual(deployed.configuration[name], rendered[name]));
  const { code, failurePolicy } = filterIn(text);
  const isOtherCode = !isDeepStrictEqual(code, member(filter.config, "vm_config", "code"));
  const isOtherPolicy = failurePolicy !== member(filter.config, "failure_policy");
  return [...members, ...(isOtherCode ? ["code"] : []), ...(isOtherPolicy ? ["failure_policy"] : [])];
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined; // A template's placeholder.
  }
}

/**
 * Members of a configuration of ours that are not read here as they stand: of another name, or with another value, as a later
 * glassgate may write them.
 */
export function notUnderstood(text: string): string[] {
  try {
    const { configuration } = filterIn(text);
    if (!isRecord(configuration) || configuration.audience === undefined) return [];
    const { error } = configurationSchema.safeParse(configuration);
    const names = error?.issues.flatMap((issue) =>
      issue.code === "unrecognized_keys" && issue.path.length === 0 ? issue.keys : [String(issue.path[0] ?? "")],
    );
    return [...new Set(names)];
  } catch {
    return []; // Damaged, or not ours: there is nothing to keep.
  }
}

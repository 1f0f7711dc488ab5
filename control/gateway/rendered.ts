/** A rendered configuration read back: which filter `push` writes, and where. */
import { parseDocument } from "yaml";
import { UserError } from "../base/errors.js";
import { isRecord } from "../base/schema.js";
import { child, items, mapsOfType, scalar, WASM_TYPE } from "./config.js";

/** The filter as a rendered configuration has it: what `push` writes with a bundle added. */
export interface RenderedFilter {
  readonly name: string;
  readonly ecdsPath: string;
  /** The Wasm extension's `config`, as JSON. */
  readonly config: Readonly<Record<string, unknown>>;
}

/** Reads the filter back from a rendered configuration. @param file names it in errors */
export function readRenderedFilter(text: string, file: string): RenderedFilter {
  const document = parseDocument(text);
  for (const wasm of mapsOfType(document, WASM_TYPE.slice(WASM_TYPE.lastIndexOf(".")))) {
    const config: unknown = child(document, wasm, "config")?.toJS(document);
    const owner = mapsOfType(document, ".HttpConnectionManager")
      .flatMap((manager) => items(document, manager, "http_filters"))
      .find((filter) => child(document, filter, "config_discovery", "default_config") === wasm);
    const name = scalar(document, owner, "name");
    const ecdsPath = scalar(document, owner, "config_discovery", "config_source", "path_config_source", "path");
    if (typeof name !== "string" || typeof ecdsPath !== "string" || !isRecord(config)) continue;
    return { name, ecdsPath, config };
  }
  throw new UserError(`${file} has no glassgate filter by ECDS with a default_config.`, {
    hint: "`glassgate gateway render` writes a complete one; `glassgate gateway verify` says what is missing.",
  });
}

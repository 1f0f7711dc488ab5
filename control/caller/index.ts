/**
 * `glassgate/caller`: using a grant from a Node program (docs/using.md).
 * A program under `glassgate run` needs none of it: it sends its requests to GLASSGATE_URL.
 */
import { join } from "node:path";
import { readKeyFile, unlockKey } from "../signer/keyfile.js";
import type { Credential } from "./credential.js";
import { openGrant, readGrantFile } from "./open.js";

export { authorize, type Credential, type Destination } from "./credential.js";
export { breakGlassFetch } from "./fetch.js";
export { type ProxyOptions, type RunningProxy, startProxy } from "./proxy.js";

export interface GrantFile {
  /** What `glassgate grant --output` wrote. */
  readonly file: string;
  /** The folder of keys; needed for a grant that is bound to a proof key. */
  readonly keys?: string;
  /** Of the requester's key. */
  readonly passphrase?: string;
}

/** Reads a grant and opens its proof key. */
export async function readGrant({ file, keys = "", passphrase = "" }: GrantFile): Promise<Credential> {
  const { credential } = await openGrant(readGrantFile(file), keys, (name) =>
    unlockKey(readKeyFile(join(keys, `${name}.key.json`)), passphrase),
  );
  return credential;
}

/** A store by its s3:// place: its address, region and keys as told, or as the environment has them. */
import { UserError } from "../../base/errors.js";
import { type CredentialSource, environmentCredentials, processCredentials } from "./credentials.js";
import { S3Store } from "./store.js";
import { parseTarget } from "./target.js";

export interface StoreOptions {
  readonly endpoint?: string | undefined;
  readonly region?: string | undefined;
  /** A program that prints the keys, in the form that AWS calls `credential_process`. */
  readonly credentialProcess?: string | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

const given = (option: string | undefined, env: Environment, ...names: readonly string[]): string | undefined =>
  option ?? names.map((name) => env[name]).find((value) => value !== undefined && value !== "");

function endpointOf({ endpoint }: StoreOptions, region: string | undefined, env: Environment): string {
  const found = given(endpoint, env, "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL");
  if (found !== undefined) return found;
  if (region !== undefined) return `https://s3.${region}.amazonaws.com`;
  throw new UserError("It is not said where the store is.", {
    hint: "Name its address with --endpoint or AWS_ENDPOINT_URL_S3; for Amazon's own a region is enough: --region or AWS_REGION.",
  });
}

export function openStore(to: string, options: StoreOptions, env: Environment = process.env): S3Store {
  const region = given(options.region, env, "AWS_REGION", "AWS_DEFAULT_REGION");
  const target = parseTarget(to, endpointOf(options, region, env), region);
  const command = given(options.credentialProcess, env, "GLASSGATE_CREDENTIAL_PROCESS");
  const credentials: CredentialSource =
    command === undefined ? environmentCredentials(env) : processCredentials(command);
  return new S3Store(target, credentials);
}

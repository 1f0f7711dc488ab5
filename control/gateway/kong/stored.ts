/** What a Kong with a database holds, entity by entity, as one declarative configuration. */
import type { KongAdmin } from "./admin.js";

/** As the Admin API calls each kind of a declarative file. */
const LISTS = {
  ...{ services: "/services", routes: "/routes", plugins: "/plugins", consumers: "/consumers" },
  ...{ keyauth_credentials: "/key-auths", acls: "/acls", upstreams: "/upstreams", filter_chains: "/filter-chains" },
} as const;

/** The text holds keys. */
export async function storedIn(admin: KongAdmin): Promise<string> {
  const kinds: Record<string, Readonly<Record<string, unknown>>[]> = {};
  for (const [kind, path] of Object.entries(LISTS)) kinds[kind] = await admin.all(path);
  kinds.targets = [];
  for (const { id } of kinds.upstreams ?? [])
    kinds.targets.push(...(await admin.all(`/upstreams/${encodeURIComponent(String(id))}/targets`)));
  return JSON.stringify({ _format_version: "3.0", ...kinds });
}

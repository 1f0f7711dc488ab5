/** What no single member of a roster shows: things that occur twice, and the filter's limits (assembly/limits.ts), each at its line. */
import type { z } from "zod";
import { type BundleClaims, roleName } from "./claims.js";
import { memberNames } from "./members.gen.js";
import { overlapOf } from "./overlap.js";

const MAX_KEYS = 8192;
const MAX_ROLES = 1024;
const MAX_ROLES_OF_PRINCIPAL = 64;
const MAX_PATH_BYTES = 32 * 1024;
const MAX_REVOKED = 4096;
const MAX_REVOKED_BYTES = 64;
const MAX_QUORUM = 8;

type Checked = Pick<BundleClaims, "principals" | "entitlements" | "revoked">;
type Path = (string | number)[];
type Refuse = (path: Path, message: string) => void;
type Once = (kind: string, id: string, path: Path) => void;

function checkWindow(window: { nbf?: number | undefined; exp?: number | undefined }, path: Path, refuse: Refuse): void {
  if (window.exp !== undefined && window.exp <= (window.nbf ?? 0))
    refuse(
      [...path, "exp"],
      window.exp === 0 ? "is 1970; leave it out where there is to be no limit" : "is not after nbf",
    );
}

function checkPrincipals({ principals }: Checked, once: Once, refuse: Refuse): void {
  let keys = 0;
  const roles = new Set<string>();
  principals.forEach((principal, i) => {
    const path = ["principals", i];
    once("principal", principal.id, [...path, "id"]);
    const held = new Set<string>();
    if (principal.roles.length > MAX_ROLES_OF_PRINCIPAL)
      refuse(
        [...path, "roles", MAX_ROLES_OF_PRINCIPAL],
        `is one too many: a principal has at most ${MAX_ROLES_OF_PRINCIPAL} roles`,
      );
    principal.roles.forEach((role, j) => {
      if (typeof role !== "string") checkWindow(role, [...path, "roles", j], refuse);
      const text = JSON.stringify(role);
      if (held.has(text)) refuse([...path, "roles", j], "stands here twice");
      held.add(text);
      if (roles.size === MAX_ROLES && !roles.has(roleName(role)))
        refuse([...path, "roles", j], `is one too many: a bundle holds ${MAX_ROLES} different roles`);
      roles.add(roleName(role));
    });
    principal.keys.forEach((key, j) => {
      once("key", key.kid, [...path, "keys", j, "kid"]);
      checkWindow(key, [...path, "keys", j], refuse);
      keys += 1;
      if (keys === MAX_KEYS + 1) refuse([...path, "keys", j], `is one too many: a bundle holds ${MAX_KEYS} keys`);
    });
  });
}

function checkEntitlements({ entitlements }: Checked, once: Once, refuse: Refuse): void {
  entitlements.forEach((entitlement, i) => {
    const path = ["entitlements", i];
    once("entitlement", entitlement.id, [...path, "id"]);
    let quorum = 0;
    const isOver = entitlement.approvals.findIndex(({ count }) => {
      quorum += count;
      return quorum > MAX_QUORUM;
    });
    if (isOver >= 0)
      refuse([...path, "approvals", isOver, "count"], `makes it more than ${MAX_QUORUM} approvals together`);
    if ((entitlement.max_wait ?? 0) > 0 && entitlement.approvals.length === 0)
      refuse([...path, "max_wait"], "has nothing to wait for: approvals is empty");
    let bytes = 0;
    for (const { paths } of entitlement.authorization_details)
      for (const pattern of paths) bytes += Buffer.byteLength(pattern);
    if (bytes > MAX_PATH_BYTES)
      refuse([...path, "authorization_details"], `has paths of more than ${MAX_PATH_BYTES} bytes together`);
  });
}

/** A drill's grant is never a quiet real one: it opens nothing that another entitlement opens. */
function checkDrills({ entitlements }: Checked, refuse: Refuse): void {
  const others = entitlements.filter(({ drill }) => drill !== true);
  entitlements.forEach((entitlement, i) => {
    if (entitlement.drill !== true) return;
    for (const other of others) {
      const found = entitlement.authorization_details.flatMap((own, at) =>
        other.authorization_details.flatMap((detail) => {
          const request = overlapOf(own, detail);
          return request === undefined ? [] : [[at, request] as const];
        }),
      )[0];
      if (found === undefined) continue;
      const [at, request] = found;
      refuse(
        ["entitlements", i, "authorization_details", at],
        `of the drill ${entitlement.id} overlaps ${other.id}: both open ${request}. Give drills a place that no other entitlement opens, such as a path below /drill/, or narrow ${other.id}`,
      );
    }
  });
}

function checkRevoked({ revoked }: Checked, refuse: Refuse): void {
  for (const kind of memberNames.revoked) {
    const names = revoked?.[kind] ?? [];
    if (names.length > MAX_REVOKED)
      refuse(["revoked", kind, MAX_REVOKED], `is one too many: a bundle revokes at most ${MAX_REVOKED} of a kind`);
    names.forEach((text, i) => {
      if (typeof text !== "string") return;
      const path = ["revoked", kind, i];
      if (Buffer.byteLength(text) > MAX_REVOKED_BYTES)
        refuse(path, `is longer than ${MAX_REVOKED_BYTES} bytes: no grant can name it, so it would take nothing back`);
      // The filter compares byte for byte: a blank that came with copying would make it match nothing.
      else if (text !== text.trim())
        refuse(path, `has white space around it, which is compared as well: write ${JSON.stringify(text.trim())}`);
    });
  }
}

/** For zod's superRefine: the members are well formed each. */
export function checkRoster(roster: Checked, context: z.core.$RefinementCtx): void {
  const refuse: Refuse = (path, message) => context.addIssue({ code: "custom", path, message });
  const seen = new Set<string>();
  const once: Once = (kind, id, path) => {
    if (seen.has(`${kind} ${id}`)) refuse(path, `the ${kind} ${id} occurs twice`);
    seen.add(`${kind} ${id}`);
  };
  checkPrincipals(roster, once, refuse);
  checkEntitlements(roster, once, refuse);
  checkDrills(roster, refuse);
  checkRevoked(roster, refuse);
}

/** Every constant bound of the filter, each with its reason. A bound elsewhere is a defect. */

/** A grant's header value in bytes (DESIGN.md: 8 KiB, fits beside other headers under the usual 60 KiB limit). */
export const MAX_GRANT_BYTES: i32 = 8192;
/** Approvals in one grant: a quorum of more than 8 people cannot be had in an emergency. */
export const MAX_APPROVALS: i32 = 8;
/** JSON nesting; our deepest claim needs 4. */
export const MAX_JSON_DEPTH: i32 = 8;
/** A plugin configuration in bytes: a bundle of the largest size, its anchors and JSON escapes. */
export const MAX_CONFIGURATION_BYTES: i32 = 768 * 1024;
/** A trust bundle's text in bytes: about 2,000 principals. */
export const MAX_BUNDLE_BYTES: i32 = 512 * 1024;
/** Signatures on one bundle, those of keys that are no roots included. */
export const MAX_BUNDLE_SIGNATURES: i32 = 16;
/** Root keys pinned at a gateway. */
export const MAX_ROOTS: i32 = 16;
/** Principals, keys, entitlements and distinct roles of one bundle. */
export const MAX_PRINCIPALS: i32 = 4096;
export const MAX_KEYS: i32 = 8192;
export const MAX_ENTITLEMENTS: i32 = 1024;
export const MAX_ROLES: i32 = 1024;
/** Revoked names of each kind in one bundle. */
export const MAX_REVOKED: i32 = 4096;
/** Names of principals, roles, entitlements, reasons, audiences. */
export const MAX_NAME_BYTES: i32 = 64;
/** `text` of a grant, in bytes. */
export const MAX_TEXT_BYTES: i32 = 1000;
/** `incident` of a grant, in bytes. */
export const MAX_INCIDENT_BYTES: i32 = 64;
/** A host with its port: 253 of DNS and room for the port. */
export const MAX_HOST_BYTES: i32 = 255;
/** A method's name. */
export const MAX_METHOD_BYTES: i32 = 32;
/** A path pattern. */
export const MAX_PATTERN_BYTES: i32 = 1024;
/** Details in one grant or entitlement, and the lists inside one detail. */
export const MAX_DETAILS: i32 = 16;
export const MAX_LOCATIONS: i32 = 16;
export const MAX_ACTIONS: i32 = 16;
export const MAX_PATHS: i32 = 32;
/** Audiences named by one grant or bundle. */
export const MAX_AUDIENCES: i32 = 16;
/** Reasons, requester roles of one entitlement. */
export const MAX_REASONS: i32 = 64;
export const MAX_REQUESTER_ROLES: i32 = 64;
/** Header names in `strip`. */
export const MAX_STRIP: i32 = 32;
/** Leeway in seconds. */
export const MAX_LEEWAY: i64 = 60;
/**
 * Memory for tables of multiples in KiB, taken as keys come into use: 952 for both base points and 256 a key, so 12 keys by
 * default. 1208 is the least that gives any.
 */
export const DEFAULT_TABLE_KIB: i64 = 4096;
export const MAX_TABLE_KIB: i64 = 32768;
/** Largest NumericDate: 2^53 - 1, what every JSON reader keeps exact (RFC 8259, section 6). */
export const MAX_SAFE_INTEGER: i64 = 9007199254740991;

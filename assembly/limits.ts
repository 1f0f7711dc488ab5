/**
 * Every bound of an input, and of what a VM holds, each with its reason. A number that only lays out memory or paces work inside one
 * file (blocks, retries, periods) stands there.
 */

/** A grant's header value in bytes (docs/grant-format.md: 8 KiB, fits beside other headers under the usual 60 KiB limit). */
export const MAX_GRANT_BYTES: i32 = 8192;
/** Approvals in one grant: a quorum of more than 8 people cannot be had in an emergency. */
export const MAX_APPROVALS: i32 = 8;
/** The header `DPoP`: as long as a grant may be. Its `htu` repeats the path; other clients' proofs have a few hundred bytes. */
export const MAX_PROOF_BYTES: i32 = 8192;
/** Members of the objects of a proof that are open at once, unknown ones included: each new name is compared with them. */
export const MAX_PROOF_MEMBERS: i32 = 64;
/** `jti` of a proof. */
export const MAX_PROOF_ID_BYTES: i32 = 256;
/** Seconds that a proof's `iat` may be away from now, either way. A used one is remembered until it has passed. */
export const MAX_PROOF_AGE: i64 = 60;
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
/** Roles of one principal, a window each: every request compares them with the roles that its entitlement asks for. */
export const MAX_ROLES_OF_PRINCIPAL: i32 = 64;
/** Path patterns of one entitlement, in bytes together: a request may compare its path with each. 512 of 64 bytes. */
export const MAX_ENTITLEMENT_PATH_BYTES: i32 = 32 * 1024;
/** Revoked names of each kind in one bundle, and in one text of urgent revocations. */
export const MAX_REVOKED: i32 = 4096;
/** Roles in `revokers` and in `reviewers`. */
export const MAX_REVOKER_ROLES: i32 = 64;
export const MAX_REVIEWER_ROLES: i32 = 64;
/** Keys that may sign receipts: a ledger's and its successor's, in each region. */
export const MAX_LEDGERS: i32 = 16;
/** Signers in a bundle's `texts`: everybody who ever revoked and may do so again. */
export const MAX_FLOORS: i32 = 1024;
/** Texts of urgent revocations in one configuration, and their bytes together: they stand beside a bundle of the largest size. */
export const MAX_TEXTS: i32 = 8;
export const MAX_TEXTS_BYTES: i32 = 192 * 1024;
/** Signers whose texts a domain remembers, those that the newest configuration leaves out included: each request asks each text. */
export const MAX_REMEMBERED_TEXTS: i32 = 16;
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
/** Networks that one grant may come from: a request is compared with each. */
export const MAX_NETWORKS: i32 = 16;
/** Seconds that an entitlement may give for gathering approvals: who is in an emergency has them within the hour, or asks anew. */
export const MAX_WAIT: i64 = 3600;
/** Reasons, requester roles of one entitlement. */
export const MAX_REASONS: i32 = 64;
export const MAX_REQUESTER_ROLES: i32 = 64;
/** Header names in `strip`. */
export const MAX_STRIP: i32 = 32;
/** Leeway in seconds: clocks that are kept by NTP are closer. */
export const DEFAULT_LEEWAY: i64 = 5;
export const MAX_LEEWAY: i64 = 60;
/** A ledger's receipt as it answers: a JWS of four members. */
export const MAX_RECEIPT_BYTES: i32 = 2048;
/** `origin` of a receipt: the name of a log. */
export const MAX_ORIGIN_BYTES: i32 = 255;
/** Seconds that a receipt's `iat` may be away from now, either way: as of a proof. It is made while the request waits. */
export const MAX_RECEIPT_AGE: i64 = 60;
/** Milliseconds that a request waits for its receipt: nobody in an emergency should notice, and a ledger answers in tens. */
export const DEFAULT_RECEIPT_MS: i64 = 500;
export const MAX_RECEIPT_MS: i64 = 500;
/** Where receipts come from: names of a cluster, a path. */
export const MAX_CLUSTER_BYTES: i32 = 255;
export const MAX_RECEIPT_PATH_BYTES: i32 = 255;
/** The value of `upstream_header`: a key of a gateway's own authentication. */
export const MAX_UPSTREAM_VALUE_BYTES: i32 = 512;
/**
 * Memory for tables of multiples in KiB, taken as keys come into use: 952 for both base points and 256 a key, so 12 keys by
 * default. 1208 is the least that gives any.
 */
export const DEFAULT_TABLE_KIB: i64 = 4096;
export const MAX_TABLE_KIB: i64 = 32768;

// ---- What one VM holds. docs/operator-guide.md ("How full a gateway is") says what shows it before it bites.

/**
 * Configurations side by side: listeners, and generations with streams still open. A power of two (contexts.ts), and as many as
 * CONFIGURATION_MEMORY has room for with nothing but their settings of 16 KiB.
 */
export const MAX_CONTEXTS: i32 = 4096;
/** Pairs of audience and roots that are served at once: teams and listeners with roots of their own. */
export const MAX_DOMAINS: i32 = 64;
/** Live streams: three quarters of a million places, more than the connections that one worker can carry. */
export const MAX_STREAMS: i32 = 786432;
/**
 * Different grants with a stream open, each of which is judged again twice a second: 15,360, as many as OPEN_GRANT_MEMORY has
 * room for. A stream more under one of them takes nothing. A grant more than these is denied before it opens anything, as nobody
 * could end it.
 */
export const MAX_OPEN_GRANTS: i32 = 15360;
/** Of them, those of one requester: more than anybody works under at once, and a fifteenth, so that one cannot keep all others out. */
export const MAX_OPEN_GRANTS_OF_REQUESTER: i32 = 1024;
/** Accepted grants that are kept parsed, each of which a look-up asks: further ones are verified anew, and the one unused longest goes. */
export const MAX_CACHED_GRANTS: i32 = 64;
/** A record in bytes; filter/record.ts has the sum. Its evidence, which is a grant, stands on a line of its own. */
export const MAX_RECORD_BYTES: i32 = 8192;
/** Records a second and VM of denials before the requester's signature held. */
export const MAX_UNPROVEN_RECORDS: i32 = 100;
/** Records a second, VM and requester's key of denials after it. The first of each verdict comes on top. */
export const MAX_PROVEN_RECORDS: i32 = 100;
/** Failed grants that a source has per window and VM: 32 of three signatures cost about 10 ms where keys have no tables. */
export const MAX_FAILED: u32 = 32;
/** Requests that wait for a receipt: 2,000 a second and VM where a ledger takes half a second for each, and one look through them. */
export const MAX_PENDING: i32 = 1024;
/** Of them, those under one requester's key: a quarter, so that one cannot keep all others out. */
export const MAX_PENDING_OF_REQUESTER: i32 = 256;
/** Keys with a table of multiples, each of which is looked for among them; MAX_TABLE_KIB has room for twice as many. */
export const MAX_TABLES: i32 = 64;
/** Keys that wait for a table; further ones ask again with their next signature. */
export const MAX_WAITING_KEYS: i32 = 16;
/** VMs of one process that are counted: one a worker and one more. */
export const MAX_VMS: i32 = 1024;
/**
 * Used proofs that are remembered, 16 bytes each, in the gateway's shared data (filter/replays.ts): of one grant, a steady 68
 * requests a second; of one requester in one bucket, so that nobody fills it with two grants for one key; of all grants whose keys
 * fall into one bucket. All buckets full: 16 MiB a process and vm_id.
 */
export const MAX_PROOFS_OF_GRANT: i32 = 4096;
export const MAX_PROOFS_OF_REQUESTER: i32 = 6144;
export const MAX_PROOFS_OF_BUCKET: i32 = 8192;
export const PROOF_BUCKETS: i32 = 128;
/**
 * The end of memory, in pages of 64 KiB: 256 MiB, `maximumMemory` in asconfig.json; Envoy would give 1 GiB. What is not used
 * costs nothing. The sum: 5 MiB of static data and runtime, and the four budgets below, 132 MiB. The rest is room for gaps
 * between blocks; were they ever larger, a block is refused sooner, and nothing traps.
 */
export const MAX_MEMORY_PAGES: i32 = 4096;
/** Settings and bundles in bytes: thirty of the largest bundles, or a thousand configurations of a hundred people each. */
export const CONFIGURATION_MEMORY: i32 = 64 * 1024 * 1024;
/** The stream table in bytes: a million places of 8, and the half of it that it grows out of. */
export const STREAM_MEMORY: i32 = 12 * 1024 * 1024;
/** What is kept of grants with a stream open, in bytes: ten in 16 KiB. */
export const OPEN_GRANT_MEMORY: i32 = 24 * 1024 * 1024;
/** Tables of multiples in bytes: MAX_TABLE_KIB, and half a MiB for rounding each up to 16 KiB. */
export const TABLE_MEMORY: i32 = 32 * 1024 * 1024 + 512 * 1024;
/** Largest NumericDate: 2^53 - 1, what every JSON reader keeps exact (RFC 8259, section 6). */
export const MAX_SAFE_INTEGER: i64 = 9007199254740991;

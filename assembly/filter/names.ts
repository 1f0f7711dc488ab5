/** The names that the filter hands to the gateway, as bytes made once when the module starts. */
import { ascii } from "../host/ascii";
import { auditProperty, nodeProperty, verdictProperty } from "../host/gateway";

/** The header that carries a grant. */
export const GRANT_HEADER = ascii("x-break-glass");
/** The header that tells the upstream who broke the glass. It informs; a client that sends it has it removed. */
export const ATTESTATION_HEADER = ascii("x-break-glass-grant");

export const VERDICT_STATE = ascii(verdictProperty());
export const AUDIT_STATE = ascii(auditProperty());

export const SOURCE_ADDRESS = ascii("source\0address");
/** Of the client's certificate: 64 hexadecimal digits of the SHA-256 of its DER. */
export const CERTIFICATE_DIGEST = ascii("connection\0sha256_peer_certificate_digest");
export const NODE_ID = ascii(nodeProperty());

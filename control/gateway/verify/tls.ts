/** TLS of a filter chain: what its keys and bytes are written down by, and what a client's certificate there proves. */
import type { Message } from "./message.js";

const SOCKET = "envoy.extensions.transport_sockets.";
const TLS = `${SOCKET}tls.v3.DownstreamTlsContext`;
const QUIC = `${SOCKET}quic.v3.QuicDownstreamTransport`;
const RAW = `${SOCKET}raw_buffer.v3.RawBuffer`;
const SPIFFE = `${SOCKET}tls.v3.SPIFFECertValidatorConfig`;

/** Which certificates the clients of a chain show. */
interface Asking {
  /** They are asked for one: a grant can be bound to it. */
  readonly asks: boolean;
  /** `require_client_certificate` is heeded: Envoy passes it over where nothing says how to judge a certificate. */
  readonly canDemand: boolean;
}

const NOBODY: Asking = { asks: false, canDemand: false };
/** What comes by SDS is not in the file: taken for a whole one. */
const UNSEEN: Asking = { asks: true, canDemand: true };

/** A CertificateValidationContext. */
function readValidation(context: Message): Asking {
  if (!context.exists) return NOBODY;
  const validator = context.extension("custom_validator_config");
  if (validator.outer.exists && validator.type !== SPIFFE)
    validator.outer.unknown(
      `certificate-validator:${validator.type || validator.name}`,
      `what ${validator.name} takes for a good client certificate is not known here`,
    );
  const isThere = (...fields: readonly string[]): boolean =>
    fields.map((field) => context.take(field)).some((value) => value !== undefined);
  const hasAuthority = isThere("trusted_ca", "ca_certificate_provider_instance", "system_root_certs");
  const lists = ["verify_certificate_hash", "verify_certificate_spki", "match_typed_subject_alt_names"];
  const isListed = [...lists, "match_subject_alt_names"].some((field) => context.values(field).length > 0);
  const modes = ["VERIFY_TRUST_CHAIN", "ACCEPT_UNTRUSTED"];
  const takesAny = context.choice("trust_chain_verification", modes) === "ACCEPT_UNTRUSTED";
  context.harmless(
    ...["watched_directory", "require_signed_certificate_timestamp", "crl", "allow_expired_certificate"],
    ...["only_verify_leaf_cert_crl", "max_verify_depth"],
  );
  context.done();
  const isJudged = hasAuthority || validator.outer.exists;
  return { asks: isJudged || isListed || takesAny, canDemand: isJudged || (isListed && !takesAny) };
}

const BY_SDS = [
  "validation_context_sds_secret_config",
  "validation_context_certificate_provider",
  "validation_context_certificate_provider_instance",
] as const;

/** A CommonTlsContext. */
function readCommon(common: Message): Asking {
  if (common.take("key_log") !== undefined)
    common.danger("key-log", "key_log writes TLS keys down: whoever has them reads the grants", "take key_log out");
  for (const field of ["custom_handshaker", "custom_tls_certificate_selector"]) {
    const { name, type, outer } = common.extension(field);
    if (outer.exists)
      outer.unknown(
        `handshake:${type || name}`,
        `${name} (${field}) takes part in the handshake, and is not known here`,
      );
  }
  const own = readValidation(common.message("validation_context", "CertificateValidationContext"));
  const combined = common.message("combined_validation_context");
  readValidation(combined.message("default_validation_context", "CertificateValidationContext"));
  const isUnseen = [common, combined].some((message) => BY_SDS.filter((field) => message.take(field)).length > 0);
  combined.done();
  common.harmless(
    ...["tls_params", "tls_certificates", "tls_certificate_sds_secret_configs", "tls_certificate_provider_instance"],
    ...["tls_certificate_certificate_provider", "tls_certificate_certificate_provider_instance", "alpn_protocols"],
  );
  common.done();
  return isUnseen ? UNSEEN : own;
}

/** `session_ticket_keys` and the switch are one choice: Envoy takes either. */
const TICKET_KEYS = ["session_ticket_keys", "session_ticket_keys_sds_secret_config"] as const;
const KINDS = [
  ["disable_stateless_session_resumption", "a session ticket (TLS 1.2 and 1.3)"],
  ["disable_stateful_session_resumption", "a session id (TLS 1.2)"],
] as const;

/** A session that is resumed keeps the certificate of the first, unshown: then who holds the session holds the bound grant. */
function demandNoResumption(context: Message): void {
  const keys = TICKET_KEYS.filter((field) => context.has(field));
  context.harmless(...TICKET_KEYS);
  const left = KINDS.filter(([field]) => context.flag(field) !== true);
  if (left.length === 0) return;
  const ways = left.map(([, way]) => way).join(" or ");
  const switches = left.map(([field]) => `${field}: true`).join(" and ");
  const named = [...keys, ...left.map(([field]) => field)].find((field) => context.has(field));
  context.danger(
    "resumption",
    `whoever takes ${ways} from a client resumes its connection without the certificate's key, and uses the grants bound to that certificate`,
    `${keys.length > 0 ? `take ${keys.join(" and ")} out, ` : ""}write ${switches}, as in config/envoy-tls.yaml`,
    named === undefined ? context.value : context.at(named),
  );
}

/** @param takesGrants whether the glassgate filter stands on this chain */
function judgeTls(context: Message, takesGrants: boolean): void {
  const { asks, canDemand } = readCommon(context.message("common_tls_context", "CommonTlsContext"));
  if (context.flag("require_client_certificate") === true && !canDemand)
    context.danger(
      "certificate-not-required",
      "require_client_certificate is passed over: without a trusted_ca, Envoy lets clients in that have no certificate",
      "add trusted_ca to the validation_context; or write require_client_certificate: false, if a certificate shall only bind grants",
      context.at("require_client_certificate"),
    );
  if (takesGrants && asks) demandNoResumption(context);
  context.harmless(
    ...KINDS.map(([field]) => field),
    ...TICKET_KEYS,
    ...["require_sni", "session_timeout", "ocsp_staple_policy", "full_scan_certs_on_sni_mismatch"],
    "prefer_client_ciphers",
  );
  context.done();
}

/** What carries the bytes of a chain: TLS keys in a log and taps show every request, its grant among them. */
export function judgeSocket(chain: Message, takesGrants: boolean): void {
  const { type, message, outer } = chain.extension("transport_socket");
  if (!outer.exists) return;
  outer.done();
  if (type === TLS) judgeTls(message, takesGrants);
  else if (type === QUIC) {
    judgeTls(message.message("downstream_tls_context", "DownstreamTlsContext"), takesGrants);
    message.harmless("enable_early_data");
    message.done();
  } else if (type.endsWith(".tap.v3.Tap"))
    outer.danger("socket-tap", "tap writes down what goes over the connection, grants among it", "take it out");
  else if (type !== RAW) outer.unknown(`socket:${type}`, `the transport socket ${type} is not known here`);
}

/** TLS of a listener that grants come in by: sessions that are resumed, certificates that nobody is made to show. */
import { parseDocument } from "yaml";
import type { Change } from "./changes.js";
import { CHAIN, type Edit, FILTERS, filter, googleType, insert, JWT, LISTENER, type Path, set } from "./files.js";

const TLS = googleType("envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext");
const QUIC = googleType("envoy.extensions.transport_sockets.quic.v3.QuicDownstreamTransport");
type Fields = Readonly<Record<string, unknown>>;

const served = {
  tls_certificates: [{ certificate_chain: { filename: "/c.pem" }, private_key: { filename: "/k.pem" } }],
};
export const ANY = { validation_context: { trust_chain_verification: "ACCEPT_UNTRUSTED" } };
const CA = { validation_context: { trusted_ca: { filename: "/ca.pem" } } };
const sds = (name: string): unknown => ({ name, sds_config: { ads: {}, resource_api_version: "V3" } });
export const SWITCHED_OFF = {
  disable_stateless_session_resumption: true,
  disable_stateful_session_resumption: true,
} as const;

const context = (common: Fields, more: Fields): Fields => ({
  ...more,
  common_tls_context: { ...served, ...common },
});
const socket = (config: Fields): unknown => ({ name: "envoy.transport_sockets.tls", typed_config: config });
const tlsSocket = (common: Fields, more: Fields = {}): unknown => socket({ "@type": TLS, ...context(common, more) });
export const tls = (common: Fields, more: Fields = {}): Edit =>
  set([...CHAIN, "transport_socket"], tlsSocket(common, more));

const TICKET = /^whoever takes a session ticket \(TLS 1\.2 and 1\.3\) from a client resumes its connection/;
const ID = /^whoever takes a session id \(TLS 1\.2\) from a client resumes its connection/;
const BOTH = /^whoever takes a session ticket .* or a session id .* uses the grants bound to that certificate$/;
const { disable_stateless_session_resumption: stateless, disable_stateful_session_resumption: stateful } = SWITCHED_OFF;

const resumed: readonly (readonly [name: string, edit: Edit, says: RegExp])[] = [
  ["any certificate", tls(ANY), BOTH],
  ["a certificate of an authority", tls(CA, { require_client_certificate: true }), BOTH],
  ["a certificate of an authority, or none", tls(CA), BOTH],
  ["the system's authorities", tls({ validation_context: { system_root_certs: {} } }), BOTH],
  ["a certificate from a list", tls({ validation_context: { verify_certificate_hash: ["00".repeat(32)] } }), BOTH],
  [
    "a certificate from a list of keys",
    tls({ validation_context: { verify_certificate_spki: ["A".repeat(44)] } }),
    BOTH,
  ],
  ["what SDS says", tls({ validation_context_sds_secret_config: sds("ROOTCA") }), BOTH],
  [
    "what the file and SDS say together",
    tls({
      combined_validation_context: {
        default_validation_context: {},
        validation_context_sds_secret_config: sds("ROOTCA"),
      },
    }),
    BOTH,
  ],
  ["any, tickets switched off", tls(ANY, { disable_stateless_session_resumption: stateless }), ID],
  ["any, ids switched off", tls(ANY, { disable_stateful_session_resumption: stateful }), TICKET],
  ["any, a switch that says false", tls(ANY, { ...SWITCHED_OFF, disable_stateful_session_resumption: false }), ID],
  ["any, a switch as text", tls(ANY, { ...SWITCHED_OFF, disable_stateless_session_resumption: "false" }), TICKET],
  [
    "any, keys for tickets",
    tls(ANY, { disable_stateful_session_resumption: true, session_ticket_keys: { keys: [{ filename: "/t" }] } }),
    TICKET,
  ],
  [
    "any, keys for tickets by SDS",
    tls(ANY, { disable_stateful_session_resumption: true, session_ticket_keys_sds_secret_config: sds("t") }),
    TICKET,
  ],
  [
    "any, in camelCase",
    set([...CHAIN, "transportSocket"], {
      name: "tls",
      typedConfig: {
        "@type": TLS,
        disableStatelessSessionResumption: true,
        commonTlsContext: { validationContext: { trustChainVerification: 1 } },
      },
    }),
    ID,
  ],
  [
    "any, over QUIC",
    set([...CHAIN, "transport_socket"], socket({ "@type": QUIC, downstream_tls_context: context(ANY, {}) })),
    BOTH,
  ],
  [
    "any, on the default filter chain",
    (document) => {
      const chain = document.getIn(CHAIN);
      document.deleteIn([...LISTENER, "filter_chains"]);
      set([...LISTENER, "default_filter_chain"], chain)(document);
      set([...LISTENER, "default_filter_chain", "transport_socket"], tlsSocket(ANY))(document);
    },
    BOTH,
  ],
];

const passedOver = /^require_client_certificate is passed over/;
const demanded = { ...SWITCHED_OFF, require_client_certificate: true };

const others: readonly Change[] = [
  { name: "a demand without an authority", edit: tls({}, demanded), says: passedOver },
  {
    name: "a demand under an empty validation context",
    edit: tls({ validation_context: {} }, { ...demanded, require_client_certificate: { value: true } }),
    says: passedOver,
  },
  { name: "a demand that takes any certificate", edit: tls(ANY, demanded), says: passedOver },
  {
    name: "a demand that takes certificates beside those of a list",
    edit: tls(
      { validation_context: { ...ANY.validation_context, verify_certificate_hash: ["00".repeat(32)] } },
      demanded,
    ),
    says: passedOver,
  },
  {
    name: "a demand without an authority, over QUIC",
    edit: set([...CHAIN, "transport_socket"], socket({ "@type": QUIC, downstream_tls_context: context({}, demanded) })),
    says: passedOver,
  },
  {
    name: "keys of TLS written down",
    edit: tls({ key_log: { path: "/x" } }),
    says: /key_log writes TLS keys down/,
  },
  {
    name: "another validator of certificates",
    edit: tls(
      { validation_context: { custom_validator_config: { name: "own", typed_config: { "@type": "x/y.Own" } } } },
      SWITCHED_OFF,
    ),
    says: /what own takes for a good client certificate is not known here/,
    level: "not understood",
  },
  {
    name: "another handshake",
    edit: tls({ custom_handshaker: { name: "own", typed_config: { "@type": "x/y.Own" } } }, SWITCHED_OFF),
    says: /own \(custom_handshaker\) takes part in the handshake/,
    level: "not understood",
  },
  {
    name: "a field of TLS that nobody knows",
    edit: tls({}, { allow_anything: true }),
    says: /the field allow_anything of DownstreamTlsContext is not known here/,
    level: "not understood",
  },
];

export const tlsChanges: readonly Change[] = [
  ...resumed.map(
    ([asked, edit, says]): Change => ({ name: `sessions resumed where clients show ${asked}`, edit, says }),
  ),
  ...others,
];

/** A listener beside the first: clients show certificates there, and no grant is judged. */
const withoutFilter: Edit = (document) => {
  const listener = parseDocument(JSON.stringify(document.getIn(LISTENER)));
  const at = (path: Path): Path => path.slice(LISTENER.length);
  listener.set("name", "second");
  listener.setIn(["address", "socket_address", "port_value"], 10001);
  listener.setIn(at(FILTERS), [
    { name: "jwt", typed_config: listener.getIn(at(JWT)) },
    filter("envoy.filters.http.router", "router.v3.Router"),
  ]);
  listener.setIn([...at(CHAIN), "transport_socket"], tlsSocket(ANY));
  insert(["static_resources", "listeners"], 1, listener.toJS())(document);
};

/** What is good, and what is no business of the filter's. */
export const goodTls: Readonly<Record<string, Edit>> = {
  "TLS that asks for no certificate": tls({ tls_params: { tls_minimum_protocol_version: "TLSv1_2" } }),
  "certificates that are shown where no grant is judged": withoutFilter,
  "TLS under an empty validation context": tls({ validation_context: {} }),
  "any certificate, no session resumed": tls(ANY, { ...SWITCHED_OFF, require_client_certificate: false }),
  "certificates of an authority demanded, no session resumed": tls(CA, demanded),
  "certificates from a list, no session resumed": tls(
    { validation_context: { verify_certificate_hash: ["00".repeat(32)] } },
    demanded,
  ),
  "certificates by SDS demanded, no session resumed": tls(
    { validation_context_sds_secret_config: sds("ROOTCA") },
    demanded,
  ),
  "any certificate over QUIC, no session resumed": set(
    [...CHAIN, "transport_socket"],
    socket({ "@type": QUIC, downstream_tls_context: context(ANY, SWITCHED_OFF), enable_early_data: false }),
  ),
};

/** Grants bound to a client certificate, and fields of HTTP/2 that no library sends: on the scratch gateway alone. */
import type { Case, Outcome, Scratch, Stage } from "../model.js";
import { allow, shut, verdict } from "./kit.js";
import { onScratch } from "./scratch.js";

const bound = (stage: Stage, scratch: Scratch) => stage.grant({ claims: { cnf: { "x5t#S256": scratch.thumbprint } } });

async function certificates(stage: Stage, scratch: Scratch): Promise<readonly Outcome[]> {
  const grant = await bound(stage, scratch);
  return [
    {
      what: "a grant bound to a certificate, over a connection with it",
      expected: allow,
      call: await scratch.sendWith("own certificate", { grant }),
    },
    {
      what: "a stolen grant, over a connection without its certificate",
      expected: verdict("binding_missing"),
      call: await stage.send({ grant }),
    },
    {
      what: "a stolen grant, over a connection with another certificate",
      expected: verdict("binding_mismatch"),
      call: await scratch.sendWith("another certificate", { grant }),
    },
  ];
}

async function resumed(stage: Stage, scratch: Scratch): Promise<readonly Outcome[]> {
  const grant = await bound(stage, scratch);
  const first = await scratch.sendWith("own certificate", { grant });
  const call = await scratch.sendWith("resumed without a certificate", { grant });
  const faults = call.isResumed ? { faults: ["the gateway resumed the session"] } : {};
  return [
    { what: "a grant bound to a certificate, before its session is taken", expected: allow, call: first },
    {
      what: "a stolen grant over a stolen session, without its certificate",
      expected: verdict("binding_missing"),
      call,
      ...faults,
    },
  ];
}

const FORGED = 'jti="glassgate-forged", sub="somebody", ent="anything", exp=4102444800';

async function smuggled(stage: Stage, scratch: Scratch): Promise<readonly Outcome[]> {
  const ways: readonly (readonly [what: string, field: readonly [string, string]])[] = [
    ["a field name in capitals", ["X-Break-Glass-Grant", FORGED]],
    ["a line end in a value", ["x-note", `1\r\nx-break-glass-grant: ${FORGED}`]],
    ["a line end in a name", [`x-note: 1\r\nx-break-glass-grant`, FORGED]],
    ["a colon in a name", ["x-break-glass-grant:", FORGED]],
    ["a name that only begins with a colon", [":x-break-glass-grant", FORGED]],
    ["a field of the connection", ["connection", "x-break-glass-grant"]],
  ];
  const outcomes: Outcome[] = [];
  for (const [what, field] of ways) {
    const call = await scratch.sendFields({ grant: await stage.grant() }, [field]);
    outcomes.push({ what: `a good grant over HTTP/2 with ${what}`, expected: shut, call });
  }
  const two = await stage.grant();
  const doubled = await scratch.sendFields({ grant: two }, [["x-break-glass", two.text]]);
  const call = await scratch.sendFields({ grant: await stage.grant() }, [["x-break-glass-grant", FORGED]]);
  const got = String(call.seen.upstream?.headers["x-break-glass-grant"] ?? "");
  return [
    ...outcomes,
    { what: "two grants in two fields of HTTP/2", expected: verdict("duplicate_header"), call: doubled },
    {
      what: "a good grant over HTTP/2 with an attestation beside it",
      expected: allow,
      call,
      ...(got.includes("glassgate-forged") ? { faults: ["the upstream received the forged attestation"] } : {}),
    },
  ];
}

export const scratchTlsCases: readonly Case[] = [
  onScratch(
    { name: "stolen-certificate-grant", title: "A stolen grant without its certificate", promise: 1 },
    certificates,
  ),
  onScratch({ name: "resumed-session", title: "A stolen session of TLS", promise: 1 }, resumed),
  onScratch({ name: "http2-fields", title: "Headers smuggled by HTTP/2", promise: 4 }, smuggled),
];

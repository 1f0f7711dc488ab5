/** Paths and headers by which a gateway and its upstream could read two requests in one. */
import type { CallSpec, Case, Outcome, Stage } from "../model.js";
import { allow, arrived, outside, shut, tries, verdict } from "./kit.js";

/** In an upstream's eyes some of these are the granted path, in a gateway's another, or the reverse. */
function spellings(stage: Stage): readonly (readonly [what: string, path: string])[] {
  const { path } = stage.target;
  const at = path.lastIndexOf("/");
  const [parent, last] = [path.slice(0, at), path.slice(at + 1)];
  const escaped = (text: string): string => [...Buffer.from(text)].map((byte) => `%${byte.toString(16)}`).join("");
  return [
    ["dot segments that lead outside", `${path}/../glassgate-drill-outside`],
    ["dot segments that lead back in", `${outside(stage)}/..${path.slice(at)}`],
    ["escaped dot segments", `${path}/%2e%2e/glassgate-drill-outside`],
    ["escaped dot segments in capitals", `${path}/%2E%2E/glassgate-drill-outside`],
    ["an escaped slash", `${parent}%2f${last}`],
    ["an escaped slash in capitals", `${parent}%2F${last}`],
    ["a double slash", `${parent}//${last}`],
    ["a double slash at its beginning", `/${path}`],
    ["a semicolon", `${path};glassgate=drill`],
    ["a semicolon in the middle", `${parent};x/${last}`],
    ["letters as escapes", `${parent}/${escaped(last.slice(0, 1))}${last.slice(1)}`],
    ["an escape of an escape", `${parent}/%25${Buffer.from(last.slice(0, 1)).toString("hex")}${last.slice(1)}`],
    ["an escaped zero", `${path}%00`],
    ["an escaped question mark", `${path}%3fglassgate=drill`],
    ["an 8-bit escape", `${path}%ff`],
    ["an overlong escape", `${path}/%c0%ae%c0%ae/glassgate-drill-outside`],
    ["an 8-bit byte", `${path}\u00ff`],
    ["a backslash", `${path}\\glassgate-drill-outside`],
  ];
}

async function pathTricks(stage: Stage): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const [what, path] of spellings(stage)) {
    const call = await stage.send({ grant: await stage.grant(), path });
    outcomes.push({ what: `the granted path with ${what}`, expected: { kind: "one_reading" }, call });
  }
  return outcomes;
}

const METHODS = ["x-http-method-override", "x-http-method", "x-method-override"];
const PATHS = ["x-original-url", "x-rewrite-url", "x-forwarded-uri", "x-forwarded-path"];
const HOSTS = ["x-forwarded-host", "x-host", "x-original-host"];
const all = (names: readonly string[], value: string): Record<string, string> =>
  Object.fromEntries(names.map((name) => [name, value]));

/** What an allowed request still carries may tell the upstream of another one. */
async function carried(stage: Stage): Promise<readonly Outcome[]> {
  const own = stage.gateway.skipped.filter((name) => name !== "authorization");
  const headers = {
    ...all(own, "glassgate-drill"),
    // An upstream that follows it would write.
    ...all(METHODS, stage.gateway.isHarmless ? "DELETE" : "OPTIONS"),
    ...all(PATHS, "/glassgate-drill-outside"),
    ...all(HOSTS, "glassgate-drill.invalid"),
  };
  const call = await stage.send({ grant: await stage.grant(), headers });
  const what = "an allowed request with headers that name another method, path and host";
  if (call.seen.upstream === undefined && call.seen.code === undefined)
    stage.notProbed(
      "whether override headers reach the upstream",
      `the upstream of ${stage.gateway.id} does not say what it received`,
    );
  const outcome: Outcome = { what, expected: allow, call };
  const left = arrived(stage, outcome, headers);
  return [left.length === 0 ? outcome : { ...outcome, faults: [`the upstream received ${left.join(", ")}`] }];
}

const withHeaders =
  (headers: (stage: Stage) => Readonly<Record<string, string>>, more: (stage: Stage) => CallSpec) =>
  (stage: Stage): CallSpec => ({ ...more(stage), headers: headers(stage) });

const attestation = (grant = "forged"): string =>
  `jti="glassgate-${grant}", sub="somebody", ent="anything", exp=4102444800`;

const received = ({ gateway: { kong } }: Stage): string =>
  `the upstream received the forged attestation${kong === undefined ? "" : ": on the API's own routes a request-transformer has to remove x-break-glass-grant"}`;

async function forgedAttestation(stage: Stage): Promise<readonly Outcome[]> {
  const forged = { "x-break-glass-grant": attestation() };
  const bare = await stage.send({ headers: forged });
  const outcomes: Outcome[] = [
    { what: "an attestation from outside, and nothing else", expected: { kind: "unauthenticated" }, call: bare },
  ];
  const { caller } = stage.gateway;
  if (caller !== undefined) {
    const call = await stage.send({ headers: { ...Object.fromEntries(caller), ...forged } });
    const got = String(call.seen.upstream?.headers["x-break-glass-grant"] ?? "");
    const outcome: Outcome = {
      what: "a normal caller with an attestation of his own",
      expected: { kind: "normal" },
      call,
    };
    outcomes.push(got.includes("glassgate-forged") ? { ...outcome, faults: [received(stage)] } : outcome);
  }
  const call = await stage.send({ grant: await stage.grant(), headers: forged });
  const got = String(call.seen.upstream?.headers["x-break-glass-grant"] ?? "");
  const outcome: Outcome = { what: "a good grant with another attestation beside it", expected: allow, call };
  outcomes.push(got.includes("glassgate-forged") ? { ...outcome, faults: [received(stage)] } : outcome);
  return outcomes;
}

async function headerTricks(stage: Stage): Promise<readonly Outcome[]> {
  const send = async (headers: CallSpec["headers"] & object): Promise<Outcome["call"]> => stage.send({ headers });
  const good = async (): Promise<string> => (await stage.grant({ isBound: false })).text;
  return [
    {
      what: "two grants in two lines",
      expected: verdict("duplicate_header"),
      call: await send({ "x-break-glass": [await good(), await good()] }),
    },
    {
      what: "more than a grant can be",
      expected: verdict("too_large"),
      call: await send({ "x-break-glass": `${await good()}~${"a".repeat(8192)}` }),
    },
    { what: "a grant under another name", expected: shut, call: await send({ x_break_glass: await good() }) },
    {
      what: "a grant as a bearer token",
      expected: shut,
      call: await send({ authorization: `Bearer ${await good()}` }),
    },
    {
      what: "a forged grant under a name in capitals",
      expected: verdict("malformed"),
      call: await send({ "X-BREAK-GLASS": "forged" }),
    },
  ];
}

export const trickCases: readonly Case[] = [
  { name: "path-tricks", title: "Paths that can be read in two ways", promise: 4, where: "fleet", play: pathTricks },
  {
    name: "header-tricks",
    title: "Headers doubled, hidden or too long",
    promise: 4,
    where: "fleet",
    play: headerTricks,
  },
  {
    name: "override-headers-stripped",
    title: "Override headers do not reach the upstream",
    promise: 4,
    where: "fleet",
    play: carried,
  },
  tries({ name: "override-headers", title: "Override headers change no verdict", promise: 4 }, [
    {
      what: "another path, with the granted one in override headers",
      expected: verdict("scope_path"),
      call: withHeaders(
        ({ target }) => all(PATHS, target.path),
        (stage) => ({ path: outside(stage) }),
      ),
    },
    {
      what: "another method, with the granted one in override headers",
      expected: verdict("scope_method"),
      call: withHeaders(
        ({ target }) => all(METHODS, target.method),
        ({ target }) => ({ method: target.method === "HEAD" ? "GET" : "HEAD" }),
      ),
    },
    {
      what: "another host, with the granted one in override headers",
      expected: verdict("scope_host"),
      call: withHeaders(
        ({ target }) => all(HOSTS, target.host),
        () => ({ host: "glassgate-drill.invalid" }),
      ),
    },
  ]),
  {
    name: "forged-attestation",
    title: "An attestation from outside",
    promise: 4,
    where: "fleet",
    play: forgedAttestation,
  },
];

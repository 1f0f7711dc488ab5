/** Routes that a gateway runs and its file does not have: one is changed without the other. They are looked at as the file's are, and told. */
import { UserError } from "../base/errors.js";
import { visible } from "../base/text.js";
import { Admin } from "../gateway/admin.js";
import { factOf } from "./fact.js";
import type { Assertion, FleetGateway, NotProbed, Route } from "./model.js";
import type { Prepared } from "./prepare.js";
import { type Found, runningRoutes } from "./routes.js";

interface Looked {
  readonly gateway: FleetGateway;
  readonly assertions: readonly Assertion[];
  readonly notProbed: readonly NotProbed[];
}

/** Those that are none of the others, each once. */
function beyond(routes: readonly Route[], others: readonly Route[]): Route[] {
  const name = ({ host, path }: Route): string => `${host} ${path}`;
  const known = new Set(others.map(name));
  return [...new Map(routes.map((one) => [name(one), one])).values()].filter((one) => !known.has(name(one)));
}

const placeOf = ({ host, name }: Route): string => visible(`${host} ${name}`);

function judgeRoutes({ id }: FleetGateway, unfiled: readonly Route[]): Assertion {
  const more = unfiled.map(placeOf).join(", ");
  return factOf(
    id,
    "the routes that it runs",
    "those of its file",
    unfiled.length === 0 ? "those" : `besides those: ${more}`,
    unfiled.length === 0
      ? undefined
      : `${id} runs ${unfiled.length === 1 ? "a route" : "routes"} that the file in \`config\` does not have: ${more}. The drill looked there as well. Name the file that it was started with, or start it with that one.`,
  );
}

/** Its configuration as the file has it is not the one that it runs. @param open paths that are meant to be open */
async function lookAt(gateway: FleetGateway, prepared: Prepared, index: number): Promise<Looked> {
  if (gateway.kong !== undefined) return { gateway, assertions: [], notProbed: [] };
  const { config, open = [] } = prepared.source.drill.gateways[index] ?? {};
  const usual = prepared.target.host;
  let fixed: Found;
  let served: Found;
  try {
    ({ fixed, served } = runningRoutes(JSON.parse(await new Admin(gateway.admin).configDump()), usual, open));
  } catch (error) {
    if (!(error instanceof UserError || error instanceof SyntaxError)) throw error;
    const why = `what it runs cannot be seen: ${error.message}`;
    return { gateway, assertions: [], notProbed: [{ what: `${gateway.id}: routes that are not in its file`, why }] };
  }
  const unfiled = beyond(fixed.routes, gateway.routes);
  const routes = [...gateway.routes, ...beyond([...fixed.routes, ...served.routes], gateway.routes)];
  const known = new Set(prepared.notProbed.map(({ what }) => what));
  const notProbed = [...fixed.notProbed, ...served.notProbed].map((one) => ({
    ...one,
    what: `${gateway.id}: ${one.what}`,
  }));
  return {
    gateway: { ...gateway, routes },
    assertions: config === undefined ? [] : [judgeRoutes(gateway, unfiled)],
    notProbed: notProbed.filter(
      ({ what }, i) => !known.has(what) && notProbed.findIndex((one) => one.what === what) === i,
    ),
  };
}

/** The drill with the routes that its gateways run, and what is to be said of them. */
export async function withRunningRoutes(
  prepared: Prepared,
): Promise<{ readonly prepared: Prepared; readonly assertions: readonly Assertion[] }> {
  const looked = await Promise.all(prepared.gateways.map((gateway, i) => lookAt(gateway, prepared, i)));
  return {
    prepared: {
      ...prepared,
      gateways: looked.map(({ gateway }) => gateway),
      notProbed: [...prepared.notProbed, ...looked.flatMap(({ notProbed }) => notProbed)],
    },
    assertions: looked.flatMap(({ assertions }) => assertions),
  };
}

/** `glassgate curl -- ARGS`: curl with a grant that stands neither in its arguments, nor in its environment, nor in a file. */
import type { Command } from "commander";
import { UserError } from "../base/errors.js";
import { visible } from "../base/text.js";
import { runChild } from "../caller/child.js";
import { childEnvironment } from "../gateway/environment.js";
import { addCallerOptions, type CallerOptions, startCaller } from "./caller-options.js";
import { examples } from "./context.js";
import { say } from "./output.js";

/** Options by which a request would go another way than through our socket, or more than one would be made. */
const REFUSED = [
  ...["next", "proxy", "preproxy", "proxy1.0", "socks4", "socks4a", "socks5", "socks5-hostname"],
  ...["unix-socket", "abstract-unix-socket", "config", "url", "expand-"],
];
/** `-:` (next), `-x` (proxy) or `-K` (config), also behind others that take no value: `-s:`. */
const REFUSED_SHORT = /^-(?!-)[^AbCcDdEeFHhKmoPQrTtUuwXxYyz:]*[:xK]/;

/** curl takes the beginning of a name for the name. */
function isRefused(arg: string): boolean {
  const name = /^--([^=]+)/.exec(arg)?.[1];
  if (name === undefined) return REFUSED_SHORT.test(arg);
  return name.startsWith("expand-") || REFUSED.some((one) => one.startsWith(name));
}

const URL_ARGUMENT = /^https?:\/\//i;

/** curl speaks http to the socket, and the proxy TLS to the gateway. */
export function argumentsFor(args: readonly string[], socket: string): string[] {
  const refused = args.find(isRefused);
  if (refused !== undefined) {
    throw new UserError(`\`glassgate curl\` does not take curl's ${visible(refused.replace(/=.*$/, ""))}.`, {
      hint: "One request, through the proxy of the grant. For more run a script: `glassgate run -- ./script`.",
    });
  }
  const urls = args.filter((arg) => URL_ARGUMENT.test(arg));
  if (urls.length !== 1) {
    throw new UserError(
      urls.length === 0
        ? "There is no URL that begins with https:// among curl's arguments."
        : `There are ${urls.length} URLs.`,
      { hint: "Give one URL, whole; for more run a script: `glassgate run -- ./script`." },
    );
  }
  return [
    "-q", // No .curlrc: what it says was meant for other requests.
    ...args.map((arg) => (URL_ARGUMENT.test(arg) ? arg.replace(/^https/i, "http") : arg)),
    "--unix-socket",
    socket,
    "--noproxy",
    "*",
  ];
}

/** Inside of `glassgate run` the proxy is there, and no passphrase is asked for. */
const socketOfRun = (): string | undefined => process.env.GLASSGATE_SOCKET || undefined;

async function curl(args: string[], options: CallerOptions): Promise<void> {
  argumentsFor(args, ""); // What cannot be done is said before anybody types a passphrase.
  const there = options.grant === undefined ? socketOfRun() : undefined;
  if (there !== undefined) {
    process.exitCode = await runChild("curl", argumentsFor(args, there), childEnvironment());
    return;
  }
  const { proxy } = await startCaller(options, {
    isOnLoopback: false,
    told: ({ why }) => {
      if (why !== undefined) say(`glassgate: ${visible(why)}`);
    },
  });
  try {
    process.exitCode = await runChild("curl", argumentsFor(args, proxy.socketPath), childEnvironment());
  } finally {
    await proxy.end("stopped");
  }
}

export function addCurl(program: Command): void {
  const command = program
    .command("curl")
    .description("run curl with a grant; ends with curl's exit code")
    .argument("<args...>", "behind --: curl's arguments, one URL among them");
  addCallerOptions(command).action(curl);
  examples(command, [
    "glassgate curl --grant grant.txt -- -X POST https://api.example.com/orders/42/refund",
    "glassgate curl -- --json '{\"amount\": 5}' https://api.example.com/orders/42/refund",
  ]);
}

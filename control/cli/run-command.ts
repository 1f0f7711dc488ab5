/** `glassgate run -- COMMAND`: the command uses the grant through a proxy of its own, and never sees it. */
import type { Command } from "commander";
import { runChild } from "../caller/child.js";
import type { RunningProxy } from "../caller/proxy.js";
import { childEnvironment } from "../gateway/environment.js";
import { addCallerOptions, type CallerOptions, requestLines, startCaller } from "./caller-options.js";
import { examples } from "./context.js";
import { say } from "./output.js";

/** Plain http to this machine's own services goes past the proxy. */
const LOCAL = "localhost,127.0.0.1,::1";

/** Both spellings: curl reads only the small one of `http_proxy`, others only the large. */
function environmentFor({ url, socketPath, hosts }: RunningProxy): NodeJS.ProcessEnv {
  return {
    ...childEnvironment(),
    http_proxy: url,
    HTTP_PROXY: url,
    no_proxy: LOCAL,
    NO_PROXY: LOCAL,
    GLASSGATE_URL: url,
    GLASSGATE_SOCKET: socketPath,
    GLASSGATE_HOST: hosts[0] ?? "",
  };
}

interface Options extends CallerOptions {
  readonly quiet?: boolean;
}

async function run([program = "", ...args]: string[], options: Options): Promise<void> {
  const told = options.quiet === true ? {} : { told: requestLines() };
  const { proxy } = await startCaller(options, { ...told, keepsPort: true });
  void proxy.ended.then((why) => {
    if (why === "expired") say("The grant has ended: the command goes on without it.");
    if (why === "denied") say("A gateway says that the grant is no more: the command goes on without it.");
    if (why === "returned") say("The grant was given back: the command goes on without it.");
  });
  try {
    process.exitCode = await runChild(program, args, environmentFor(proxy));
  } finally {
    await proxy.end("stopped");
  }
}

export function addRunCommand(program: Command): void {
  const command = program
    .command("run")
    .description("run a command that uses a grant, through a proxy of its own; ends with the command's exit code")
    .argument("<command...>", "behind --: the command and its arguments");
  addCallerOptions(command).option("--quiet", "show no line for each request").action(run);
  examples(command, [
    "glassgate run --grant grant.txt -- ./repair.sh",
    "glassgate run -- curl -X POST http://api.example.com/orders/42/refund   # http:// for the proxy; TLS from there",
    "glassgate run -- bash   # a shell: one passphrase for many commands",
  ]);
}

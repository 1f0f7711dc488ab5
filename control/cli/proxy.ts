/** `glassgate proxy`: a loopback listener through which a browser, a script or any client uses a grant, until it ends. */
import { isatty } from "node:tty";
import { type Command, InvalidArgumentError } from "commander";
import { endSignals } from "../base/terminal.js";
import { visible } from "../base/text.js";
import { nowSeconds, showDuration, showTime } from "../base/time.js";
import { giveBack } from "../caller/held.js";
import { showDetail } from "../caller/scope.js";
import { addCallerOptions, type CallerOptions, requestLines, startCaller } from "./caller-options.js";
import { examples } from "./context.js";
import { say, sayWhole, warn } from "./output.js";

interface Options extends CallerOptions {
  readonly port?: number;
}

const ENDS = {
  expired: "The grant has ended, and all that was open with it.",
  returned: "The grant was given back; all that was open has ended.",
  denied: "A gateway says that the grant is no more; all that was open has ended.",
  stopped: "Stopped: all that was open has ended. The grant lives on until its end, or `glassgate return`.",
} as const;

function port(text: string): number {
  const number = /^[0-9]{1,5}$/.test(text) ? Number(text) : -1;
  if (number < 0 || number > 65_535) throw new InvalidArgumentError("It must be a port, from 0 to 65535.");
  return number;
}

/** Milliseconds between two looks at the terminal. */
const LOOK_MS = 500;

/** A shell that exits tells the jobs in its background nothing, and nobody could stop this one any more. */
function terminalGone(): Promise<void> {
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      if (isatty(2)) return;
      clearInterval(timer);
      resolve();
    }, LOOK_MS);
    timer.unref();
  });
}

async function proxy(options: Options): Promise<void> {
  // Somebody is there to stop it: until then no other program gets what browsers and scripts go on sending to the port.
  const keepsPort = process.stderr.isTTY;
  const start = { port: options.port ?? 0, told: requestLines(), keepsPort };
  const { proxy: running, held } = await startCaller(options, start);
  const isStopped = new Promise<void>((resolve) => {
    for (const signal of endSignals) process.on(signal, () => resolve());
  });
  void isStopped.then(() => running.end("stopped"));
  const { claims, endsAt } = running;
  // Who does not hold the grant cannot know when its approvals were there.
  const limit = held?.file === undefined ? " at the latest" : "";
  const left = showDuration(Math.max(0, endsAt - nowSeconds()));
  say(`Open until ${showTime(endsAt)}${limit} (${left}), on this machine only, for:`);
  for (const detail of claims.authorization_details) say(`  ${visible(showDetail(detail))}`, 4);
  for (const { host, url } of running.openingUrls()) {
    say(`browser, once, for ${visible(host)}:`);
    sayWhole(`  ${url}`);
  }
  say("script, which writes http:// in its URLs:");
  sayWhole(`  http_proxy=${running.url}`);
  say("curl:");
  sayWhole(`  curl --unix-socket ${running.socketPath} http://${visible(running.hosts[0] ?? "")}/...`);
  say("Ctrl-C ends it. These lines are secrets until then.");
  const why = await running.ended;
  if (why === "expired" && held !== undefined) {
    const { faults } = giveBack(options.keys, held, "expired", nowSeconds());
    for (const fault of faults) warn(`what has ended could not be wiped: ${fault}`);
  }
  say(ENDS[why]);
  if (why === "denied") process.exitCode = 1;
  if (why === "stopped" || !keepsPort) return;
  say(
    "The port stays taken and answers 503, so that no other program gets what your clients go on sending. Close them, then Ctrl-C.",
  );
  await Promise.race([isStopped, terminalGone()]);
  await running.end("stopped");
}

export function addProxy(program: Command): void {
  const command = program
    .command("proxy")
    .description("let a browser, a script or any client of yours use a grant, through a listener on this machine");
  addCallerOptions(command)
    .option("--port <n>", "listen on this port of 127.0.0.1 (default: any that is free)", port)
    .action(proxy);
  examples(command, [
    "glassgate proxy --grant grant.txt",
    "glassgate proxy --grant grant.txt --gateway https://gateway.example.com:8443 --port 8080",
  ]);
}

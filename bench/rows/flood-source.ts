/** The attacker, in a process of its own: forged grants over 2 connections, as fast as they are answered. Started by flood.ts. */
import { readFileSync } from "node:fs";
import { Client, requestText } from "../load/client.js";

const CONNECTIONS = 2;

/** @param args the port, and a file with one forged grant a line */
export async function main([port = "", tokensPath = ""]: readonly string[]): Promise<void> {
  const source = { "x-forwarded-for": "203.0.113.66" };
  const texts = readFileSync(tokensPath, "utf8")
    .split("\n")
    .map((grant) => requestText({ "x-break-glass": grant, ...source }));
  const client = await Client.open(Number(port), CONNECTIONS);
  let isRunning = false;
  let sent = 0;
  let run = Promise.resolve<Readonly<Record<string, number>>>({});
  process.on("message", (message) => {
    if (message === "start") {
      isRunning = true;
      run = client
        .load(() => (isRunning ? texts[sent++ % texts.length] : undefined))
        .then(({ statuses }) => Object.fromEntries(statuses));
    } else {
      isRunning = false;
      void run.then((statuses) => process.send?.({ statuses }));
    }
  });
  process.once("disconnect", () => process.exit());
  process.send?.({ isReady: true });
}

/** `npm run bench:streams`: what open streams under grants cost a worker, while nothing happens and when they are ended all at once. */
import { writeFileSync } from "node:fs";
import { findEnvoy } from "../control/gateway/find.js";
import { cpuSource } from "./base/cpu.js";
import { readFlags } from "./base/flags.js";
import { endOnSignals, say } from "./base/program.js";
import { writeSection } from "./report/page.js";
import { type Case, type Measured, measureCase } from "./streams/measure.js";
import { markdown, streamTable, tickTable } from "./streams/tell.js";
import { measureTicks } from "./streams/tick.js";

const STREAMS = 10_000;
const SECONDS = 10;
const TICKS = 1000;

const USAGE = {
  script: "bench:streams",
  about: "Measures what open streams under grants cost a real Envoy with one worker, and writes bench/RESULTS.md.",
  numbers: {
    streams: { about: "streams open at once", otherwise: STREAMS },
    seconds: { about: "seconds of a sample", otherwise: SECONDS },
    ticks: { about: "ticks in Node", otherwise: TICKS },
  },
  example: "--streams 1000 --seconds 3",
};

const casesOf = (streams: number): readonly Case[] => [
  { name: "no stream", streams: 0, grants: 0 },
  { name: "normal streams, no grant", streams, grants: 0 },
  { name: "streams under one grant", streams, grants: 1 },
  { name: "streams under as many grants", streams, grants: streams },
];

/** @param args see `--help` */
export async function main(args: readonly string[]): Promise<void> {
  const flags = readFlags(USAGE, args, process.env);
  if (flags === undefined) return;
  endOnSignals();
  const [streams, seconds, ticks] = [flags.number("streams"), flags.number("seconds"), flags.number("ticks")];
  const { version } = await findEnvoy(say);
  const source = cpuSource();
  const found: Measured[] = [];
  for (const one of casesOf(streams)) {
    say(`${one.streams} ${one.name}`);
    found.push(await measureCase(one, seconds, source));
  }
  const inNode = [
    await measureTicks(streams, 1, ticks),
    await measureTicks(streams, Math.min(streams, 100), ticks),
    await measureTicks(streams, streams, ticks),
  ];
  say(`\n${streamTable(found)}\n\n${tickTable(inNode)}\n`);
  if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify({ found, inNode }, null, 2)}\n`);
  if (streams < STREAMS || seconds < SECONDS || ticks < TICKS) {
    say("Only a part: bench/RESULTS.md stays as it is.");
    return;
  }
  writeSection("streams", markdown(found, inNode, { seconds, envoy: version }));
  say("Wrote bench/RESULTS.md.");
}

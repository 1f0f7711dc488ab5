// A writer in a process of its own, from the built files, for tests that end it. What it prints on standard output is what it was
// told is safe: `ack INDEX TEXT`, a line each, written before anything else happens.
import { writeSync } from "node:fs";
import { join } from "node:path";
import { openFilesLog } from "../../../dist/ledger/log/files.js";
import { openLogSigner } from "../../../dist/ledger/log/key.js";

const { root, key, origin, mode, holder, name, callers = 1 } = JSON.parse(process.argv[2]);
const signer = openLogSigner(key, origin);
const say = (line) => writeSync(1, `${line}\n`);
const open = () =>
  openFilesLog({
    folder: join(root, "log"),
    signer,
    signedPath: join(root, "keys/log.key.json.signed"),
    ...(holder === undefined ? {} : { holder }),
  });

/** Opens as soon as standard input says so, and holds the log until that ends. */
async function hold() {
  say("ready");
  await new Promise((resolve) => process.stdin.once("data", resolve));
  let log;
  try {
    log = await open();
  } catch (error) {
    say(`refused ${error.message} ${error.hint}`);
    return;
  }
  say("open");
  await new Promise((resolve) => process.stdin.once("end", resolve).resume());
  await log.close();
}

/** Appends for ever, many callers at once. */
async function load() {
  const log = await open();
  say(`open ${log.size}`);
  const caller = async (who) => {
    for (let i = 0; ; i++) {
      const texts = Array.from({ length: 1 + (i % 3) }, (_, part) => `${name}/${who}/${i}/${part} ${"x".repeat(i % 200)}`);
      const indices = await log.append(texts.map((text) => Buffer.from(text)));
      for (const [part, index] of indices.entries()) say(`ack ${index} ${texts[part]}`);
    }
  };
  await Promise.all(Array.from({ length: callers }, (_, who) => caller(who)));
}

await { hold, load }[mode]();
process.exit(0);

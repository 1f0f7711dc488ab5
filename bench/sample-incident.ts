/** `npm run sample-incident`: plays one incident from alarm to signed review, and writes docs/sample-incident.md and its picture. */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findEnvoy } from "../control/gateway/find.js";
import { openBrowser } from "../test/kit/browser.js";
import { endOnSignals, say } from "./base/program.js";
import { pageOf } from "./incident/page.js";
import { play } from "./incident/play.js";

const docs = fileURLToPath(new URL("../docs/", import.meta.url));
const NAME = "sample-incident";

async function picture(html: string): Promise<Buffer> {
  const browser = await openBrowser();
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 1680 }, colorScheme: "light" });
    await page.setContent(html);
    return await page.screenshot();
  } finally {
    await browser.close();
  }
}

export async function main(): Promise<void> {
  endOnSignals();
  await findEnvoy(say); // In a network of its own nothing can be fetched.
  const { base, folder, played } = await play();
  try {
    const png = await picture(readFileSync(join(folder, "review.html"), "utf8"));
    writeFileSync(join(docs, `${NAME}.png`), png);
    writeFileSync(join(docs, `${NAME}.md`), pageOf(played, `${NAME}.png`));
    say(`wrote docs/${NAME}.md and docs/${NAME}.png`);
  } finally {
    rmSync(base, { recursive: true, force: true });
  }
}

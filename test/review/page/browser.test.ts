/**
 * The pages in a real Chromium: what it shows at a phone's and a desk's width, in light and dark, to a keyboard, to axe-core, on paper;
 * and that no text of a record makes it do anything. `GLASSGATE_SHOTS=DIR` keeps the screenshots.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { reportPage } from "../../../control/drill/report/page.js";
import { deniedPage } from "../../../control/review/page/denied.js";
import type { Place } from "../../../control/review/page/document.js";
import { listPage } from "../../../control/review/page/list.js";
import { noticePage } from "../../../control/review/page/notice.js";
import { reviewPage } from "../../../control/review/page/review.js";
import { found, openBrowser } from "../../kit/browser.js";
import { reportOf } from "../../kit/drill-report.js";
import { bigReview, callOf, closureOf, deniedOf, listOf, reviewOf, START, withTexts } from "../../kit/review.js";
import { FIXED, INVISIBLE, LONG, SHORT } from "./hostile.js";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const place: Place = {
  now: START + 3 * 3_600_000,
  ledger: "ledger",
  key: "ledger.vkey",
  anchors: ["anchors.json"],
  isServed: false,
};
const blocked = reviewOf({
  state: "reopened",
  blockers: ["It ends in 12 minutes.", "Records of gateway-1 are missing: 3 to 9."],
  closures: [closureOf({ isOutdated: true })],
  isRequesterProven: false,
  evidence: {
    ...reviewOf().evidence,
    isProven: false,
    isConsistent: false,
    gaps: [{ vm: "gateway-1/1/2", from: 3, to: 9 }],
  },
});
const pages: Readonly<Record<string, string>> = {
  review: reviewPage(reviewOf(), place),
  blocked: reviewPage(blocked, place),
  list: listPage(listOf(), place),
  denied: deniedPage(deniedOf(), listOf(), place),
  drill: reportPage(reportOf(), "ab".repeat(32)),
  nothing: noticePage(
    "Nothing can be shown",
    "This ledger does not verify, so nothing of it is shown.",
    "Ask who runs it.",
  ),
};

let browser: Browser;
const shots = process.env.GLASSGATE_SHOTS;

async function show<T>(
  text: string,
  options: BrowserContextOptions,
  work: (page: Page, said: readonly string[]) => Promise<T>,
): Promise<T> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const said: string[] = [];
  try {
    const page = await context.newPage();
    page.on("console", (message) => said.push(message.text()));
    page.on("dialog", (dialog) => {
      said.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on("request", (request) => said.push(`request: ${request.url().slice(0, 80)}`));
    await page.setContent(text, { timeout: 120_000 });
    return await work(page, said);
  } finally {
    await context.close();
  }
}

async function shoot(page: Page, name: string): Promise<Buffer> {
  const png = await page.screenshot();
  if (shots !== undefined) {
    mkdirSync(shots, { recursive: true });
    writeFileSync(join(shots, `${name}.png`), png);
  }
  return png;
}

const isNarrow = (page: Page): Promise<boolean> =>
  page.evaluate<boolean>("document.documentElement.scrollWidth <= innerWidth");

describe.skipIf(found === undefined)("in a real Chromium", () => {
  beforeAll(async () => {
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser?.close();
  });

  for (const [name, text] of Object.entries(pages))
    for (const [width, colorScheme] of [
      [390, "light"],
      [1280, "dark"],
      ...(name === "review"
        ? ([
            [390, "dark"],
            [1280, "light"],
          ] as const)
        : []),
    ] as const)
      it(`${name} at ${width} px, ${colorScheme}: fits, and axe-core finds nothing`, async () => {
        // axe-core is the tests' own script: the page's policy would not let it in, and is looked at below.
        await show(text, { viewport: { width, height: 900 }, colorScheme, bypassCSP: true }, async (page) => {
          expect(await isNarrow(page)).toBe(true);
          expect((await shoot(page, `${name}-${width}-${colorScheme}`)).length).toBeGreaterThan(5000);
          await page.evaluate(axe);
          const violations = await page.evaluate<string[]>(
            'axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }).then(({ violations }) => violations.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => id + ": " + html.slice(0, 200) + " " + failureSummary)))',
          );
          expect(violations).toEqual([]);
        });
      });

  it("loads, runs and asks for nothing, and its own policy allows its style", async () => {
    for (const text of Object.values(pages))
      await show(text, {}, async (page, said) => {
        expect(await page.evaluate<string>("getComputedStyle(document.querySelector('main')).maxWidth")).not.toBe(
          "none",
        );
        expect(said).toEqual([]);
      });
  });

  it("does nothing that a text of a record tells it", async () => {
    const texts = [...Object.values(SHORT), ...Object.values(INVISIBLE)].filter((text) => text !== "");
    let next = 0;
    const hostile = (text: string): string => (text === "" ? text : `${texts[next++ % texts.length]}`);
    const one = withTexts(
      reviewOf({ closures: [closureOf()], blockers: ["x"], calls: [...reviewOf().calls, callOf(50, { path: LONG })] }),
      hostile,
      FIXED,
    );
    await show(reviewPage(one, place), { viewport: { width: 390, height: 900 } }, async (page, said) => {
      const odd = await page.evaluate<string[]>(
        "[...document.querySelectorAll('*')].flatMap((one) => [...one.attributes].filter(({ name }) => name.startsWith('on') || ['style', 'src', 'srcset', 'action', 'formaction', 'background'].includes(name)).map(({ name }) => one.tagName + ' ' + name).concat(['SCRIPT', 'IMG', 'IFRAME', 'OBJECT', 'EMBED', 'LINK', 'BASE', 'FORM', 'INPUT', 'BUTTON'].includes(one.tagName) ? [one.tagName] : []))",
      );
      expect(odd).toEqual([]);
      expect(await page.evaluate<number>("document.querySelectorAll('style').length")).toBe(1);
      expect(await isNarrow(page)).toBe(true);
      await page.keyboard.press("Tab");
      await page.mouse.move(200, 300);
      expect(said).toEqual([]);
      // What it says is there all the same, as text.
      expect(await page.evaluate<string>("document.body.textContent")).toContain("<script>alert(1)</script>");
    });
  });

  it("is read with the keyboard alone: skip link, parts, filters, the whole JSON", async () => {
    await show(pages.review ?? "", {}, async (page) => {
      const focused = (): Promise<string> => page.evaluate<string>("document.activeElement.textContent.trim()");
      await page.keyboard.press("Tab");
      expect(await focused()).toBe("Skip to the content");
      await page.keyboard.press("Enter");
      expect(await page.evaluate<string>("document.activeElement.id")).toBe("main");
      const seen: string[] = [];
      for (let i = 0; i < 60; i++) {
        await page.keyboard.press("Tab");
        const name = await focused();
        seen.push(name);
        const isMarked = await page.evaluate<boolean>(
          "document.activeElement === document.body || getComputedStyle(document.activeElement).outlineStyle !== 'none'",
        );
        expect([name, isMarked]).toEqual([name, true]);
        if (name.startsWith("Denied")) await page.keyboard.press("Enter");
        if (name.startsWith("Denied")) break;
      }
      expect(seen.slice(0, 8)).toEqual([
        "What to look at",
        "Who and why",
        "Timeline",
        "Granted and used",
        "Is it over?",
        "Evidence",
        "Close it",
        "Every call",
      ]);
      const rows =
        "[...document.querySelectorAll('.calls tbody tr')].filter((row) => row.getBoundingClientRect().height > 0).length";
      expect(await page.evaluate<number>(rows)).toBe(4);
      for (let i = 0; i < 10 && (await focused()) !== "JSON of this review"; i++) await page.keyboard.press("Tab");
      await page.keyboard.press("Enter");
      expect(JSON.parse(await page.evaluate<string>("document.querySelector('#json').innerText")).jti).toBe(
        reviewOf().jti,
      );
    });
  });

  it("has one main, one h1, and no heading that skips a level", async () => {
    for (const text of Object.values(pages))
      await show(text, {}, async (page) => {
        expect(
          await page.evaluate<number[]>(
            "['main', 'h1', 'body > header', 'body > footer'].map((one) => document.querySelectorAll(one).length)",
          ),
        ).toEqual([1, 1, 1, 1]);
        const levels = await page.evaluate<number[]>(
          "[...document.querySelectorAll('h1,h2,h3,h4')].map(({ tagName }) => Number(tagName[1]))",
        );
        levels.forEach((level, i) => {
          expect(level - (levels[i - 1] ?? 0)).toBeLessThanOrEqual(1);
        });
      });
  });

  it("prints to PDF, in black on white also where the screen is dark, without what cannot be pressed on paper", async () => {
    await show(pages.review ?? "", { colorScheme: "dark" }, async (page) => {
      const pdf = await page.pdf({ format: "A4" });
      if (shots !== undefined) writeFileSync(join(shots, "review.pdf"), pdf);
      expect(pdf.subarray(0, 5).toString()).toBe("%PDF-");
      await page.emulateMedia({ media: "print" });
      expect(await page.evaluate<string>("getComputedStyle(document.documentElement).backgroundColor")).toBe(
        "rgb(255, 255, 255)",
      );
      expect(
        await page.evaluate<string[]>(
          "['nav.parts', '.filters', '.skip', '#data'].map((one) => getComputedStyle(document.querySelector(one)).display)",
        ),
      ).toEqual(["none", "none", "none", "none"]);
    });
  });

  it("is whole on paper: long texts stand there to their end, and what was narrowed is said", async () => {
    const end = "to the very end";
    const long = `${"It was looked at. ".repeat(40)}${end}`;
    const calls = [...reviewOf().calls, callOf(60, { path: `/orders/${"7".repeat(900)}${end.replaceAll(" ", "-")}` })];
    const one = reviewOf({ text: long, closures: [closureOf({ findings: long })], calls });
    await show(reviewPage(one, place), {}, async (page) => {
      const seen = (words: string): Promise<boolean[]> =>
        page.evaluate<boolean[]>(
          `[...document.querySelectorAll("bdi")].filter((one) => one.textContent.endsWith(${JSON.stringify(words)})).map((one) => one.checkVisibility())`,
        );
      const rows = (): Promise<number> =>
        page.evaluate<number>(
          "[...document.querySelectorAll('.calls tbody tr')].filter((row) => row.getBoundingClientRect().height > 0).length",
        );
      const narrowed = (): Promise<string> =>
        page.evaluate<string>(
          "getComputedStyle(document.querySelector('.filters')).display + getComputedStyle(document.querySelector('.filters'), '::before').content + document.querySelector('.filters').innerText",
        );
      expect(await seen(end)).toEqual([false, false]);
      await page.emulateMedia({ media: "print" });
      expect([await seen(end), await seen(end.replaceAll(" ", "-"))]).toEqual([[true, true], [true]]);
      expect([await rows(), await narrowed()]).toEqual([calls.length, expect.stringMatching(/^none/)]);
      await page.evaluate("location.hash = 'only-denied'");
      expect([await rows(), await narrowed()]).toEqual([4, expect.stringMatching(/^flex"Narrowed.*Denied 4$/)]);
      await page.evaluate("location.hash = 'no-calls'");
      expect([await rows(), await narrowed()]).toEqual([0, expect.stringMatching(/^flex"Printed without/)]);
    });
  });

  it("is of use with 10,000 calls: read, narrowed and jumped in", async () => {
    const made = performance.now();
    const text = reviewPage(bigReview(10_000), { ...place, isServed: true });
    const shown = performance.now();
    await show(text, {}, async (page, said) => {
      const paint = await page.evaluate<number>(
        "new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => resolve(performance.now()))))",
      );
      console.log(
        `10,000 calls: ${(Buffer.byteLength(text) / 1e6).toFixed(1)} MB, made in ${Math.round(shown - made)} ms, in Chromium and painted after ${Math.round(performance.now() - shown)} ms (page clock ${Math.round(paint)} ms)`,
      );
      const count = (where: string): Promise<number> =>
        page.evaluate<number>(`document.querySelectorAll(${JSON.stringify(where)}).length`);
      expect(await count(".calls tbody tr")).toBe(10_000);
      expect(await count(".group")).toBe(100);
      await page.click('a[href="#only-denied"]');
      const seen =
        "[...document.querySelectorAll('.calls tbody tr')].filter((row) => getComputedStyle(row).display !== 'none').length";
      expect(await page.evaluate<number>(seen)).toBe(100);
      await page.click('.filters a[href="#calls"]');
      await page.click('a[href="#calls-9901"]');
      expect(
        await page.evaluate<boolean>(
          "Math.abs(document.querySelector('#calls-9901').getBoundingClientRect().top) < innerHeight",
        ),
      ).toBe(true);
      await shoot(page, "big");
      expect(said).toEqual([]);
    });
  });
});

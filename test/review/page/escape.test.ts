/** Text from outside stays text: whatever a record holds, the page has the same elements and attributes as without it. */
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { deniedPage } from "../../../control/review/page/denied.js";
import { type Place, POLICY } from "../../../control/review/page/document.js";
import { listPage } from "../../../control/review/page/list.js";
import { reviewPage } from "../../../control/review/page/review.js";
import { callOf, closureOf, deniedOf, listOf, reviewOf, START, withTexts } from "../../kit/review.js";
import { FIXED, INVISIBLE, LONG, SHORT } from "./hostile.js";

const place: Place = {
  now: START + 3 * 3_600_000,
  ledger: "ledger",
  key: "ledger.vkey",
  anchors: ["anchors.json"],
  isServed: false,
};
const review = reviewOf({
  closures: [closureOf({ isOutdated: true })],
  blockers: ["a gap"],
  evidence: { ...reviewOf().evidence, gaps: [{ vm: "vm", from: 1, to: 2 }] },
});

/** Every tag with its attributes, less what is our own count or moment. */
const tagsOf = (page: string): string[] =>
  [...page.matchAll(/<[^>]*>/g)].map(([tag]) => tag.replace(/ datetime="[^"]*"/, ""));

/** The places where text from outside may stand in an attribute: none. */
const skeleton = (page: string): string[] =>
  tagsOf(page).filter((tag) => !/^<\/?(?:li|p)\b|^<div class="prose"/.test(tag));

const pagesOf = (text: string): string[] => {
  const hostile = (one: string): string => (one === "" ? one : text);
  const list = listOf();
  const reviews = list.reviews.map((one) => withTexts(one, hostile, FIXED));
  return [
    reviewPage(withTexts(review, hostile, FIXED), place),
    reviewPage(withTexts(review, hostile, FIXED), {
      ...place,
      isServed: true,
      ledger: text,
      key: text,
      anchors: [text],
    }),
    listPage(
      {
        ...list,
        origin: text,
        reviews,
        dueActions: list.dueActions.map((one) => ({ ...one, what: text, owner: text })),
      },
      place,
    ),
    deniedPage(
      deniedOf({ key: `denied:${text}:2026-11-26T10Z`, sub: text, verdicts: { [text]: 3 }, grants: [text, text] }),
      { origin: text, size: 1 },
      place,
    ),
  ];
};

describe("hostile text in every member", () => {
  const plain = pagesOf("plain");
  for (const [name, text] of Object.entries({ ...SHORT, ...INVISIBLE }))
    it(`${name}: no tag more, none less`, () => {
      pagesOf(text).forEach((page, i) => {
        if (text !== "") expect(skeleton(page)).toEqual(skeleton(plain[i] ?? ""));
        expect(page).not.toMatch(/<script|<img|<iframe|<svg[^>]*onload|<[^>]* on[a-z]+=/i);
      });
    });

  for (const [name, text] of Object.entries(INVISIBLE))
    it(`${name}: is made visible`, () => {
      for (const page of pagesOf(text)) {
        expect(page.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\p{Cf}\u3164\u2800]/u);
        expect(page).not.toMatch(/[\ud800-\udfff](?![\udc00-\udfff])/);
      }
    });

  it("60 KB: folded away behind its beginning, and whole within", () => {
    const one = reviewOf({ text: LONG, incident: LONG, calls: [callOf(1, { path: LONG, requestId: LONG })] });
    for (const page of [
      reviewPage(one, { ...place, isServed: true }),
      listPage(listOf({ reviews: [one], denied: [deniedOf({ sub: LONG })] }), place),
    ]) {
      expect(page).not.toMatch(/<b>A|<i>/);
      expect(page).toContain("characters)</span></summary>");
    }
  });

  it("has one style sheet, whose hash is the policy's, and no address that is not our own", () => {
    for (const page of pagesOf("https://evil.example/")) {
      const sheets = [...page.matchAll(/<style>([\s\S]*?)<\/style>/g)].map(([, text = ""]) => text);
      expect(sheets.map((text) => `sha256-${createHash("sha256").update(text).digest("base64")}`)).toEqual([
        /'(sha256-[^']+)'/.exec(POLICY)?.[1],
      ]);
      expect(page).not.toMatch(/ style=| srcset=| src=/);
      for (const [, href = ""] of page.matchAll(/ href="([^"]*)"/g))
        expect(href).toMatch(/^(?:#[a-z0-9-]+|\/(?:(?:review|denied)\/[0-9a-f]{64}(?:\.json)?)?)$/);
    }
  });

  it("links to no review whose name is no hash", () => {
    const page = listPage(listOf({ reviews: [reviewOf({ grant: "../../evil" })], dueActions: [] }), place);
    expect(page).not.toContain('href="/review/');
  });

  it("puts nothing of a name into the shell", () => {
    const page = deniedPage(deniedOf({ key: "denied:$(rm -rf ~)'`;:2026-11-26T10Z" }), { origin: "o", size: 1 }, place);
    expect(page).toContain("&#39;denied:$(rm -rf ~)&#39;\\&#39;&#39;`;:2026-11-26T10Z&#39;");
  });
});

describe("the file that stands alone", () => {
  it("holds the review as JSON, which comes back as it was", () => {
    const one = reviewOf({ text: "</pre><script>&amp;\u202e\u0000" });
    const [, text = ""] = /<pre id="json"[^>]*>([^<]*)<\/pre>/.exec(reviewPage(one, place)) ?? [];
    const json = text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
    expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify(one)));
  });
});

describe("what was planted is on the page, in words", () => {
  const text = (page: string): string => page.replace(/<style>[\s\S]*?<\/style>/, "").replace(/<[^>]*>/g, "");
  const page = text(reviewPage(review, place));
  for (const [what, words] of Object.entries({
    "a method that was never used": "PATCH never used",
    "a detail that was never used": "Part 2 of the scope",
    minutes: "26 minutes 30 seconds used of 45 minutes granted",
    "two networks": "It was used from 2 networks",
    "a denial": "denied scope_method",
    "a stream that was cut": "Ended by the gateway 10:32:30: revoked",
    "who asked": "Requester proven by the ask",
    "a missing record": "2 records are missing.",
    "a blocker": "It cannot be closed yet",
    "an outdated signature": "Something came after this signature",
    "the end": "The grant was revoked.",
    "how to close": "glassgate review close ledger",
  }))
    it(what, () => expect(page).toContain(words));

  it("says so where the requester is not proven, evidence is missing, streams are open, and calls came after the end", () => {
    const bad = text(
      reviewPage(
        reviewOf({
          isRequesterProven: false,
          granted: [],
          evidence: { ...reviewOf().evidence, isProven: false, isConsistent: false },
          teardown: {
            exp: START + 3_000_000,
            revokedAt: undefined,
            openStreams: 2,
            acceptedAfter: 1,
            lastAt: undefined,
          },
        }),
        place,
      ),
    );
    for (const words of [
      "Requester not proven",
      "The approvals are not proved.",
      "rewritten earlier is not known",
      "2 streams have no end",
      "1 call was accepted after the end",
      "What was granted is not known",
    ])
      expect(bad).toContain(words);
  });

  it("is never late before its time, and always after it", () => {
    const at = (now: number): string => text(reviewPage(reviewOf(), { ...place, now }));
    expect(at(reviewOf().dueAt - 1)).not.toContain("Overdue");
    expect(at(reviewOf().dueAt + 1)).toContain("Overdue");
  });

  it("survives moments and counts that are none", () => {
    for (const moment of [Number.NaN, Number.POSITIVE_INFINITY, -1e300, 9e15])
      expect(
        text(
          reviewPage(
            reviewOf({
              dueAt: moment,
              issuedAt: moment,
              calls: reviewOf().calls.map((call) => ({ ...call, at: moment })),
              teardown: { ...reviewOf().teardown, exp: moment, lastAt: moment },
            }),
            place,
          ),
        ),
      ).toContain("no date");
  });

  it("shows a review without a call, a step or an approval", () => {
    const empty = reviewOf({
      calls: [],
      timeline: [],
      approvals: [],
      granted: [],
      unusual: [],
      counts: { allowed: 0, denied: 0, answers: 0, alarms: 0 },
      issuedAt: undefined,
      teardown: { exp: undefined, revokedAt: undefined, openStreams: 0, acceptedAfter: 0, lastAt: undefined },
    });
    expect(text(reviewPage(empty, place))).toContain("No call is in the log.");
  });
});

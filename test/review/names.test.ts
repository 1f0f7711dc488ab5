/** A grant's jti is its requester's choice: it takes no other grant's name. And what a spreadsheet makes of a call's texts. */
import { expect, it } from "vitest";
import { callsCsv } from "../../control/review/csv.js";
import { findReview } from "../../control/review/find.js";
import { callOf, hex, listOf, reviewOf } from "../kit/review.js";

it("a jti that is another grant's hash hides nothing of that one", () => {
  const first = reviewOf();
  const second = reviewOf({ grant: hex("second"), jti: first.grant });
  const list = listOf({ reviews: [second, first] });
  expect(findReview(list, first.grant)).toEqual({ review: first });
  expect(findReview(list, second.grant)).toEqual({ review: second });
  expect(() =>
    findReview(
      listOf({ reviews: [reviewOf({ jti: hex("second").slice(0, 16) }), second] }),
      hex("second").slice(0, 16),
    ),
  ).toThrow("2 reviews are called");
});

it("no text of a call becomes a formula, whichever separator a spreadsheet has", () => {
  const texts = [
    "=1+1",
    " +1",
    "@SUM(A1)",
    "a;=1+1",
    "a; -1",
    'a;"=1+1"',
    "\uff1d1+1",
    "a;\uff201",
    ";;=1",
    "\t=1",
    "\n=1",
  ];
  for (const text of texts) {
    const [, row = ""] = callsCsv([callOf(1, { host: text, path: text })]).split("\r\n");
    expect(row.split("\n")).toHaveLength(1);
    for (const separator of [",", ";"])
      for (const cell of row.split(separator))
        expect([text, cell]).not.toEqual([text, expect.stringMatching(/^[\s"]*[=+\-@\uff1d\uff0b\uff0d\uff20]/)]);
  }
  expect(callsCsv([callOf(1, { path: "/a;b/c-d" })])).toContain(',"/a;b/c-d",');
});

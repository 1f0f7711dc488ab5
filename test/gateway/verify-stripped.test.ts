/** What the filter always removes is one table (config/stripped.json): `verify` asks for none of it again, and knows each behind the verdict. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { verifyGateway } from "../../control/gateway/verify/index.js";
import { edited, FILTERS, filter, GUARD, insert, JWT, set, texts } from "./verify/files.js";

const table = z
  .array(z.strictObject({ name: z.string(), says: z.string(), replaces: z.boolean().optional() }))
  .parse(JSON.parse(readFileSync(new URL("../../config/stripped.json", import.meta.url), "utf8")));
const names = (text: string): string[] => verifyGateway(text, "test.yaml").map(({ name }) => name);
const isSet = (key: string, value: string): string =>
  edited(
    texts.standard,
    insert(
      FILTERS,
      GUARD + 1,
      filter("late", "header_mutation.v3.HeaderMutation", {
        mutations: { request_mutations: [{ append: { header: { key, value } } }] },
      }),
    ),
  );

describe("a header that every allowed request loses", () => {
  for (const { name, replaces = false } of table) {
    it(`${name} need not stand in strip, and is told where it is set behind the verdict`, () => {
      const claims = [{ claim_name: "sub", header_name: name }];
      const claimed = edited(texts.standard, set([...JWT, "providers", "idp", "claim_to_headers"], claims));
      expect(names(claimed)).toEqual(names(texts.standard));
      expect(names(isSet(name, "%REQ(x-other)%")).join()).toContain(`override-copied:${name}`);
      expect(names(isSet(name, "fixed")).join().includes(`override-set:${name}`)).toBe(replaces);
    });
  }
});

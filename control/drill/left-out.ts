/** What the drill file itself leaves out or accepts: it stands in the report, as nobody is to take it for tried. */
import type { DrillFile } from "./file.js";
import type { Measure, NotProbed } from "./model.js";
import { measureWords } from "./report/words.js";

/** Of the file alone; routes that are `open`, and cases that are skipped, are told where they are left out. */
export function leftOut({ gateways, expects, ledger }: DrillFile): NotProbed[] {
  const meant = [
    ["opens", "whether the entitlement opens more than it is meant to"],
    ["max_ttl", "whether the entitlement's grants live longer than they are meant to"],
  ] as const;
  return [
    ...gateways.flatMap(({ id, accept }) =>
      accept.map((name) => ({
        what: `${id}: the finding ${name}`,
        why: "the drill file accepts it (`accept`)",
        member: "accept",
      })),
    ),
    ...gateways.flatMap(({ id, config }) =>
      config !== undefined
        ? []
        : [
            {
              what: `${id}: whether it runs what its file says`,
              why: "the drill file names no `config` of it",
              member: "config",
            },
          ],
    ),
    ...meant.flatMap(([member, what]) =>
      expects?.[member] !== undefined
        ? []
        : [{ what, why: `the drill file has no \`expects.${member}\``, member: "expects" }],
    ),
    ...(ledger !== undefined
      ? []
      : [
          {
            what: "that the records stay",
            why: "the drill file names no ledger: they were read from the gateways' own audit logs, and nothing is proved",
            member: "ledger",
          },
        ]),
  ];
}

/** A route that was not looked at. @param name its host, and the path as a person knows it */
export const leftOpen = (name: string): NotProbed => ({
  what: `the route ${name}`,
  why: "the drill file says that anybody may reach it (`open`)",
  member: "open",
});

/** What was measured, and may take as long as it likes. */
export function unlimited(measures: readonly Measure[]): NotProbed[] {
  const names = measures.filter(({ limit }) => limit === undefined).map(({ name }) => measureWords[name]);
  if (names.length === 0) return [];
  return [
    {
      what: `how long it may take ${names.join("; ")}`,
      why: "the drill file has no `limits` of it",
      member: "limits",
    },
  ];
}

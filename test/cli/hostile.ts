/** Hostile inputs from a seed: the same ones in every run. */

export interface Dice {
  /** A whole number below the bound. */
  below(bound: number): number;
  pick<T>(choices: readonly T[]): T;
}

/** mulberry32, public domain arithmetic; not for secrets. */
export function dice(seed: number): Dice {
  let state = seed;
  const below = (bound: number): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * bound);
  };
  const pick = <T>(choices: readonly T[]): T => {
    const choice = choices[below(choices.length)];
    if (choice === undefined) throw new Error("nothing to choose from");
    return choice;
  };
  return { below, pick };
}

const deep = (levels: number): unknown => {
  let value: unknown = 1;
  for (let i = 0; i < levels; i++) value = [value];
  return value;
};

/** Values that no member expects. */
const VALUES: readonly unknown[] = [
  null,
  true,
  -1,
  0,
  1.5,
  1e308,
  2 ** 53 - 1,
  2 ** 53,
  2 ** 31,
  "",
  " ",
  "\0",
  "x",
  "*",
  "\ud800",
  "\u202e\u001b[2J",
  "x".repeat(100_000),
  "__proto__",
  "constructor",
  [],
  {},
  [null],
  [[]],
  [{}],
  { __proto__: null, toString: 1 },
  deep(50),
  "2026-02-30",
  "99999999d",
  "-1h",
  "0s",
  "9007199254740993",
  "1e999",
  "\u00e9".repeat(64),
  "eyJhbGciOiJub25lIn0..",
  "a/../../b",
];

type Place = readonly (string | number)[];

function placesIn(value: unknown, at: Place = []): Place[] {
  if (typeof value !== "object" || value === null) return [at];
  return [
    at,
    ...Object.entries(value).flatMap(([name, child]) =>
      placesIn(child, [...at, Array.isArray(value) ? Number(name) : name]),
    ),
  ];
}

function replaced(value: unknown, at: Place, change: (before: unknown) => unknown): unknown {
  const [first, ...rest] = at;
  if (first === undefined) return change(value);
  if (Array.isArray(value)) return value.map((child, i) => (i === first ? replaced(child, rest, change) : child));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, child]) => [name, name === first ? replaced(child, rest, change) : child]),
  );
}

/** The value with one of its members changed, dropped, doubled or added. */
export function changedValue(value: unknown, { below, pick }: Dice): unknown {
  return replaced(value, pick(placesIn(value)), (before) => {
    const kind = below(8);
    if (kind === 0 && Array.isArray(before)) return [...before, ...before];
    if (kind === 1 && Array.isArray(before)) return before.slice(1);
    if (kind === 2 && typeof before === "object" && before !== null)
      return { ...before, [pick(["extra", "exp", "__proto__", "\u001b"])]: pick(VALUES) };
    if (kind === 3 && typeof before === "object" && before !== null && !Array.isArray(before))
      return Object.fromEntries(Object.entries(before).slice(1));
    return pick(VALUES);
  });
}

/** Pieces that readers of YAML, JSON and tokens stumble over. */
const PIECES: readonly string[] = [
  "\0",
  "\ufeff",
  "\u001b[31m",
  "&a [*a]",
  "*nobody",
  "<<: *x",
  "!!binary x",
  "!!js/function x",
  "%YAML 9.9\n---\n",
  "\n---\n",
  "\n...\n",
  "\t",
  "{",
  "}",
  "[",
  "]",
  "? ",
  ": ",
  "- ",
  "|\n",
  ">\n",
  '"',
  "'",
  "#",
  "..",
  "~",
  "=",
  "-----BEGIN",
  "\r\n",
  "\u2028",
  "[".repeat(3000),
  "{a: ".repeat(500),
  "? ".repeat(500),
  "0x",
  ".inf",
  ".nan",
  "2026-13-45",
];

/** The bytes of a file after an accident: cut, flipped, filled, doubled, or with a piece where none belongs. */
export function changedBytes(bytes: Buffer, { below, pick }: Dice): Buffer {
  const at = below(bytes.length + 1);
  const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
  switch (below(7)) {
    case 0:
      return before;
    case 1:
      return Buffer.concat([before, Buffer.from([below(256)]), after.subarray(1)]);
    case 2:
      return Buffer.concat([before, Buffer.from([0xff, 0xfe, 0x80, 0xc0]), after]);
    case 3:
      return Buffer.concat([bytes, bytes]);
    case 4:
      return Buffer.concat([before, after.subarray(below(after.length + 1))]);
    default:
      return Buffer.concat([before, Buffer.from(pick(PIECES)), after]);
  }
}

/** Words for arguments. NUL cannot be in one. */
export const WORDS: readonly string[] = [
  "",
  " ",
  "-",
  "--",
  "---",
  "-x",
  "--json",
  "--help=1",
  "x",
  "*",
  "/",
  ".",
  "..",
  "~",
  "\u202e",
  "\u001b[2J",
  "\n",
  "\ud83d\udd11",
  "\ud800",
  "x".repeat(5000),
  "a\nb",
  "0",
  "-1",
  "1e9",
  "999999999",
  "9999999999",
  "2147483648",
  "NaN",
  "15m",
  "99999999d",
  "0s",
  "3000-01-01",
  "8640000000000001",
  "275761-01-01T00:00:00Z",
  "GET",
  "get",
  "https://api.example.com/orders/42",
  "https://",
  "http://[::1",
  "https://a@b/",
  "https://api.example.com/%00/../",
  "https://\u7a93/",
  "http://x:99999999/",
  "127.0.0.1:1",
  "localhost",
  "[::]:0",
  ":",
  "127.0.0.1:1/../x",
  "eyJ.eyJ.eyJ",
  "a.b.c",
  "a..c",
  "../../etc/passwd",
  "Ed25519",
  "enforce",
  "__proto__",
  "constructor",
  "rita",
  "adam",
  "root-1",
  "orders-repair",
  "outage",
];

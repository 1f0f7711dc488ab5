/** The sample incident, step by step: what is typed, what must be seen, and what the page says about it. */

export interface Step {
  /** A heading before it. */
  readonly title?: string;
  /** What the page says before the line. */
  readonly says?: string;
  /** As it is typed; a line without output on the page where `isHidden`. */
  readonly line: string;
  readonly sees: RegExp;
  readonly isHidden?: boolean;
  /** Rows of what it printed that the page leaves out, as `...`: from the first that matches to the one before the second. */
  readonly without?: readonly (readonly [RegExp, RegExp])[];
}

const READ = "--key ledger.vkey --anchors anchors.json";

/** What stands before the story: Getting started, and a ledger beside its gateway. @param fill a line that puts keys and olga into the roster */
export const setUp = (fill: string): string[] => [
  "glassgate init break-glass",
  "cd break-glass",
  ...["rita", "adam", "anna", "olga"].map((name) => `glassgate key new ${name}`),
  fill,
  "glassgate bundle build",
  "glassgate bundle sign --key root-1",
  "glassgate bundle sign --key root-2",
  "glassgate gateway render --demo-idp --output gateway.yaml",
  "glassgate gateway run gateway.yaml --background --demo-upstream",
  "glassgate push --gateway gateway.yaml",
  "glassgate ledger init ledger --origin ledger.example.com/eu/2026 > ledger.vkey",
  `cat > ledger.lines <<'YAML'
gateways:
  - { id: gateway-1, audit: ../logs/audit.log, answers: ../logs/answers.log, admin: 127.0.0.1:9901, envoy: ../gateway.yaml }
anchors: [ ../anchors.json ]
grace: 5s
heartbeat: 1s
YAML`,
  "sed -i -e '/^gateways:/d' -e '/^anchors:/d' -e '/^grace:/d' -e '/^heartbeat:/d' ledger/ledger.yaml && cat ledger.lines >> ledger/ledger.yaml",
  "glassgate ledger serve ledger > serve.txt 2>&1 & SERVING=$!",
];

const CURL = "glassgate curl --grant grant.txt --gateway http://127.0.0.1:10000 --";

const COPY = 'curl -s -H @copy.txt -H "Host: api.example.com" http://127.0.0.1:10000/orders/42';

/** For the whole of it: as long as the grant lives. */
const PATIENCE_S = 900;

/** A line that waits until the review is so. */
const waitFor = (condition: string): string =>
  `until GRANT=$(glassgate review list ledger ${READ} --json | node -e 'console.log(JSON.parse(fs.readFileSync(0)).reviews[0].grant.slice(0, 12))') &&
  glassgate review show ledger $GRANT ${READ} --grace 5s --json | node -e 'const { counts, blockers } = JSON.parse(fs.readFileSync(0)); process.exit(${condition} ? 0 : 1)'; do
  [ $SECONDS -lt ${PATIENCE_S} ] || exit 1; sleep 1
done 2> waiting.txt`;

export const story: readonly Step[] = [
  {
    title: "The alarm",
    says: `Refunds are sent twice; the ticket is INC-7. Rita is on call, and nothing that she may do by day reaches an order. She asks for
what she needs, for a quarter of an hour:`,
    line: `glassgate ask POST https://api.example.com/orders/42 --also-method GET --ent orders-repair --reason outage \\
  --incident INC-7 --text "Refund loop: read order 42, then post the correction" --ttl 15m --key rita > ask.txt`,
    sees: /INC-7/,
  },
  {
    title: "Two approvals",
    says: "An ask opens nothing, so it goes round in the chat. Adam is a lead; he reads what it opens, and types `yes`:",
    line: "glassgate approve ask.txt --key adam > adam.txt",
    sees: /"yes"/,
  },
  {
    says: "Anna is of security, and sees the same:",
    line: "glassgate approve ask.txt --key anna > anna.txt",
    sees: /"yes"/,
    without: [[/^/, /"yes"/]],
  },
  {
    title: "The grant, and what is done with it",
    says: "Rita puts the three together:",
    line: "glassgate grant ask.txt adam.txt anna.txt --key rita --output grant.txt",
    sees: /grant\.txt/,
  },
  {
    says: "She reads the order and corrects it. The gateway lets both through, and tells the upstream who it is and under which grant:",
    line: `${CURL} -s -o order.json -w "%{http_code}\\n" https://api.example.com/orders/42`,
    sees: /^200$/m,
  },
  {
    line: `${CURL} -s -o answer.json -w "%{http_code}\\n" -X POST https://api.example.com/orders/42`,
    sees: /^200$/m,
  },
  {
    says: "A colleague wants to help, and takes a copy of `grant.txt`. Without the key that it is bound to, the copy opens nothing:",
    line: `cp grant.txt copy.txt\n${COPY}`,
    sees: /binding_missing/,
  },
  {
    title: "It is taken back",
    says: "The order is right again, and a copy of the grant is about. Nobody waits for its end: Anna takes it back, alone:",
    line: "glassgate revoke --grant grant.txt --key anna --gateway gateway.yaml",
    sees: /applied/,
  },
  {
    says: "From then on it opens nothing, for Rita neither:",
    line: COPY,
    sees: /revoked/,
  },
  {
    line: waitFor("counts.denied === 2 && blockers.length === 0"),
    sees: /^/,
    isHidden: true,
  },
  {
    title: "The review",
    says: "Olga had no part in it. She sees that a review waits:",
    line: `glassgate review list ledger ${READ}`,
    sees: /rita used orders-repair/,
  },
  {
    says: `and all that there is to know of it, from a ledger that is verified first. The ask out of the chat proves that it was Rita who
asked:`,
    line: `glassgate review show ledger GRANT ${READ} --ask ask.txt --grace 5s`,
    sees: /2 allowed, 2 denied/,
  },
  {
    says: "The same for a browser, as one file:",
    line: `glassgate review page ledger GRANT ${READ} --ask ask.txt --grace 5s --out review.html`,
    sees: /Written to review\.html/,
  },
  {
    says: "She keeps the ledger's checkpoint, as whoever runs it could write another history later:",
    line: "cp ledger/checkpoint olga.checkpoint",
    sees: /^/,
  },
  {
    line: "kill -INT $SERVING && wait $SERVING",
    sees: /^/,
    isHidden: true,
  },
  {
    title: "Signed",
    says: `Olga asks Rita about the denied calls, and signs what she found. Her signature is over exactly these entries; by Rita, Adam or Anna
it would be refused, and so while the grant opened anything:`,
    line: `glassgate review close ledger GRANT ${READ} --ask ask.txt --grace 5s --as olga \\
  --classification real \\
  --findings "Order 42 was corrected, and nothing else was touched. A colleague tried a copy of the grant, which opened nothing." \\
  --action "Say in the handbook that a helper asks for a grant of his own;adam;2027-01-15"`,
    sees: /Closed: entry \d+/,
  },
  {
    says: "From now on whoever has a copy of the ledger can see that somebody looked, who, and at what:",
    line: `glassgate review list ledger ${READ} --state closed`,
    sees: /closed/,
  },
  {
    says: "And that nothing which she saw was changed since:",
    line: `glassgate ledger verify ledger ${READ} --since olga.checkpoint`,
    sees: /^Proved:[\s\S]*olga\.checkpoint/m,
  },
];

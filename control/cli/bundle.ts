/** `glassgate bundle build|sign|show|verify`: from the roster to a text that gateways trust. */
import type { Command } from "commander";
import { addBundleBuild } from "./bundle-build.js";
import { addBundleShow, addBundleVerify } from "./bundle-show.js";
import { addBundleSign } from "./bundle-sign.js";

export function addBundle(program: Command): void {
  const bundle = program.command("bundle").description("build, sign, show and verify trust bundles");
  addBundleBuild(bundle);
  addBundleSign(bundle);
  addBundleShow(bundle);
  addBundleVerify(bundle);
}

/** The environment of somebody who has just come: their own folders, and nothing of the npm that runs these tests. */
import { delimiter, join, sep } from "node:path";

const isOfNpm = (name: string): boolean => /^npm_/i.test(name) && !/^npm_config_(cache|cafile|registry)$/i.test(name);

/** @param base holds what `npm install --global` installs, and the keys */
export function newcomer(base: string): Record<string, string> {
  // Else an old npm among our dependencies' dependencies would be the one that is tried.
  const path = (process.env.PATH ?? "").split(delimiter).filter((part) => !part.endsWith(`node_modules${sep}.bin`));
  return {
    ...Object.fromEntries(
      Object.keys(process.env)
        .filter(isOfNpm)
        .map((name) => [name, ""]),
    ),
    PATH: [join(base, "bin"), ...path].join(delimiter),
    GLASSGATE_KEYS: join(base, "keys"),
    GLASSGATE_PASSPHRASE: "correct horse battery staple",
    npm_config_prefix: base,
    npm_config_ignore_scripts: "true", // The build is there; another would write into it while other tests read.
    npm_config_prefer_offline: "true",
    npm_config_update_notifier: "false",
  };
}

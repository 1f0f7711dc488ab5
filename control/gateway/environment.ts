/** What our child processes may know of our environment: everything but the passphrase. */

export function childEnvironment(): NodeJS.ProcessEnv {
  const { GLASSGATE_PASSPHRASE: _, ...rest } = process.env;
  return rest;
}

/** A thread of the verifier: checks the bundles that it is given, and hands their bytes over. */
import { parentPort, workerData } from "node:worker_threads";
import { z } from "zod";
import { UserError } from "../../base/errors.js";
import { checkBundle } from "./bundle.js";
import { widthOf } from "./files.js";
import type { Chunk, Done } from "./pass.js";
import { Broken } from "./problem.js";
import { openSource } from "./source.js";

const { where, token } = z.object({ where: z.string(), token: z.string().optional() }).parse(workerData);
const source = openSource(where, token);

async function check({ first, count, size }: Chunk): Promise<Done> {
  try {
    const numbers = Array.from({ length: count }, (_, i) => first + i);
    return { bundles: await Promise.all(numbers.map((bundle) => checkBundle(source, bundle, widthOf(bundle, size)))) };
  } catch (error) {
    if (error instanceof Broken) return { broken: error.problem };
    if (!(error instanceof UserError)) throw error;
    const { message, hint, exitCode } = error;
    return { error: { message, hint, exitCode } };
  }
}

parentPort?.on("message", async (chunk: Chunk) => parentPort?.postMessage(await check(chunk)));

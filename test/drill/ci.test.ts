/** The examples for CI systems and Kubernetes: valid YAML of the right shape, commands that exist, and a drill held by their own lines. */
import {
  chmodSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { z } from "zod";
import { commandFault } from "../cli/exists.js";
import { inside } from "../cli/inside.js";
import { quickMain, run } from "../cli/run.js";
import { type Fleet, PASSPHRASE, startFleet } from "./fleet.js";

const folder = fileURLToPath(new URL("../../config/ci/", import.meta.url));

function documentsIn(file: string): unknown[] {
  const documents = parseAllDocuments(readFileSync(join(folder, file), "utf8"), { strict: true, uniqueKeys: true });
  return [...documents].map((one) => {
    expect([...one.errors, ...one.warnings], file).toEqual([]);
    return one.toJS();
  });
}

/** All texts in it. */
function textsIn(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

const commandsIn = (file: string): string[] =>
  documentsIn(file)
    .flatMap(textsIn)
    .flatMap((text) => [...text.matchAll(/\bglassgate ((?:[a-z]+ )[^\n;]*)/g)].map(([, rest = ""]) => rest.trim()));

const withRun = z.object({
  run: z.string().optional(),
  uses: z.string().optional(),
  env: z.record(z.string(), z.string()).default({}),
});
const github = z.object({
  on: z.object({ schedule: z.array(z.object({ cron: z.string().regex(/^(?:\S+ ){4}\S+$/) })).min(1) }),
  permissions: z.object({ contents: z.literal("read") }),
  jobs: z.record(z.string(), z.object({ "runs-on": z.array(z.string()), steps: z.array(withRun).min(1) })),
});
const gitlab = z.record(
  z.string(),
  z.object({
    script: z.array(z.string()).min(1),
    artifacts: z.object({ when: z.literal("always"), reports: z.object({ junit: z.string() }) }).optional(),
  }),
);
const cronJob = z.object({
  apiVersion: z.literal("batch/v1"),
  kind: z.literal("CronJob"),
  spec: z.object({
    schedule: z.string().regex(/^(?:\S+ ){4}\S+$/),
    concurrencyPolicy: z.literal("Forbid"),
    jobTemplate: z.object({
      spec: z.object({
        backoffLimit: z.literal(0),
        template: z.object({
          spec: z.object({
            restartPolicy: z.literal("Never"),
            containers: z
              .array(
                z.object({
                  args: z.array(z.string()).length(1),
                  volumeMounts: z.array(z.object({ name: z.string(), mountPath: z.string() })),
                }),
              )
              .min(1),
            volumes: z.array(z.looseObject({ name: z.string() })),
          }),
        }),
      }),
    }),
  }),
});

describe("the examples in config/ci", () => {
  it("are these three, each with a drill that is held and one that is due", () => {
    expect(readdirSync(folder).sort()).toEqual(["github-actions.yml", "gitlab-ci.yml", "kubernetes-cronjob.yaml"]);
    for (const file of readdirSync(folder)) {
      const commands = commandsIn(file);
      expect(
        commands.some((one) => one.startsWith("drill run ")),
        file,
      ).toBe(true);
      expect(
        commands.some((one) => one.startsWith("drill due ")),
        file,
      ).toBe(true);
      for (const command of commands)
        expect(commandFault(command.split(/\s+/)), `glassgate ${command}`).toBeUndefined();
    }
  });

  it("have the shape that their readers want", () => {
    const [workflow] = documentsIn("github-actions.yml");
    const { on, jobs } = github.parse(workflow);
    // Each job goes by a schedule that is there.
    for (const text of textsIn(jobs))
      for (const [, cron] of text.matchAll(/github\.event\.schedule == '([^']*)'/g))
        expect(on.schedule.map((one) => one.cron)).toContain(cron);
    const [pipeline] = documentsIn("gitlab-ci.yml");
    expect(gitlab.parse(pipeline).drill?.artifacts?.reports.junit).toBe("drills/*/junit.xml");
    for (const one of documentsIn("kubernetes-cronjob.yaml")) {
      const { containers, volumes } = cronJob.parse(one).spec.jobTemplate.spec.template.spec;
      const names = volumes.map(({ name }) => name);
      for (const { name } of containers.flatMap(({ volumeMounts }) => volumeMounts)) expect(names).toContain(name);
    }
  });
});

describe("the drill of each example, on what its system gives it", () => {
  let fleet: Fleet;
  const at = (...path: string[]): string => join(fleet.folder, ...path);
  beforeAll(async () => {
    fleet = await startFleet({ gateways: 1 });
    expect(await inside(["drill", "init"], { cwd: fleet.folder })).toMatchObject({ code: 0 });
    // One case shows that the keys are taken and a report comes out.
    mkdirSync(at("bin"));
    const command = `#!/bin/sh
case "$1 $2" in "drill run") set -- "$@" --only no-credential ;; esac
exec "${process.execPath}" "${quickMain}" "$@"
`;
    writeFileSync(at("bin", "glassgate"), command, { mode: 0o755 });
    mkdirSync(at("temp"));
    // As a checkout has them: git keeps no mode but whether a file is run.
    for (const name of readdirSync(at("keys"))) chmodSync(at("keys", name), 0o644);
  });
  afterAll(() => fleet?.stop());

  const hold = (lines: string, shell: readonly [string, ...string[]], env: Readonly<Record<string, string>> = {}) => {
    const [program, ...args] = shell;
    const PATH = `${at("bin")}:${process.env.PATH}`;
    return run(program, [...args, lines], {
      cwd: fleet.folder,
      env: { GLASSGATE_PASSPHRASE: PASSPHRASE, ...env, PATH },
    });
  };
  const TOKEN = "a-token-that-no-folder-asks-for";
  const SECRETS = new Map([
    ["DRILL_PASSPHRASE", PASSPHRASE],
    ["DRILL_LEDGER_TOKEN", TOKEN],
  ]);

  it("GitHub", async () => {
    const [workflow] = documentsIn("github-actions.yml");
    const steps = (github.parse(workflow).jobs.run?.steps ?? []).filter((step) => step.run !== undefined);
    const play = async (
      { run: lines = "", env }: z.output<typeof withRun>,
      lost: Readonly<Record<string, string>> = {},
    ) => {
      const given = Object.entries(env).map(
        ([name, value]) => [name, SECRETS.get(/secrets\.(\w+)/.exec(value)?.[1] ?? "") ?? value] as const,
      );
      return hold(lines, ["bash", "-ec"], { ...Object.fromEntries(given), RUNNER_TEMP: at("temp"), ...lost });
    };
    const [held, checked] = steps;
    if (held === undefined || checked === undefined) throw new Error("there are two such steps");
    // Where no drill was held, the step that looks at its report says nothing of its own.
    const none = await play(held, { GLASSGATE_PASSPHRASE: "another" });
    expect(none.code, none.stderr).toBe(2);
    expect(await play(checked)).toMatchObject({ code: 0, stderr: "" });
    const ran = await play(held);
    expect(ran, ran.stderr).toMatchObject({ code: 0 });
    const verified = await play(checked);
    expect(verified, verified.stderr).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("signed exactly this report"),
    });
    rmSync(at("drills"), { recursive: true });
    // What was given to the job is gone with it.
    expect(readdirSync(fleet.folder)).not.toContain("ledger.token");
  });

  it("GitLab", async () => {
    const [pipeline] = documentsIn("gitlab-ci.yml");
    const lines = gitlab.parse(pipeline).drill?.script.join("\n") ?? "";
    writeFileSync(at("temp", "DRILL_LEDGER_TOKEN"), `${TOKEN}\n`, { mode: 0o644 });
    const play = (env: Readonly<Record<string, string>> = {}) =>
      hold(lines, ["bash", "-eo", "pipefail", "-c"], { DRILL_LEDGER_TOKEN: at("temp", "DRILL_LEDGER_TOKEN"), ...env });
    const none = await play({ GLASSGATE_PASSPHRASE: "another" });
    expect(none.code, none.stderr).toBe(2);
    expect(none.stderr).not.toContain("report");
    const ran = await play();
    expect(ran, ran.stderr).toMatchObject({ code: 0, stdout: expect.stringContaining("signed exactly this report") });
    rmSync(at("drills"), { recursive: true });
  });

  it("Kubernetes", async () => {
    const [drill] = documentsIn("kubernetes-cronjob.yaml");
    const { containers, volumes } = cronJob.parse(drill).spec.jobTemplate.spec.template.spec;
    const [{ args, volumeMounts } = { args: [], volumeMounts: [] }] = containers;
    for (const { name } of volumeMounts.filter((one) => one.name !== "project")) {
      const place = at(`volume-${name}`);
      mkdirSync(place, { recursive: true, mode: 0o2777 });
      const { secret } = z
        .object({ secret: z.object({ defaultMode: z.int() }).optional() })
        .parse(volumes.find((one) => one.name === name));
      if (secret === undefined) continue;
      // As a Secret is mounted: its files are links into a folder that is exchanged as a whole.
      cpSync(at("keys"), join(place, "..data"), { recursive: true });
      for (const file of readdirSync(join(place, "..data"))) {
        chmodSync(join(place, "..data", file), secret.defaultMode);
        symlinkSync(join("..data", file), join(place, file));
      }
    }
    const places = new Map(
      volumeMounts.map(({ name, mountPath }) => [mountPath, name === "project" ? fleet.folder : at(`volume-${name}`)]),
    );
    const lines = (args[0] ?? "").replace(/(?<![\w./-])\/\w+/g, (path) => places.get(path) ?? path);
    const ran = await hold(lines, ["/bin/sh", "-ec"]);
    expect(ran, ran.stderr).toMatchObject({ code: 0 });
    expect(readdirSync(at("volume-drills"))).toHaveLength(1);
  });

  it("never hands a key or a token on that others can read", () => {
    const made = readdirSync(fleet.folder, { recursive: true, withFileTypes: true, encoding: "utf8" });
    const secret = made.filter((one) => one.isFile() && /\.key\.json$|\.token$/.test(one.name));
    const copies = secret.filter(
      ({ parentPath }) => !parentPath.startsWith(at("keys")) && !parentPath.startsWith(at("volume-keys")),
    );
    expect(copies.length).toBeGreaterThan(0);
    for (const { parentPath, name } of copies) expect(statSync(join(parentPath, name)).mode & 0o077, name).toBe(0);
  });

  it("shows a ledger at an address who asks", () => {
    for (const file of readdirSync(folder))
      for (const command of commandsIn(file))
        if (command.includes("https://")) expect(command, file).toContain("--token-file ");
  });
});

/** The examples for CI systems and Kubernetes: valid YAML of the right shape, and commands that exist. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { z } from "zod";
import { commandFault } from "../cli/exists.js";

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

const withRun = z.object({ run: z.string().optional(), uses: z.string().optional() });
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
            containers: z.array(z.object({ volumeMounts: z.array(z.object({ name: z.string() })) })).min(1),
            volumes: z.array(z.object({ name: z.string() })),
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

import { defineConfig } from "vitest/config";
import { settings } from "./vitest.config.js";

export default defineConfig({ test: { ...settings, include: ["test/weaknesses/**/*.test.ts"], exclude: [] } });

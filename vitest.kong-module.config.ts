import { defineConfig } from "vitest/config";
import { settings } from "./vitest.config.js";

export default defineConfig({ test: { ...settings, include: ["test/kong-module/**/*.test.ts"], exclude: [] } });

import { defineConfig } from "@playwright/test";

const { BASE_URL, CHROMIUM_PATH } = process.env;
if (!BASE_URL) throw new Error("set BASE_URL to the address of a deployed site");

export default defineConfig({
  testDir: ".",
  // Results of a build belong outside of its source.
  outputDir: process.env["E2E_OUTPUT"] ?? "/tmp/allthrive-e2e",
  reporter: "list",
  forbidOnly: true,
  // A test that passes only the second time has found something.
  retries: 0,
  timeout: 30_000,
  expect: { timeout: 15_000 },
  use: {
    baseURL: BASE_URL,
    // A rehearsal's certificate is self-signed.
    ignoreHTTPSErrors: true,
    trace: "retain-on-failure",
    // Chromium's sandbox needs rights that a build container does not have.
    launchOptions: { args: ["--no-sandbox"], ...(CHROMIUM_PATH ? { executablePath: CHROMIUM_PATH } : {}) },
  },
});

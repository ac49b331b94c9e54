import { defineConfig } from "@playwright/test";

const { BASE_URL, CHROMIUM_PATH } = process.env;
if (!BASE_URL) throw new Error("set BASE_URL to the address of a deployed site");

export default defineConfig({
  testDir: ".",
  // Not below the source, which may be read-only.
  outputDir: process.env["E2E_OUTPUT"] ?? "/tmp/allthrive-e2e",
  reporter: "list",
  forbidOnly: true,
  // A test that passes only on a retry has found a defect.
  retries: 0,
  timeout: 30_000,
  expect: { timeout: 15_000 },
  use: {
    baseURL: BASE_URL,
    // The certificate of a local site is self-signed.
    ignoreHTTPSErrors: true,
    trace: "retain-on-failure",
    // Chromium's sandbox needs rights that a build container does not have.
    launchOptions: { args: ["--no-sandbox"], ...(CHROMIUM_PATH ? { executablePath: CHROMIUM_PATH } : {}) },
  },
});

import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// The pipeline sets REPORTS; without it coverage would only cost time.
const reports = process.env["REPORTS"];

export default defineConfig({
  plugins: [react()],
  server: { proxy: { "/api": process.env["BACKEND"] ?? "http://127.0.0.1:8000" } },
  test: {
    environment: "jsdom",
    coverage: {
      enabled: reports !== undefined,
      include: ["src/**"],
      exclude: ["src/**/*.test.*", "src/main.tsx"],
      reporter: ["text-summary", "cobertura"],
      reportsDirectory: `${reports ?? "."}/coverage`,
    },
  },
});

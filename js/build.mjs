// Builds the front end into the Python package: one ES module and one style sheet, the same bytes for the same sources.
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));

await build({
  absWorkingDir: here,
  entryPoints: ["src/widget.ts", "src/widget.css"],
  outdir: join(here, "..", "spex_widget", "static"),
  bundle: true,
  format: "esm",
  target: "es2022",
  minify: true,
  charset: "utf8",
  legalComments: "none",
  logLevel: "info",
});

// Checks dashboards against @grafana/schema, the types that Grafana generates from the schemas of its dashboard model:
// every field's name, place and type, those of each panel's own options too.   usage: node check.mjs [FILE.json ...]
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const here = dirname(fileURLToPath(import.meta.url));
const folder = join(here, "..", "dashboards");
const files = process.argv.length > 2
  ? process.argv.slice(2).map((file) => resolve(file))
  : readdirSync(folder).filter((file) => file.endsWith(".json")).map((file) => join(folder, file));

// Where the package has the types of a panel's options.
function typesOf(kind) {
  const place = `dist/types/raw/composable/${kind}/panelcfg/x`;
  const [types] = readdirSync(join(here, "node_modules/@grafana/schema", place)).filter((file) => file.endsWith(".gen.d.ts"));
  return `${place}/${types.replace(/\.d\.ts$/, "")}`;
}

// A dashboard as a program that the compiler refuses where the JSON does not fit.
function program(dashboard) {
  const kinds = [...new Set(dashboard.panels.map((panel) => panel.type))];
  return [
    'import type { Dashboard, Panel } from "@grafana/schema";',
    ...kinds.map((kind) => `import type * as ${kind} from "./node_modules/@grafana/schema/${typesOf(kind)}";`),
    // In JSON an enum's member is its value.
    "type Plain<T> = T extends string ? `${T}` : T extends number | boolean | null | undefined ? T",
    "  : T extends (infer E)[] ? Plain<E>[] : T extends object ? { [K in keyof T]: Plain<T[K]> } : T;",
    "type Required<T, K extends keyof T> = T & { [P in K]-?: T[P] };",
    // What a provisioned dashboard cannot do without, though the schema lets it.
    'type Target = { refId: string; expr: string; legendFormat?: string; instant?: boolean; range?: boolean;',
    '  datasource: { type: "prometheus"; uid: string } };',
    'export const dashboard: Plain<Required<Omit<Dashboard, "panels">, "uid" | "title" | "schemaVersion">> = ',
    `${JSON.stringify({ ...dashboard, panels: undefined }, null, 1)};`,
    ...dashboard.panels.flatMap((panel, i) => [
      `export const panel${i}: Plain<Required<Omit<Panel, "options" | "fieldConfig" | "targets">, "id" | "title" | "gridPos">> = `,
      `${JSON.stringify({ ...panel, options: undefined, fieldConfig: undefined, targets: undefined }, null, 1)};`,
      `export const options${i}: Plain<Partial<${panel.type}.Options>> = ${JSON.stringify(panel.options ?? {}, null, 1)};`,
      `export const fields${i}: Plain<NonNullable<Panel["fieldConfig"]>> = ${JSON.stringify(panel.fieldConfig, null, 1)};`,
      `export const targets${i}: Target[] = ${JSON.stringify(panel.targets, null, 1)};`,
    ]),
  ].join("\n");
}

const sources = new Map(files.map((file) =>
  [join(here, `${file.replaceAll(/[^A-Za-z0-9]/g, "_")}.ts`), program(JSON.parse(readFileSync(file, "utf8")))]));
const options = {
  strict: true,
  noEmit: true,
  skipLibCheck: true,
  target: ts.ScriptTarget.ESNext,
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  types: [],
};
const host = ts.createCompilerHost(options);
const { getSourceFile, fileExists, readFile } = host;
host.fileExists = (name) => sources.has(name) || fileExists(name);
host.readFile = (name) => sources.get(name) ?? readFile(name);
host.getSourceFile = (name, version, ...rest) =>
  sources.has(name) ? ts.createSourceFile(name, sources.get(name), version) : getSourceFile(name, version, ...rest);
const problems = ts.getPreEmitDiagnostics(ts.createProgram([...sources.keys()], options, host));
for (const problem of problems) {
  const text = problem.file ? problem.file.text : "";
  const line = problem.start === undefined ? "" : text.slice(problem.start).split("\n", 1)[0];
  console.error(`${ts.flattenDiagnosticMessageText(problem.messageText, "\n")}\n    at ${line}`);
}
if (problems.length > 0 || files.length === 0) process.exit(1);
console.log(`${files.length} dashboard(s) as Grafana's schema has them`);

// Reads a JSON list of Mermaid texts; prints a JSON list with the kind of each diagram, or the parser's error.
// Argument: the folder node_modules with mermaid and jsdom in it.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const modules = resolve(process.argv[2]);
const { JSDOM } = createRequire(join(modules, "index.js"))("jsdom");
globalThis.window = new JSDOM("").window;
globalThis.document = window.document;
const entry = pathToFileURL(join(modules, "mermaid/dist/mermaid.core.mjs"));
const mermaid = (await import(entry)).default;
mermaid.initialize({ startOnLoad: false, securityLevel: "strict" });
const answers = [];
for (const text of JSON.parse(readFileSync(0, "utf8"))) {
  try {
    answers.push((await mermaid.parse(text)).diagramType);
  } catch (error) {
    answers.push(`error: ${error}`);
  }
}
console.log(JSON.stringify(answers));

// Lays out diagrams: reads {name: DOT} from standard input and writes {name: SVG}. Graphviz runs as WebAssembly, so that
// the output is the same on each machine and only the pinned package must be installed.
import { readFileSync } from "node:fs";
import { Graphviz } from "@hpcc-js/wasm-graphviz";

const graphviz = await Graphviz.load();
const given = JSON.parse(readFileSync(0, "utf-8"));
const drawn = Object.fromEntries(Object.entries(given).map(([name, dot]) => [name, graphviz.dot(dot)]));
process.stdout.write(JSON.stringify(drawn));

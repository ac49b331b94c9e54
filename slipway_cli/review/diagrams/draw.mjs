// Lays out diagrams: reads {name: DOT} from standard input, writes {name: SVG}. Graphviz as WebAssembly, so that the
// same bytes come out on every machine, and nothing has to be installed beside the pinned package.
import { readFileSync } from "node:fs";
import { Graphviz } from "@hpcc-js/wasm-graphviz";

const graphviz = await Graphviz.load();
const given = JSON.parse(readFileSync(0, "utf-8"));
const drawn = Object.fromEntries(Object.entries(given).map(([name, dot]) => [name, graphviz.dot(dot)]));
process.stdout.write(JSON.stringify(drawn));

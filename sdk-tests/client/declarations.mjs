// What the package's own type declarations say is there: the public methods of its classes, and the events.

import { readFileSync } from "node:fs";
import sdk from "@twilio/conversations";

const text = readFileSync(new URL("node_modules/@twilio/conversations/builds/lib.d.ts", import.meta.url), "utf8")
  .replace(/\/\*[^]*?\*\//g, "")
  .replace(/^\s*\/\/.*$/gm, "");

function block(opening) {
  const at = text.indexOf(`\n${opening}`);
  if (at < 0) throw new Error(`the declarations have no ${opening}`);
  return text.slice(at, text.indexOf("\n}", at));
}

// The public methods of a class or interface, `static` ones too.
export function methodsOf(name) {
  const body = block(text.includes(`\ndeclare class ${name} `) ? `declare class ${name} ` : `interface ${name}<`);
  const found = [...body.matchAll(/^ {4}(?:static )?([a-z]\w*)(?:<.*?>)?\(/gim)].map((match) => match[1]);
  return [...new Set(found)].filter((method) => method !== "constructor");
}

export function eventsOf(name) {
  return [...block(`type ${name}Events = {`).matchAll(/^ {4}(\w+):/gm)].map((match) => match[1]);
}

export function reasonsOf(name) {
  const at = text.indexOf(`\ntype ${name}UpdateReason = `);
  return [...text.slice(at, text.indexOf(";", at)).matchAll(/"(\w+)"/g)].map((match) => match[1]);
}

// Notes which methods of these classes the file `caller` calls; calls by the package itself do not count.
export function listen(classes, caller) {
  const called = new Set();
  const wrap = (owner, name, label) => {
    const original = owner[name];
    owner[name] = function (...given) {
      if (new Error().stack.split("\n")[2]?.includes(caller)) called.add(label);
      return Reflect.apply(original, this, given);
    };
  };
  for (const kind of classes) {
    for (const name of methodsOf(kind)) {
      if (typeof sdk[kind].prototype[name] === "function") wrap(sdk[kind].prototype, name, `${kind}.${name}`);
      if (typeof sdk[kind][name] === "function") wrap(sdk[kind], name, `${kind}.${name}`);
    }
  }
  return called;
}

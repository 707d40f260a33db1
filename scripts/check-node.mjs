// Ends with one clear line when the Node that runs the scripts is too old for them.
// Entry points import this first: it is the first module to be evaluated, and nothing
// in this folder uses syntax that Node 16 can't parse.
const OLDEST = 20;

if (Number(process.versions.node.split('.')[0]) < OLDEST) {
  console.error(`roomcast: Node.js ${OLDEST} or newer is needed, and this is ${process.version}: install it from https://nodejs.org, then run this again.`);
  process.exit(1);
}

// Ends with one clear line when the Node that runs the scripts is too old for them. package.json has the same in its "engines".
// Entry points import this first: it is the first module to be evaluated, and nothing
// in this folder uses syntax or imports a name that Node 16 doesn't know.
const OLDEST = [20, 12];

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
  console.error(`roomcast: Node.js ${OLDEST.join('.')} or newer is needed (22 and 24 are tested), and this is ${process.version}: install it from https://nodejs.org, then run this again.`);
  process.exit(1);
}

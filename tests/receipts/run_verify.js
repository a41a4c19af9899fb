// Runs verify.js under node for the tests: one JSON document on stdin, the verdicts on stdout.
// {"files": [{"hex", "policy", "vkeys"}...], "groups": [{"receipts": [[name, hex]...], "older": [...], "statements": [...], "vkeys"}...]}
"use strict";
const verify = require(process.argv[2]);
const bytes = (hex) => Uint8Array.from(Buffer.from(hex, "hex"));

async function trust(one) {
  try {
    return [await verify.readPolicy(one.policy ?? "quorum none", one.vkeys ?? ""), ""];
  } catch (error) {
    if (!(error instanceof verify.Refused)) throw error;
    return [null, error.message];
  }
}

async function main() {
  const given = JSON.parse(require("fs").readFileSync(0, "utf8"));
  const files = [], groups = [];
  for (const one of given.files ?? []) {
    const [policy, problem] = await trust(one);
    files.push(policy ? (await verify.check(bytes(one.hex), policy))[0] : { policy: problem });
  }
  for (const one of given.groups ?? []) {
    const [policy] = await trust(one);
    const checked = [];
    for (const [file, hex] of one.receipts) checked.push([file, ...(await verify.check(bytes(hex), policy))]);
    const older = [];
    for (const [file, hex] of one.older) {
      older.push([file, await verify.openCheckpoint(Buffer.from(hex, "hex").toString("utf8"), policy)]);
    }
    const statements = one.statements.map(([file, hex]) => [file, bytes(hex)]);
    groups.push(await verify.compare(checked.filter(([, verdict]) => verdict.verified), older, statements));
  }
  process.stdout.write(JSON.stringify({ files, groups }));
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});

/* The page around the verifier: takes files, sorts them by what they hold, and shows the verdicts as text. */
"use strict";

(() => {
  const key = document.getElementById("key"), input = document.getElementById("files"), drop = document.getElementById("drop");
  const summary = document.getElementById("summary"), results = document.getElementById("results");
  const given = new Map(); // name -> bytes
  let turn = 0;

  /** An element with children; text is only ever set as text, so nothing in a file can become markup. */
  function made(name, className, ...children) {
    const element = document.createElement(name);
    if (className) element.className = className;
    element.append(...children);
    return element;
  }

  /** Text from a file: isolated, and without characters that hide or turn what stands beside it. */
  function shown(text) {
    return made("bdi", "", String(text).replace(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, "\ufffd"));
  }

  const list = (texts) => made("ul", "", ...texts.map((text) => made("li", "", shown(text))));

  function facts(verdict) {
    const rows = [["Receipt", verdict.receipt_id || "(erased)"], ["Kind", verdict.type], ["Log", verdict.origin],
      ["Place", `entry ${verdict.leaf_index} (from 0) of ${verdict.log_size}`], ["Time, by the operator’s clock", verdict.stated_time],
      ["Root", verdict.root], ["Witnesses", verdict.witnesses.join(", ") || "none"]];
    return made("dl", "", ...rows.flatMap(([name, text]) => [made("dt", "", name), made("dd", "", shown(text))]));
  }

  function card(kind, word, file, ...children) {
    return made("article", kind, made("span", "verdict", word), made("h2", "", shown(file)), ...children);
  }

  function resultOf(file, verdict) {
    if (!verdict.verified) return card("bad", "✗ Not verified", file, made("p", "", shown(`${verdict.problem}.`)));
    return card("good", "✓ Verified", file, made("h3", "", "Proven"), list(verdict.proven), made("h3", "", "Not proven"),
      list(verdict.not_proven), facts(verdict));
  }

  /** What a file is, by what it holds. */
  function kindOf(bytes) {
    const text = new TextDecoder().decode(bytes.slice(0, 1 << 22)).trim();
    if (text.includes("\n\n\u2014 ") && !text.startsWith("{")) return "older";
    if (/^(log|witness|group|quorum|#)[ \t]/m.test(text) && /^[ \t]*quorum[ \t]/m.test(text)) return "policy";
    if (/^[^\s+{]+\+[0-9a-f]{8}\+[A-Za-z0-9+/=]+$/m.test(text) && !text.startsWith("{")) return "vkey";
    return text.startsWith("{") && /"statement_id":/.test(text) && !/"leaf":"/.test(text) ? "statement" : "receipt";
  }

  /** The trust that is given: text in the field, and files with keys or a policy. */
  async function trustOf(files) {
    const texts = [key.value, ...files.map(([, bytes]) => new TextDecoder().decode(bytes))].filter((text) => text.trim());
    const policies = texts.filter((text) => /^[ \t]*quorum[ \t]/m.test(text));
    const vkeys = [...new Set(texts.filter((text) => !policies.includes(text)).join("\n").split(/\s+/))].join("\n");
    if (policies.length > 1) throw new EndcreditsVerify.Refused("there is more than one policy");
    return EndcreditsVerify.readPolicy(policies[0] ?? "quorum none", vkeys);
  }

  async function work() {
    const kinds = new Map([["older", []], ["policy", []], ["vkey", []], ["statement", []], ["receipt", []]]);
    for (const [file, bytes] of given) kinds.get(kindOf(bytes)).push([file, bytes]);
    const cards = [];
    if (!given.size) return ["Nothing is checked yet.", cards];
    let policy;
    try {
      policy = await trustOf([...kinds.get("vkey"), ...kinds.get("policy")]);
    } catch (error) {
      if (!(error instanceof EndcreditsVerify.Refused)) throw error;
      const why = key.value.trim() || kinds.get("vkey").length || kinds.get("policy").length
        ? `The key or the policy cannot be used: ${error.message}.` : "Give the log’s public key first.";
      return [why, cards];
    }
    const checked = [], older = [];
    let bad = 0;
    for (const [file, bytes] of kinds.get("receipt")) {
      const [verdict, more] = await EndcreditsVerify.check(bytes, policy);
      cards.push(resultOf(file, verdict));
      if (verdict.verified) checked.push([file, verdict, more]);
      else bad += 1;
    }
    for (const [file, bytes] of kinds.get("older")) {
      try {
        older.push([file, await EndcreditsVerify.openCheckpoint(new TextDecoder().decode(bytes), policy)]);
      } catch (error) {
        if (!(error instanceof EndcreditsVerify.Refused)) throw error;
        bad += 1;
        cards.push(card("bad", "✗ No checkpoint of this log", file, made("p", "", shown(`${error.message}.`))));
      }
    }
    const together = await EndcreditsVerify.compare(checked, older, kinds.get("statement"));
    if (together.problems.length) cards.unshift(card("bad", "✗ They contradict each other", "All files together", list(together.problems)));
    if (together.proven.length) cards.push(card("good", "✓ Files together", "What they show together", list(together.proven)));
    if (together.not_proven.length) cards.push(card("note", "Open", "What they do not show", list(together.not_proven)));
    const count = checked.length + kinds.get("receipt").filter(([file]) => !checked.some(([name]) => name === file)).length;
    const problems = bad + together.problems.length;
    const words = `${checked.length} of ${count} ${count === 1 ? "receipt is" : "receipts are"} verified.`;
    return [problems ? `${words} There ${problems === 1 ? "is 1 problem" : `are ${problems} problems`}.` : words, cards];
  }

  async function show() {
    turn += 1;
    const mine = turn;
    if (!globalThis.crypto?.subtle) {
      summary.textContent = "This browser offers no cryptography here. Open this page from your disk or by https, or use verify.py.";
      return;
    }
    document.getElementById("given").replaceChildren(...(given.size ? ["Given: ", shown([...given.keys()].join(", "))] : []));
    summary.textContent = given.size ? "Checking ..." : "Nothing is checked yet.";
    try {
      const [words, cards] = await work();
      if (mine !== turn) return; // something newer is being checked
      results.replaceChildren(...cards);
      summary.textContent = words;
    } catch (error) {
      results.replaceChildren();
      summary.textContent = `This browser could not do the check (${error.name}). A newer one can, and so can verify.py.`;
    }
  }

  async function take(files) {
    for (const file of files) {
      let name = file.name;
      for (let number = 2; given.has(name); number += 1) name = `${file.name} (${number})`;
      given.set(name, new Uint8Array(await file.slice(0, EndcreditsVerify.FILE_BYTES_MAX + 1).arrayBuffer()));
    }
    await show();
  }

  input.addEventListener("change", () => {
    const files = [...input.files];
    input.value = "";
    take(files);
  });
  key.addEventListener("input", show);
  document.getElementById("clear").addEventListener("click", () => {
    given.clear();
    show();
    input.focus();
  });
  for (const event of ["dragenter", "dragover"]) {
    document.addEventListener(event, (drag) => {
      drag.preventDefault();
      drop.classList.add("over");
    });
  }
  for (const event of ["dragleave", "drop"]) document.addEventListener(event, () => drop.classList.remove("over"));
  document.addEventListener("drop", (drag) => {
    drag.preventDefault();
    take([...(drag.dataTransfer?.files ?? [])]);
  });
})();

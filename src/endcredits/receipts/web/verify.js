/* Checks receipts of an endcredits log in a browser: the twin of verify.py, function by function.
 *
 * For the same bytes it gives the same verdict as verify.py, to the letter; the project's tests hold both to the same
 * vectors. It needs nothing but the browser's own WebCrypto (SHA-256, Ed25519), reads no network and writes nothing.
 * Whole numbers are BigInt, so that no amount is rounded; objects are Map, so that no name of a field is special.
 */
"use strict";

const EndcreditsVerify = (() => {
  const FILE_BYTES_MAX = 2 ** 25, PROOF_BYTES_MAX = 2 ** 18, LEAF_BYTES_MAX = 2 ** 12, VALUES_MAX = 4000000, DEPTH_MAX = 64;
  const SIGNATURES_MAX = 99, ED25519 = 1, COSIGNATURE = 4;
  const WHOLE_PPB = 10n ** 9n, MOST = 2n ** 53n - 1n, YEAR_10000 = 253402300800n;
  const ERASED = [["v", "int"], ["erased_at", "str"], ["leaf", "str"], ["proof", "str"]];
  const RECEIPT = [["v", "int"], ["receipt_id", "str"], ["type", "str"], ["body", "dict"], ["salt", "bytes"], ["leaf", "str"],
    ["proof", "str"]];
  const LEAF = [["commit", "bytes"], ["subject", "bytes"], ["type", "str"], ["time", "str"], ["v", "int"]];
  const LINE = [["line", "dict"], ["salt", "bytes"], ["index", "int"], ["path", "list"]];
  const SUM = [["currency", "str"], ["index", "int"], ["leaf", "dict"], ["path", "list"], ["salt", "bytes"]];
  const STEP = [["paid_micros", "int"], ["taken_micros", "int"], ["hash", "bytes"]];
  const ROOT = [["paid_micros", "int"], ["taken_micros", "int"], ["count", "int"], ["root", "bytes"], ["currency", "str"]];
  const PAYEE = [["paid_micros", "int"], ["taken_micros", "int"], ["currency", "str"], ["kind", "str"], ["party_id", "str"],
    ["statement_sha256", "str"]];
  const UTC = /^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z$/;
  const PARTS = "amount allocated commons suspense disputed";
  const NOT_RIGHT = "That the attribution is right: the log proves commitment, not that the attribution is right.";
  const CLOCK = "The time in the entry: it is the operator's own clock.";
  const ALONE = "That everybody is shown the same log: unwitnessed, only the operator signed. Compare roots with somebody else.";
  const NOT_WHOLE = "it holds a number that is not whole, or beyond 2**53 - 1";

  class Refused extends Error {}

  function require(condition, problem) {
    if (!condition) throw new Refused(problem);
  }

  // Bytes
  const utf8 = (text) => new TextEncoder().encode(text);

  function joined(parts) {
    const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }

  const sha = async (...parts) => new Uint8Array(await crypto.subtle.digest("SHA-256", joined(parts)));
  const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const fromHex = (text) => Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
  const same = (left, right) => hex(left) === hex(right);

  function bigEndian(number, size) {
    return fromHex(number.toString(16).padStart(2 * size, "0"));
  }

  // 1. Strict JSON in one spelling
  /** Reads JSON like json.loads with verify.py's hooks. `odd` tells whether it is spelt in another way than RFC 8785. */
  function readJson(data) {
    require(data.length <= FILE_BYTES_MAX, `it has more than ${FILE_BYTES_MAX} bytes`);
    let text;
    try {
      text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(data);
    } catch {
      throw new Refused("it is not JSON in UTF-8");
    }
    const bare = text.replace(/\\./gs, "").replace(/"[^"]*"?/g, ""); // what does not stand in quotes
    let values = 0, depth = 0, deepest = 0;
    for (const letter of bare) {
      if (letter === "[" || letter === "{" || letter === ",") values += 1;
      if (letter === "[" || letter === "{") depth += 1;
      else if (letter === "]" || letter === "}") depth -= 1;
      if (depth > deepest) deepest = depth;
    }
    require(values < VALUES_MAX, `it holds more than ${VALUES_MAX} values`);
    require(deepest <= DEPTH_MAX, `it is nested more than ${DEPTH_MAX} deep`);
    let at = 0, odd = false;
    const fail = () => {
      throw new Refused("it is not JSON in UTF-8");
    };
    const skip = () => {
      while (text[at] === " " || text[at] === "\t" || text[at] === "\n" || text[at] === "\r") {
        at += 1;
        odd = true;
      }
    };
    const word = (spelling, value) => {
      if (!text.startsWith(spelling, at)) fail();
      at += spelling.length;
      return value;
    };

    function string() {
      let end = at;
      for (;;) {
        end = text.indexOf('"', end + 1);
        if (end < 0) fail();
        let back = end - 1;
        while (text[back] === "\\") back -= 1;
        if ((end - back) % 2 === 1) break; // an even number of backslashes before it
      }
      const token = text.slice(at, end + 1);
      at = end + 1;
      let value;
      try {
        value = JSON.parse(token);
      } catch {
        fail();
      }
      if (JSON.stringify(value) !== token || /[\ud800-\udfff]/u.test(value)) odd = true;
      return value;
    }

    function number() {
      const found = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?/y;
      found.lastIndex = at;
      const token = found.exec(text)?.[0] ?? fail();
      at += token.length;
      return counted(token);
    }

    function list() {
      const items = [];
      at += 1;
      skip();
      if (text[at] === "]") {
        at += 1;
        return items;
      }
      for (;;) {
        items.push(value());
        skip();
        at += 1;
        if (text[at - 1] === "]") return items;
        if (text[at - 1] !== ",") fail();
        skip();
      }
    }

    function object() {
      const fields = new Map();
      let before = null;
      at += 1;
      skip();
      if (text[at] === "}") {
        at += 1;
        return fields;
      }
      for (;;) {
        if (text[at] !== '"') fail();
        const key = string();
        if (before !== null && !(before < key)) odd = true;
        before = key;
        skip();
        if (text[at] !== ":") fail();
        at += 1;
        skip();
        fields.set(key, value());
        skip();
        at += 1;
        if (text[at - 1] === "}") return fields;
        if (text[at - 1] !== ",") fail();
        skip();
      }
    }

    function value() {
      const letter = text[at];
      if (letter === '"') return string();
      if (letter === "{") return object();
      if (letter === "[") return list();
      if (letter === "t") return word("true", true);
      if (letter === "f") return word("false", false);
      if (letter === "n") return word("null", null);
      return number();
    }

    skip();
    const found = value();
    skip();
    if (at !== text.length) fail();
    return { value: found, odd };
  }

  function canonical(value) {
    const spell = (one) => {
      if (one instanceof Map) {
        const keys = [...one.keys()].sort((left, right) => (left < right ? -1 : 1));
        return `{${keys.map((key) => `${JSON.stringify(key)}:${spell(one.get(key))}`).join(",")}}`;
      }
      if (Array.isArray(one)) return `[${one.map(spell).join(",")}]`;
      return typeof one === "bigint" ? one.toString() : JSON.stringify(one);
    };
    return utf8(spell(value));
  }

  function counted(text, problem = NOT_WHOLE) {
    const number = /^(0|-?[1-9][0-9]{0,15})$/.test(text) ? BigInt(text) : null;
    require(number !== null && number <= MOST && number >= -MOST, problem);
    return number;
  }

  function get(record, what, name, kind = "int", least = 0n, most = MOST) {
    let value = record instanceof Map ? record.get(name) : undefined;
    if (kind === "bytes" && typeof value === "string" && /^[0-9a-f]{64}$/.test(value)) value = fromHex(value);
    const right = {
      int: () => typeof value === "bigint" && least <= value && value <= most,
      str: () => typeof value === "string",
      bytes: () => value instanceof Uint8Array,
      dict: () => value instanceof Map,
      list: () => Array.isArray(value),
    }[kind]();
    require(right, `${what} has no right '${name}'`);
    return value;
  }

  function fields(record, what, kinds) {
    const exact = record instanceof Map && record.size === kinds.length && kinds.every(([name]) => record.has(name));
    require(exact, `${what} has not exactly the fields ${kinds.map(([name]) => name).join(", ")}`);
    return kinds.map(([name, kind]) => get(record, what, name, kind));
  }

  const micros = (record, what, names, least = -MOST) =>
    names.split(" ").map((name) => get(record, what, `${name}_micros`, "int", least));

  function decimal(number, places) {
    const unit = 10n ** BigInt(places);
    return `${number / unit}.${(number % unit).toString().padStart(places, "0")}`;
  }

  function unbase64(text, size = 0) {
    const well = /^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text);
    const binary = well ? atob(text) : "";
    const fit = btoa(binary) === text && (size === 0 || binary.length === size);
    require(fit, "something is not right base64");
    return Uint8Array.from(binary, (letter) => letter.charCodeAt(0));
  }

  // 2. and 3. The log's entry about the document, the log's root, and who signed it
  async function join(left, right) {
    if (left instanceof Uint8Array) return sha(Uint8Array.of(1), left, right);
    const sealed = [left, right].flatMap((node) => [bigEndian(node[0], 16), bigEndian(node[1], 16), node[2]]);
    return [left[0] + right[0], left[1] + right[1], await sha(Uint8Array.of(17), ...sealed)];
  }

  async function climb(node, index, size, path, end = MOST) {
    let place = index, last = size - 1n, level = 0n;
    const up = () => {
      place >>= 1n;
      last >>= 1n;
      level += 1n;
    };
    for (const sibling of path) {
      require(index >= 0n && index < size && last > 0n, "a path does not fit its position");
      const left = place % 2n === 1n || place === last;
      while (left && place % 2n === 0n) up(); // at the right edge: carried up without a sibling
      up();
      const edge = (place + 1n) << level;
      if (left) node = await join(sibling, node);
      else if ((edge < size ? edge : size) <= end) node = await join(node, sibling);
    }
    require(index >= 0n && index < size && last === 0n, "a path does not fit its position");
    return node;
  }

  const words = (line, kind) => line.match(kind) ?? [];

  /** Reads a policy (C2SP tlog-policy), and beside it vkeys of logs. */
  async function readPolicy(text = "quorum none", vkeys = "") {
    const policy = { keys: new Map(), groups: new Map([["none", [0n, []]]]), quorum: "" };
    const grouped = new Set(["none"]);
    const beside = words(vkeys, /[^ \t\r\n]+/g).filter((vkey) => !text.includes(vkey));
    for (const line of [...beside.map((vkey) => `log ${vkey}`), ...text.split("\n")]) {
      const [what = "#", ...rest] = words(line, /[^ \t\r]+/g);
      const own = what === "witness" ? 1 : 0, members = rest.slice(2);
      const wrong = `the policy's line '${Array.from(line).slice(0, 60).join("")}' is wrong`;
      if ((what === "log" || what === "witness") && own < rest.length && rest.length < own + 3) {
        const parts = rest[own].split("+");
        const [name, keyId = "", encoded = ""] = [parts[0], parts[1], parts.slice(2).join("+")];
        const key = unbase64(encoded);
        const id = hex(await sha(utf8(name), utf8("\n"), key)).slice(0, 8);
        const fit = /^[^\x00-\x20\x7f]+$/.test(name) && id === keyId;
        require(fit && key.length > 32, "it is not a vkey (name+key id+base64), or something in it was changed");
        const twice = [...policy.keys.values()].some(([, other]) => same(other, key.slice(1)));
        require(!twice && !(own && policy.groups.has(rest[0])), `${wrong}: its name or key stands twice`);
        if (key[0] === (own ? COSIGNATURE : ED25519) && key.length === 33) {
          policy.keys.set(`${name} ${keyId}`, [own ? rest[0] : "", key.slice(1)]);
        }
        if (own) policy.groups.set(rest[0], [0n, []]);
      } else if (what === "group" && members.length && !policy.groups.has(rest[0])) {
        const number = rest[1] === "any" ? "1" : rest[1] === "all" ? String(members.length) : rest[1];
        const least = counted(number, wrong);
        const known = members.every((one) => policy.groups.has(one));
        const once = new Set([...members, ...grouped]).size === members.length + grouped.size;
        require(known && once && least >= 1n && least <= BigInt(members.length), wrong);
        for (const one of members) grouped.add(one);
        policy.groups.set(rest[0], [least, members]);
      } else if (what[0] !== "#") {
        require(what === "quorum" && rest.length === 1 && !policy.quorum && policy.groups.has(rest[0]), wrong);
        policy.quorum = rest[0];
      }
    }
    const logs = [...policy.keys.values()].some(([witness]) => !witness);
    require(policy.quorum && logs, "there is no quorum line, or no log's key");
    return policy;
  }

  async function signedBy(key, signature, message) {
    try {
      const known = await crypto.subtle.importKey("raw", key, { name: "Ed25519" }, false, ["verify"]);
      return await crypto.subtle.verify({ name: "Ed25519" }, known, signature, message);
    } catch {
      return false; // not 64 bytes, or no point of the curve
    }
  }

  async function openCheckpoint(note, policy) {
    const cut = note.lastIndexOf("\n\n");
    const text = note.slice(0, Math.max(cut, 0)), signatures = note.slice(cut + 2).split("\n");
    const lines = text.split("\n"), logs = new Set(), witnesses = new Map();
    const well = cut >= 0 && signatures.pop() === "" && !/[\x00-\x09\x0b-\x1f]/.test(note);
    require(well && signatures.length <= SIGNATURES_MAX, "the checkpoint is not a signed note");
    for (const line of signatures) {
      const [, name, encoded] = /^— ([^ +]+) ([^ ]+)$/.exec(line) ?? ["", "", "?"];
      const data = unbase64(encoded);
      const [witness, key] = policy.keys.get(`${name} ${hex(data.slice(0, 4))}`) ?? [null, null];
      if (witness === null) continue; // by a key that was not given, which the standard says to pass over
      const stamp = witness ? BigInt(`0x0${hex(data.slice(4, 12))}`) : 0n;
      const head = witness ? `cosignature/v1\ntime ${stamp}\n` : "";
      const right = await signedBy(key, data.slice(witness ? 12 : 4), utf8(`${head}${text}\n`));
      require(right, `the signature of '${name}' on the checkpoint is wrong`);
      require(stamp < YEAR_10000, `the time of the witness '${witness}' is impossible`);
      if (witness) witnesses.set(witness, stamp);
      else logs.add(name);
    }
    require(logs.size, "the checkpoint is not signed by a key that you gave");
    require(logs.has(lines[0]), "the checkpoint is of another log than the key");
    require(lines.length >= 3 && !lines.includes(""), "the checkpoint has not three lines");
    const size = counted(lines[1], "the checkpoint's size is not a number");
    return { origin: lines[0], size, root: unbase64(lines[2], 32), witnesses };
  }

  // 4. The numbers in the body
  function checkRun(body, index, unknown) {
    const state = get(body, "the body", "permissions", "dict");
    const [size] = fields(state, "the permissions", [["size", "int"], ["root", "bytes"]]);
    require(size <= index && get(body, "the body", "lines_root", "bytes"), "the permissions are those of a later log");
    if (get(body.get("model"), "the model", "train_index", "int", -1n, index - 1n) < 0n) {
      unknown.push("Which works the model was trained on: its training manifest is missing.");
    }
    const count = get(body, "the body", "lines_count"), part = get(body, "the body", "unattributed_ppb", "int", 0n, WHOLE_PPB);
    return `It credits ${count} works; ${decimal(part, 7)} % of the output is credited to none.`;
  }

  function checkStatement(body, index, unknown) {
    const [party, currency] = [["party_id", "str"], ["currency", "str"], ["sha256", "bytes"]].map(([name, kind]) =>
      get(body, "the body", name, kind));
    const number = get(body, "the body", "count", "int", 1n), before = get(body, "the body", "previous", "int", -1n, index - 1n);
    const agree = (number === 1n) === (before === -1n);
    require(agree, "the statement's number and the place of the one before it do not agree");
    if (number > 1n) unknown.push(`That you have all ${number - 1n} statements before it: give their receipts together.`);
    return `It is statement number ${number} of '${party}' in ${currency}.`;
  }

  function checkPeriod(body, index, unknown) {
    const [totals, pools, sums] = ["totals", "pools", "sums"].map((name) => get(body, "the body", name, "list"));
    const taken = new Map(), given = new Map();
    const total = (numbers) => numbers.reduce((sum, number) => sum + number, 0n);
    const pop = (from, key) => {
      const value = from.get(key) ?? 0n;
      from.delete(key);
      return value;
    };
    for (const pool of pools) {
      const [source, amount, breakage, rest] = micros(pool, "a pool", "source pool breakage rest");
      const [earned, currency] = ["earned_currency", "currency"].map((name) => get(pool, "a pool", name, "str"));
      const parts = get(pool, "a pool", "parts", "list").map((row) => micros(row, "a part", PARTS));
      const held = parts.flatMap((part) => [part[1] - part[3] - part[4], ...part.slice(2)]);
      const sign = pool.get("kind") === "refund" ? -1n : pool.get("kind") === "adjusted" ? 0n : 1n;
      const fit = [source, amount, breakage, rest, ...held].every((number) => sign * number >= 0n);
      require(fit, "a pool has a number of the wrong sign, or too much in suspense or dispute");
      require(parts.every((part) => part[0] === part[1] + part[2]), "a part is not the sum of allocated and commons");
      require(breakage + rest + total(parts.map((part) => part[0])) === amount, "a pool is not the sum of its parts");
      require(currency !== earned || source === amount, "a pool that was not converted has two amounts");
      taken.set(earned, (taken.get(earned) ?? 0n) + source);
      given.set(currency, (given.get(currency) ?? 0n) + amount);
    }
    for (const row of totals) {
      const [revenue, tax, operator, inPools, levies] = micros(row, "a total", "revenue tax operator pools levies");
      require(tax + operator + inPools + levies === revenue, "a total's revenue is not the sum of what it became");
      require(pop(taken, get(row, "a total", "currency", "str")) === inPools, "the pools do not sum to the total");
    }
    require([...taken.values()].every((number) => number === 0n), "a pool is of a currency that no total has");
    for (const row of sums) {
      const [paid, back, count, , currency] = fields(row, "a sum", ROOT);
      const nobody = count === 0n && (paid !== 0n || back !== 0n);
      require(pop(given, currency) === paid - back && !nobody, "the sums over payees are not the pools");
    }
    require([...given.values()].every((number) => number === 0n), "a pool is of a currency that no sum over payees has");
    const told = "revenue = taxes + operator + pools + levies; pool = parts + rest + breakage; sums over payees = pools";
    return `In its ${totals.length} totals, ${pools.length} pools and ${sums.length} sums over payees, to the micro: ${told}.`;
  }

  // 4. What is attached
  async function checkLines(given, body) {
    const own = given instanceof Map, count = body.get("lines_count"), shares = [];
    let nodes = [], told = "";
    for (const row of own ? [given] : given) {
      if (!own && row instanceof Map && row.has("hash")) {
        nodes.push(...fields(row, "an erased line", [["hash", "bytes"]]));
        continue;
      }
      const [line, salt, index, path] = fields(row, "a line", own ? LINE : LINE.slice(0, 2));
      nodes.push(await sha(Uint8Array.of(0), salt, canonical(line)));
      shares.push(get(line, "a line", "share_ppb", "int", 0n, WHOLE_PPB));
      if (own) {
        const siblings = path.map((one) => get(new Map([["hash", one]]), "a path", "hash", "bytes"));
        nodes = [await climb(nodes[0], index, count, siblings)];
        told = `: '${get(line, "a line", "work_id", "str")}' has ${decimal(shares[0], 7)} % of the output`;
      }
    }
    require(own || BigInt(nodes.length) === count, "there are not as many lines as the receipt commits to");
    while (nodes.length > 1) {
      const above = [];
      for (let at = 0; at < nodes.length; at += 2) {
        above.push(at + 1 < nodes.length ? await join(nodes[at], nodes[at + 1]) : nodes[at]);
      }
      nodes = above;
    }
    const root = hex(nodes[0] ?? (await sha()));
    require(root === body.get("lines_root"), "the lines are not those that the receipt commits to");
    const total = shares.reduce((sum, share) => sum + share, body.get("unattributed_ppb"));
    const whole = total === WHOLE_PPB || (BigInt(shares.length) < count && total < WHOLE_PPB);
    require(whole, "the shares do not sum to one whole");
    return `It shows ${shares.length} of its ${count} lines${told}.`;
  }

  async function checkSum(place, body) {
    const [currency, index, leaf, path, salt] = fields(place, "the place in the sums", SUM);
    const [paid, back, own, kind, party] = fields(leaf, "the leaf", PAYEE);
    const row = body.get("sums").find((one) => one.get("currency") === currency && currency === own);
    require(row, "the period has no sums in the currency of the leaf");
    const node = await sha(Uint8Array.of(16), bigEndian(paid, 8), bigEndian(back, 8), salt, canonical(leaf));
    const steps = path.map((step) => fields(step, "a step", STEP));
    const root = await climb([paid, back, node], index, row.get("count"), steps);
    const equal = root[0] === row.get("paid_micros") && root[1] === row.get("taken_micros") && hex(root[2]) === row.get("root");
    require(equal, "the place in the sums leads to other sums than the period's, or to another root");
    return `They count '${party || kind}' with ${decimal(paid, 6)} ${currency} given and ${decimal(back, 6)} taken back.`;
  }

  const KINDS = new Map([
    ["run.receipt", ["", [["output_id", "str"]], checkRun, [["line", "dict", checkLines], ["lines", "list", checkLines]]]],
    ["period.receipt", ["period", [["period_id", "str"]], checkPeriod, [["sum", "dict", checkSum]]]],
    ["period.correction", ["correction", [["period_id", "str"], ["version", "int"]], checkPeriod, [["sum", "dict", checkSum]]]],
    ["statement", ["statement", [["statement_id", "str"]], checkStatement, []]],
  ]);

  // One file, 1. to 4.
  function refusal(problem) {
    return {
      verified: false, problem, proven: [], not_proven: [], receipt_id: "", type: "", origin: "", leaf_index: -1, log_size: -1,
      root: "", stated_time: "", witnesses: [],
    };
  }

  /** Checks the bytes of one file; gives [verdict, what `compare` needs of it]. */
  async function check(data, policy) {
    const unknown = [NOT_RIGHT, CLOCK];
    let proven = [];
    try {
      const { value: receipt, odd } = readJson(data);
      const spelt = receipt instanceof Map && data[data.length - 1] === 10 && !readJson(data.slice(0, -1)).odd;
      require(spelt, "the file is not canonical JSON and one final newline: something was added or spelt differently");
      const [prefix, named, checkBody, attachable] = KINDS.get(receipt.get("type")) ?? ["", [], null, []];
      const attached = attachable.filter(([name]) => receipt.has(name)), erased = receipt.has("erased_at");
      fields(receipt, "the receipt", erased ? ERASED : [...RECEIPT, ...attached.map(([name, kind]) => [name, kind])]);
      const leafText = receipt.get("leaf"), body = receipt.get("body"), receiptId = receipt.get("receipt_id") ?? "";
      const leaf = utf8(leafText), entryJson = readJson(leaf);
      const [commit, subject, kind, stated, version] = fields(entryJson.value, "the log's entry", LEAF);
      require(version === 2n && receipt.get("v") === 2n, "the receipt is of a version that this verifier does not know");
      require(!entryJson.odd && leaf.length <= LEAF_BYTES_MAX, "the log's entry is not canonical JSON");
      require(UTC.test(stated) && UTC.test(receipt.get("erased_at") ?? stated), "a time is not in UTC");
      const proof = receipt.get("proof"), cut = proof.indexOf("\n\n");
      const head = cut < 0 ? proof : proof.slice(0, cut), note = cut < 0 ? "" : proof.slice(cut + 2);
      const hashes = utf8(proof).length <= PROOF_BYTES_MAX ? head.split("\n") : [""];
      const title = hashes.shift();
      const well = title === "c2sp.org/tlog-proof@v1" && hashes.length && hashes[0].slice(0, 6) === "index ";
      require(well, "the proof is not a tlog-proof, or has an extra line, which nothing would sign");
      const index = counted(hashes[0].slice(6), "the proof's index is not a number");
      const path = hashes.slice(1).map((one) => unbase64(one, 32));
      const { origin, size, root, witnesses } = await openCheckpoint(note, policy);
      const entry = await sha(Uint8Array.of(0), leaf);
      require(same(await climb(entry, index, size, path), root), "the entry is not in the signed log: it leads to another root");
      const reached = new Map([["none", true], ...[...witnesses.keys()].map((one) => [one, true])]);
      for (const [group, [least, members]] of policy.groups) {
        const count = BigInt(members.filter((one) => reached.get(one)).length);
        reached.set(group, members.length ? count >= least : reached.has(group));
      }
      require(reached.get(policy.quorum), "not as many witnesses cosigned the checkpoint as the policy asks for");
      if (!erased) {
        const salt = fromHex(receipt.get("salt"));
        const committed = await sha(salt, canonical(body));
        require(same(committed, commit), "the body is not the one that the log's entry commits to");
        require(receipt.get("type") === kind, "the receipt's type is not the one in the log's entry");
        const plain = /^[A-Za-z0-9][A-Za-z0-9._:@/+~-]{0,199}$/.test(receiptId);
        require(plain, "the receipt's id is not a plain id");
        const own = same(await sha(salt, utf8(receiptId)), subject);
        require(own, "the receipt's id is not the subject of the log's entry");
      }
      if (checkBody) {
        const names = named.map(([name, one]) => get(body, "the body", name, one));
        const about = [...(prefix ? [prefix] : []), ...names].join(":");
        require(receiptId === about, "the body is about something else than the id");
        proven = [checkBody(body, index, unknown)];
        for (const [name, , run] of attached) proven.push(await run(receipt.get(name), body));
      }
      const what = erased ? "a document (erased, says this file)" : "exactly this document, of which nothing was changed since,";
      const told = `The holder of the key of '${origin}' committed to ${what} as entry ${index} (from 0) of a log of ${size} entries.`;
      const names = [...witnesses.keys()].sort(byCodePoint);
      const seen = names.map((one) => {
        const at = `${new Date(Number(witnesses.get(one)) * 1000).toISOString().slice(0, 19)}Z`;
        return `The witness '${one}' saw this log, and no other in its place, by ${at}.`;
      });
      const verdict = {
        verified: true, problem: "", proven: [told, ...proven, ...seen], not_proven: [...unknown, ...(seen.length ? [] : [ALONE])],
        receipt_id: receiptId, type: kind, origin, leaf_index: Number(index), log_size: Number(size), root: hex(root),
        stated_time: stated, witnesses: names,
      };
      return [verdict, { body, place: [entry, index, size, path], sum: receipt.get("sum") }];
    } catch (error) {
      if (error instanceof Refused) return [refusal(error.message), null];
      throw error;
    }
  }

  /** Orders texts as Python does, by code point and not by UTF-16 unit. */
  function byCodePoint(left, right) {
    const [a, b] = [Array.from(left, (one) => one.codePointAt(0)), Array.from(right, (one) => one.codePointAt(0))];
    for (let at = 0; at < Math.min(a.length, b.length); at += 1) if (a[at] !== b[at]) return a[at] - b[at];
    return a.length - b.length;
  }

  // 5. Files together
  /** What files show together. checked: [file, verdict, facts]; older: [file, opened checkpoint]; statements: [file, bytes]. */
  async function compare(checked, older, statements) {
    const problems = [], shown = new Map(), agreed = new Map(), chains = new Map(), digests = new Map();
    const states = older.map(([file, one]) => [file, one.origin, [[one.size, hex(one.root)]]]);
    const unknown = new Map(states.map(([file]) => [
      file, `That ${file} is of the same log: no receipt here shows it at that size.`]));
    for (const [file, verdict, facts] of checked) {
      const [entry, index, size, path] = facts.place, body = facts.body, ends = new Set();
      for (let level = 0n; level <= BigInt(size.toString(2).length); level += 1n) {
        const edge = ((index >> level) + 1n) << level;
        ends.add(edge < size ? edge : size);
      }
      const roots = [];
      for (const end of [...ends].sort((a, b) => (a < b ? -1 : 1))) roots.push([end, hex(await climb(entry, index, size, path, end))]);
      states.push([file, verdict.origin, roots]);
      if (body?.size && verdict.type === "run.receipt") {
        const state = body.get("permissions");
        states.push([file, verdict.origin, [[state.get("size"), state.get("root")]]]);
      }
      if (body?.size && verdict.type === "statement") {
        const chain = JSON.stringify([verdict.origin, body.get("party_id"), body.get("currency")]);
        if (!chains.has(chain)) chains.set(chain, []);
        chains.get(chain).push([body.get("count"), index, body.get("previous"), file]);
        digests.set(body.get("sha256"), file);
      }
      digests.set(facts.sum?.get("leaf").get("statement_sha256"), file);
    }
    for (const [file, origin, state] of states) {
      for (const [size, root] of state) {
        const key = JSON.stringify([origin, size.toString()]);
        if (!shown.has(key)) shown.set(key, [root, file]);
        const [first, other] = shown.get(key);
        if (root !== first) {
          problems.push(`FORK: ${other} and ${file} show two logs '${origin}' of ${size} entries. Keep both: a proof.`);
          break;
        }
        if (other !== file && (unknown.has(other) || unknown.has(file))) {
          unknown.delete(other);
          unknown.delete(file);
          agreed.set(file, `${other} and ${file} show one and the same log of ${size} entries.`);
        }
      }
    }
    const proven = [...agreed.values()];
    for (const [key, chain] of chains) {
      const [, party, currency] = JSON.parse(key);
      chain.sort((a, b) => {
        for (let at = 0; at < 3; at += 1) if (a[at] !== b[at]) return a[at] < b[at] ? -1 : 1;
        return byCodePoint(a[3], b[3]);
      });
      for (let at = 1; at < chain.length; at += 1) {
        const [number, place, , file] = chain[at - 1], [later, spot, before, other] = chain[at];
        if (later > number + 1n) {
          problems.push(`Statements ${number + 1n} to ${later - 1n} of '${party}' in ${currency} are missing.`);
        } else if (later === number ? spot !== place : before !== place) {
          problems.push(`${file} and ${other} do not belong to one chain of statements of '${party}' in ${currency}.`);
        }
      }
    }
    for (const [file, data] of statements) {
      const cut = data[data.length - 1] === 10 ? data.slice(0, -1) : data;
      const holder = digests.get(hex(await sha(cut)));
      const told = holder ? `the statement whose digest ${holder} holds` : "no statement that these receipts are about";
      (holder ? proven : problems).push(`${file} is ${told}.`);
    }
    return { proven, not_proven: [...unknown.values()], problems };
  }

  return { FILE_BYTES_MAX, Refused, readJson, canonical, climb, readPolicy, openCheckpoint, check, compare };
})();

if (typeof module !== "undefined") module.exports = EndcreditsVerify;

// packages/runtime-workers/test/chaos/main.ts
import { mkdtempSync as mkdtempSync2, rmSync as rmSync2 } from "node:fs";
import { tmpdir as tmpdir2 } from "node:os";
import { join as join4 } from "node:path";
import { parseArgs } from "node:util";

// packages/runtime-workers/test/chaos/run-scenario.ts
import { mkdirSync, mkdtempSync, readdirSync as readdirSync2, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join as join3, resolve as resolve3 } from "node:path";
import { run } from "@sluice/runtime-workers";
import { defineJob, fromArray, toParquet } from "@sluice/operators";

// packages/runtime-workers/test/chaos/job/numbered.ts
var LANES = 128;
var BASE_MS = Date.UTC(2026, 0, 1);
function indexedRecord(n, keys) {
  return { source: "generated", n, lane: n % LANES, key: n * 31 % keys, time: BASE_MS + n * 3 };
}
function filedRecord(source, file, at, keys) {
  return { source, n: file * 1e5 + at, lane: file, key: (file + at * 17) % keys, time: BASE_MS + at * 5 };
}

// packages/runtime-workers/test/chaos/check-left.ts
var FILES = 3;
var EXAMPLES = 4;
function allRecords({ sources, records, fileRecords, keys }) {
  const names = { jsonl: "lines", csv: "table", parquet: "columns" };
  return sources.flatMap((kind) => {
    if (kind === "generate") return Array.from({ length: records }, (_, n) => indexedRecord(n, keys));
    return fileRecordsOf(names[kind], fileRecords, keys).flat();
  });
}
function fileRecordsOf(source, count2, keys) {
  return Array.from({ length: FILES }, (_, file) => Array.from({ length: count2 }, (__, at) => filedRecord(source, file, at, keys)));
}
function keepsOrder({ async, rebalance }) {
  return async !== "unordered" && !rebalance;
}
function checkLeft(left, reference, shape) {
  const texts = [...left.leftovers];
  let lost = 0;
  let doubled = 0;
  const hold = (name, actual, expected) => {
    const difference = compare(actual, expected);
    lost += difference.missing.length;
    doubled += difference.extra.length;
    texts.push(...tell(`${name}: lost`, difference.missing), ...tell(`${name}: doubled or wrong`, difference.extra));
  };
  const records = left.outputs.get("records") ?? [];
  const ordered = keepsOrder(shape);
  hold("records", records.map(ordered ? recordText : withoutCount), expectedRecords(shape, ordered));
  for (const [name, rows] of reference.outputs) {
    if (name !== "records") hold(name, (left.outputs.get(name) ?? []).map(rowText), rows.map(rowText));
  }
  for (const name of left.outputs.keys()) if (!reference.outputs.has(name)) texts.push(`${name} is written, and nothing should be`);
  const outOfOrder = ordered ? findDisorder(records) : [];
  texts.push(...tell("out of order", outOfOrder));
  const state = compare(left.state, reference.state);
  texts.push(...tell("state: missing", state.missing), ...tell("state: wrong", state.extra));
  return { lost, doubled, outOfOrder: outOfOrder.length, texts };
}
function expectedRecords(shape, counted) {
  const counts = /* @__PURE__ */ new Map();
  return allRecords(shape).map((record) => {
    const place = `${record.source}/${record.lane}/${record.key}`;
    const records = (counts.get(place) ?? 0) + 1;
    counts.set(place, records);
    const { source, n, lane, key, time } = record;
    const row = asRow({ source, n, lane, key, time, records });
    return counted ? recordText(row) : withoutCount(row);
  });
}
function asRow(record) {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, String(value)]));
}
function recordText(row) {
  return rowText(row);
}
function withoutCount({ records: _records, ...row }) {
  return rowText(row);
}
function rowText(row) {
  return Object.entries(row).map(([name, value]) => `${name}=${value}`).sort().join(" ");
}
function findDisorder(rows) {
  const last = /* @__PURE__ */ new Map();
  return rows.flatMap(({ source, lane, key, n }) => {
    const name = `${source}/${lane}/${key}`;
    const number = Number(n);
    const before = last.get(name) ?? -1;
    last.set(name, number);
    return number < before ? [`${name}: ${number} behind ${before}`] : [];
  });
}
function compare(actual, expected) {
  const counts = /* @__PURE__ */ new Map();
  for (const text of expected) counts.set(text, (counts.get(text) ?? 0) - 1);
  for (const text of actual) counts.set(text, (counts.get(text) ?? 0) + 1);
  const pick = (sign) => [...counts].flatMap(([text, count2]) => Array.from({ length: Math.max(0, count2 * sign) }, () => text));
  return { missing: pick(-1), extra: pick(1) };
}
function tell(what, found) {
  if (found.length === 0) return [];
  const examples = found.slice(0, EXAMPLES).map((text) => `
    ${text}`);
  return [`${what}: ${found.length}${examples.join("")}`];
}

// packages/runtime-workers/test/chaos/process.ts
import { spawn } from "node:child_process";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
var packages = resolve(import.meta.dirname, "../../..");
var binary = join(packages, "cli/bin/sluice.js");
var jobFile = join(import.meta.dirname, "job/chaos-job.ts");
var preload = pathToFileURL(join(import.meta.dirname, "kill-at-call.mjs")).href;
var JobProcess = class {
  ended;
  lines = [];
  over = false;
  #child;
  #listeners = /* @__PURE__ */ new Set();
  #text = "";
  #rest = "";
  constructor(args, cwd, killAt) {
    const chaos = killAt === void 0 ? {} : { SLUICE_CHAOS_CALL: JSON.stringify(killAt), NODE_OPTIONS: `--import ${preload}` };
    this.#child = spawn(process.execPath, [binary, "run", jobFile, ...args, "--log", "json"], {
      cwd,
      env: { ...process.env, NODE_OPTIONS: "", ...chaos },
      stdio: ["ignore", "ignore", "pipe"]
    });
    this.#child.stderr?.setEncoding("utf8").on("data", (text) => this.#take(text));
    this.ended = new Promise((done, fail) => {
      this.#child.on("error", fail);
      this.#child.on("close", (status, signal) => {
        this.over = true;
        done({ status, signal, lines: this.lines, text: this.#text + this.#rest });
      });
    });
  }
  get pid() {
    return this.#child.pid ?? 0;
  }
  kill(signal) {
    this.#child.kill(signal);
  }
  /** Resolves with the n-th line of this event; never where the process ends before. */
  said(event, times = 1) {
    return new Promise((done) => {
      let left = times;
      const look = (line) => {
        if (line.event === event && --left === 0) done(line);
      };
      for (const line of this.lines) look(line);
      this.#listeners.add(look);
    });
  }
  #take(text) {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) {
      let parsed;
      try {
        parsed = JSON.parse(line);
      } catch {
        this.#text += `${line}
`;
        continue;
      }
      this.lines.push(parsed);
      for (const listener of this.#listeners) listener(parsed);
    }
  }
};
function speakTo(pid, command, cwd) {
  const child = spawn(process.execPath, [binary, command[0] ?? "", String(pid), ...command.slice(1)], { cwd, stdio: ["ignore", "pipe", "pipe"] });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text) => stdout += text);
  child.stderr.setEncoding("utf8").on("data", (text) => stderr += text);
  return new Promise((done, fail) => {
    child.on("error", fail);
    child.on("close", (status) => done({ status, stdout, stderr }));
  });
}

// packages/runtime-workers/test/chaos/random.ts
var Random = class {
  #state;
  constructor(seed) {
    this.#state = seed >>> 0;
  }
  /** At least 0 and below 1. */
  next() {
    this.#state = this.#state + 1831565813 >>> 0;
    let mixed = Math.imul(this.#state ^ this.#state >>> 15, 1 | this.#state);
    mixed = mixed + Math.imul(mixed ^ mixed >>> 7, 61 | mixed) ^ mixed;
    return ((mixed ^ mixed >>> 14) >>> 0) / 4294967296;
  }
  below(limit) {
    return Math.floor(this.next() * limit);
  }
  between(least, most) {
    return least + this.next() * (most - least);
  }
  chance(probability) {
    return this.next() < probability;
  }
  pick(choices) {
    return choices[this.below(choices.length)];
  }
  /** Some of them, at least one. */
  some(choices, probability) {
    const chosen = choices.filter(() => this.chance(probability));
    return chosen.length > 0 ? chosen : [this.pick(choices)];
  }
};

// packages/runtime-workers/test/chaos/read-output.ts
import { readState } from "@sluice/engine";
import { findCheckpoint, LocalDirectory } from "@sluice/runtime-workers";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { join as join2, resolve as resolve2 } from "node:path";
var JOB = "chaos";
async function readLeft(folder) {
  const outputs = /* @__PURE__ */ new Map();
  const leftovers = [];
  const root = join2(folder, "out");
  for (const name of readdirSync(root).sort()) {
    const path = join2(root, name);
    const isFolder = statSync(path).isDirectory();
    const files = isFolder ? inOrder(readdirSync(path)).map((part) => join2(path, part)) : [path];
    const rows = [];
    for (const file of files) {
      if (/\/\.[^/]*$|\.partial$/.test(file)) leftovers.push(`${file} is left over`);
      else for (const row of await readRows(file)) rows.push(row);
    }
    outputs.set(name.replace(/\.(jsonl|csv|parquet)$/, ""), rows);
  }
  const checkpoints = join2(folder, "checkpoints");
  const found = await findCheckpoint(checkpoints, JOB, "latest");
  leftovers.push(...leftInCheckpoints(checkpoints));
  return { outputs, state: await readKeyed(checkpoints, found), leftovers };
}
async function readKeyed(directory, found) {
  const lines = [];
  for await (const line of readState(new LocalDirectory(directory), found)) {
    if (!("key" in line)) {
      if ("edge" in line && line.bytes > 0) lines.push(`records on the edge ${line.edge} of a final checkpoint`);
      continue;
    }
    lines.push(canonical(line));
  }
  return lines.sort();
}
function canonical(value) {
  if (Array.isArray(value)) {
    const items = value.map(canonical);
    return `[${(value.every((item) => Array.isArray(item) && item.length === 2) ? items.sort() : items).join()}]`;
  }
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "undefined";
  const fields = Object.entries(value).map(([name, field]) => `${JSON.stringify(name)}:${canonical(field)}`);
  return `{${fields.sort().join()}}`;
}
function leftInCheckpoints(directory) {
  const names = readdirSync(directory, { recursive: true, encoding: "utf8" });
  const complete = new Set(names.filter((name) => name.endsWith("/manifest.json")).map((name) => name.slice(0, -"/manifest.json".length)));
  return names.flatMap((name) => {
    if (name.endsWith(".tmp")) return [`${name} is left over in the checkpoint directory`];
    return /\/chk-\d+$/.test(name) && !complete.has(name) ? [`${name} in the checkpoint directory has no manifest`] : [];
  });
}
function inOrder(names) {
  const place = (name) => {
    const [, subtask, checkpoint, n] = /^part-(\d+)-(\d+)-(\d+)\./.exec(name) ?? [];
    return (Number(checkpoint ?? 0) * 1e3 + Number(subtask ?? 0)) * 1e3 + Number(n ?? 0);
  };
  return [...names].sort((left, right) => place(left) - place(right));
}
async function readRows(file) {
  if (file.endsWith(".parquet")) return readParquet(file);
  const lines = readFileSync(file, "utf8").split("\n");
  if (lines.pop() !== "") throw new Error(`${file} does not end with a line break`);
  if (file.endsWith(".jsonl")) return lines.map((line) => asText(JSON.parse(line)));
  const [header = "", ...rows] = lines;
  const names = header.split(",");
  return rows.map((row) => Object.fromEntries(row.split(",").map((cell, at) => [names[at] ?? `column ${at}`, cell])));
}
var operators = createRequire(resolve2(import.meta.dirname, "../../../operators/package.json"));
async function readParquet(file) {
  const { asyncBufferFromFile, parquetReadObjects } = operators("hyparquet");
  const { compressors } = operators("hyparquet-compressors");
  const rows = await parquetReadObjects({ file: await asyncBufferFromFile(file), compressors });
  return rows.map(asText);
}
function asText(row) {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, String(value)]));
}

// packages/runtime-workers/test/chaos/run-scenario.ts
var LIFE_MS_MAX = 12e4;
var LIVES_MAX = 40;
async function runScenario(scenario, options) {
  const folder = mkdtempSync(join3(tmpdir(), `sluice-chaos-${scenario.seed}-`));
  const told = [];
  const log = (text) => {
    told.push(text);
    options.log?.(text);
  };
  const tally2 = { processes: 0, kills: 0, disturbances: /* @__PURE__ */ new Map(), restarts: 0, restores: 0, checkpoints: 0, failedCheckpoints: 0, freshStarts: 0 };
  try {
    const input = await inputOf(scenario.shape, options.shared);
    const reference = await referenceOf(scenario.shape, input, options.shared);
    await new Lives(scenario, folder, input, tally2, log).run();
    const { texts } = checkLeft(await readLeft(folder), reference, scenario.shape);
    if (texts.length > 0) throw new Error(texts.join("\n  "));
    if (options.keep !== true) rmSync(folder, { recursive: true, force: true });
    return { seed: scenario.seed, ...tally2 };
  } catch (error) {
    const { shape, lives: _lives, ...rest } = scenario;
    const about = `scenario ${JSON.stringify({ ...rest, shape })}`;
    const what = error instanceof Error ? error.message : String(error);
    throw new Error(
      `chaos seed ${scenario.seed}: ${what}
${about}
  ${told.join("\n  ")}
its files: ${folder}
replay (times are real, so it may need several tries): npm run chaos -- --seed ${scenario.seed}`,
      { cause: error }
    );
  }
}
var Lives = class {
  #scenario;
  #folder;
  #params;
  #tally;
  #log;
  /** What the next process restores; undefined: nothing, it is the first. */
  #restore;
  #overwrite = false;
  constructor(scenario, folder, input, tally2, log) {
    this.#scenario = scenario;
    this.#folder = folder;
    this.#tally = tally2;
    this.#log = log;
    const wires = scenario.wires.map((wire, at) => ({ ...wire, file: join3(folder, `tripped-${at}`) }));
    this.#params = join3(folder, "params.json");
    writeFileSync(this.#params, JSON.stringify(paramsOf(scenario.shape, input, join3(folder, "out"), wires)));
  }
  async run() {
    const { lives } = this.#scenario;
    const calm = { ...lives.at(-1), disturbance: void 0 };
    for (let at = 0; at < LIVES_MAX; at++) {
      if (await this.#live(lives[at] ?? calm)) return;
    }
    throw new Error(`not finished after ${LIVES_MAX} processes`);
  }
  /** True: the job has finished. */
  async #live(life) {
    const { workers, parallelism, mode, alignedTimeoutMs, intervalMs, disturbance } = life;
    const args = ["--params", this.#params, "--workers", String(workers), "--parallelism", String(parallelism)];
    args.push("--checkpoint-mode", mode, "--checkpoint-interval", String(intervalMs), "--checkpoint-retain", String(this.#scenario.retain));
    if (alignedTimeoutMs !== void 0) args.push("--checkpoint-aligned-timeout", String(alignedTimeoutMs));
    args.push("--restart", "fixed:100:20ms");
    if (this.#restore !== void 0) args.push("--restore", this.#restore);
    if (this.#overwrite) args.push("--overwrite");
    const process2 = new JobProcess(args, this.#folder, disturbance?.kind === "kill-at" ? disturbance : void 0);
    const disturbed = disturbance === void 0 ? void 0 : this.#disturb(process2, disturbance);
    const ended = await this.#endOf(process2);
    const savepoint = await disturbed;
    this.#count(ended, disturbance);
    return this.#judge(ended, savepoint, args);
  }
  async #endOf(process2) {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      process2.kill("SIGKILL");
    }, LIFE_MS_MAX);
    const ended = await process2.ended;
    clearTimeout(timer);
    if (late) throw new Error(`a process did not end within ${LIFE_MS_MAX} ms:
${endOf(ended)}`);
    return ended;
  }
  /** Resolves with the path of a savepoint to go on from. */
  async #disturb(process2, disturbance) {
    const pause = (ms) => Promise.race([new Promise((resolve4) => setTimeout(resolve4, ms)), process2.ended]);
    const happened = () => {
      const { disturbances } = this.#tally;
      if (!process2.over) disturbances.set(disturbance.kind, (disturbances.get(disturbance.kind) ?? 0) + 1);
    };
    switch (disturbance.kind) {
      case "kill-at":
        return void 0;
      case "kill":
        await pause(disturbance.afterMs);
        break;
      case "kill-on":
        await Promise.race([process2.said(disturbance.event, disturbance.times), process2.ended]);
        await pause(disturbance.afterMs);
        break;
      case "signal":
        await pause(disturbance.afterMs);
        happened();
        process2.kill(disturbance.signal);
        if (disturbance.killAfterMs === void 0) return void 0;
        await pause(disturbance.killAfterMs);
        break;
      case "pause":
        await pause(disturbance.afterMs);
        happened();
        process2.kill("SIGSTOP");
        await new Promise((resolve4) => setTimeout(resolve4, disturbance.forMs));
        process2.kill("SIGCONT");
        return void 0;
      case "savepoint":
      case "stop-with-savepoint": {
        await Promise.race([process2.said("job.started"), process2.ended]);
        await pause(disturbance.afterMs);
        if (process2.over) return void 0;
        happened();
        const stops = disturbance.kind === "stop-with-savepoint";
        const answer = await speakTo(process2.pid, stops ? ["stop", "--savepoint"] : ["savepoint"], this.#folder);
        this.#log(`${disturbance.kind}: ${answer.status} ${answer.stdout.trim()} ${answer.status === 0 ? "" : answer.stderr}`);
        if (answer.status === 0) return answer.stdout.trim();
        if (stops || process2.over || await Promise.race([process2.ended, pause(1e3)]) !== void 0) return void 0;
        return void 0;
      }
    }
    happened();
    process2.kill("SIGKILL");
    return void 0;
  }
  #count({ lines, signal }, disturbance) {
    const tally2 = this.#tally;
    const times = (event) => lines.filter((line) => line.event === event).length;
    tally2.processes++;
    tally2.restarts += times("job.restarting");
    tally2.restores += times("job.restored");
    tally2.checkpoints += times("checkpoint.completed");
    tally2.failedCheckpoints += times("checkpoint.failed");
    if (signal === "SIGKILL") tally2.kills++;
    if (times("chaos.killed") > 0 && disturbance !== void 0) {
      tally2.disturbances.set(disturbance.kind, (tally2.disturbances.get(disturbance.kind) ?? 0) + 1);
    }
  }
  /** True: the job has finished; otherwise it is known how to go on. */
  #judge(ended, savepoint, args) {
    const { status, signal, lines, text } = ended;
    const call = lines.find(({ event }) => event === "chaos.killed")?.["call"];
    const checkpoints = lines.filter(({ event }) => event === "checkpoint.completed").map((line) => line["id"]);
    const about = args.slice(2).join(" ");
    this.#log(`${about}: ${signal ?? `status ${status}`}${call === void 0 ? "" : ` ${String(call)}`}, checkpoints ${checkpoints.join(" ")}`);
    this.#overwrite = false;
    this.#restore = savepoint ?? "latest";
    if (signal === "SIGKILL") return false;
    if (signal === "SIGINT" || signal === "SIGTERM") return false;
    if (status === 130 || status === 143) return false;
    if (status === 0) {
      const finished = lines.find(({ event }) => event === "job.finished");
      if (finished === void 0) throw new Error(`status 0 without job.finished:
${endOf(ended)}`);
      return finished["stopped"] !== true;
    }
    const failed2 = lines.find(({ event }) => event === "job.failed");
    if (failed2?.["code"] === "SLUICE_CHECKPOINT_MISSING" && this.#restore === "latest" && !this.#hasCheckpoints()) {
      this.#restore = void 0;
      this.#overwrite = true;
      this.#tally.freshStarts++;
      return false;
    }
    throw new Error(`status ${status}: ${String(failed2?.["code"])}
${endOf(ended)}
${text}`);
  }
  #hasCheckpoints() {
    const names = readdirSync2(this.#folder, { recursive: true, encoding: "utf8" });
    return names.some((name) => name.startsWith("checkpoints/") && name.endsWith("/manifest.json") && !name.includes("/savepoints/"));
  }
};
function endOf({ lines, text }) {
  return [...lines.slice(-12).map((line) => JSON.stringify(line).slice(0, 1500)), text].join("\n");
}
function paramsOf(shape, input, output, wires) {
  const { fileRecords: _fileRecords, rate, ...rest } = shape;
  return { ...rest, ...rate === void 0 ? {} : { rate }, input, output, wires };
}
async function inputOf({ fileRecords, keys, sources }, shared2) {
  const input = join3(shared2, `input-${fileRecords}-${keys}`);
  for (const kind of sources) {
    const folder = join3(input, kind);
    if (kind === "generate" || mkdirSync(folder, { recursive: true }) === void 0) continue;
    const source = { jsonl: "lines", csv: "table", parquet: "columns" }[kind] ?? kind;
    for (const [file, records] of fileRecordsOf(source, fileRecords, keys).entries()) {
      const path = join3(folder, `${file}.${kind}`);
      if (kind === "jsonl") writeFileSync(path, records.map((record) => `${JSON.stringify(record)}
`).join(""));
      else if (kind === "csv") writeFileSync(path, ["source,n,lane,key,time", ...records.map((record) => Object.values(record).join())].map((line) => `${line}
`).join(""));
      else await run(defineJob({ name: "rows" }, (job) => job.source("rows", fromArray(records)).sink("out", toParquet(path, { rowGroupRecords: 100 })))).finished;
    }
  }
  return resolve3(input);
}
var references = /* @__PURE__ */ new Map();
function referenceOf(shape, input, shared2) {
  const plain = { ...shape, rate: void 0, outOfOrdernessMs: 0, async: "none", delayMs: 0, rebalance: false, format: "jsonl", parts: false, slowSinkMs: 0 };
  const name = JSON.stringify(plain);
  const known = references.get(name);
  if (known !== void 0) return known;
  const made = makeReference(plain, input, shared2);
  references.set(name, made);
  return made;
}
async function makeReference(shape, input, shared2) {
  const folder = mkdtempSync(join3(shared2, "undisturbed-"));
  const params = join3(folder, "params.json");
  writeFileSync(params, JSON.stringify(paramsOf(shape, input, join3(folder, "out"), [])));
  const args = ["--params", params, "--workers", "0", "--parallelism", "1", "--checkpoint-interval", "1h"];
  const ended = await new JobProcess(args, folder, void 0).ended;
  if (ended.status !== 0) throw new Error(`the undisturbed run failed:
${endOf(ended)}`);
  const left = await readLeft(folder);
  rmSync(folder, { recursive: true, force: true });
  return left;
}

// packages/runtime-workers/test/chaos/scenario.ts
var EVENTS = [
  "job.planned",
  "job.restored",
  "job.started",
  "checkpoint.completed",
  "checkpoint.completed",
  "job.stopping",
  "job.finished"
];
var CALLS = [
  { call: "rename", path: "manifest\\.json$" },
  { call: "rename", path: "manifest\\.json$" },
  { call: "rename", path: "/out/" },
  { call: "rename", path: "/out/" },
  { call: "sync", path: "state-" },
  { call: "sync", path: "/out/" },
  { call: "sync", path: "\\.tmp$" },
  { call: "write", path: "/out/" },
  { call: "write", path: "state-" },
  { call: "open", path: "/out/" },
  { call: "open", path: "state-" },
  { call: "rm", path: "chk-" },
  { call: "rm", path: "/out/" },
  { call: "mkdir", path: "" },
  { call: "truncate", path: "/out/" }
];
var PLACES = ["source", "map", "async", "process", "timer", "before-sink", "window"];
var ACTS = ["throw", "throw", "exit", "reject", "memory", "block", "kill"];
function drawScenario(seed) {
  const random = new Random(seed);
  const shape = drawShape(random);
  const rescales = random.chance(0.5);
  const workers = random.pick([1, 2, 2, 3]);
  const parallelism = random.pick([1, 2, 2, 3]);
  const mode = random.pick(["aligned", "unaligned", "switch"]);
  const intervalMs = random.pick([30, 60, 100, 200]);
  const life = () => ({
    workers: rescales ? random.pick([0, 1, 2, 3]) : workers,
    parallelism: rescales ? random.pick([1, 2, 3, 4]) : parallelism,
    mode: mode === "switch" ? random.pick(["aligned", "unaligned"]) : mode,
    alignedTimeoutMs: mode === "switch" ? random.pick([1, 10, 50]) : void 0,
    intervalMs,
    disturbance: drawDisturbance(random)
  });
  return {
    seed,
    shape,
    wires: random.chance(0.5) ? [] : Array.from({ length: 1 + random.below(3) }, () => drawWire(random, shape)),
    retain: 1 + random.below(3),
    lives: Array.from({ length: 1 + random.below(5) }, life)
  };
}
function drawShape(random) {
  const sources = random.some(["generate", "generate", "jsonl", "csv", "parquet"], 0.5);
  const distinct = [...new Set(sources)];
  const records = 1e3 + random.below(4e3);
  const fast = random.chance(0.3);
  return {
    records,
    fileRecords: 200 + 200 * random.below(4),
    keys: random.pick([1, 16, 24, 200]),
    rate: fast ? void 0 : Math.round(records / random.between(0.5, 2.5)),
    sources: distinct,
    outOfOrdernessMs: random.pick([0, 500, 1e9]),
    async: random.pick(["none", "ordered", "ordered", "unordered"]),
    delayMs: random.pick([0, 2, 10]),
    rebalance: random.chance(0.25),
    format: random.pick(["jsonl", "csv", "parquet"]),
    parts: random.chance(0.6),
    results: random.some(["tumbling", "sliding", "session", "windowJoin", "intervalJoin", "running"], 0.35),
    slowSinkMs: random.chance(0.25) ? 1 : 0
  };
}
function drawWire(random, { records, keys }) {
  const place = random.pick(PLACES);
  const n = place === "timer" || place === "window" ? random.below(keys) : random.below(records);
  return { place, n, act: random.pick(ACTS) };
}
function drawDisturbance(random) {
  const afterMs = random.between(100, 3e3);
  const short = random.between(0, random.pick([5, 60, 400]));
  switch (random.pick([
    "kill",
    "kill-on",
    "kill-on",
    "kill-at",
    "kill-at",
    "kill-at",
    "signal",
    "stop-with-savepoint",
    "savepoint",
    "pause"
  ])) {
    case "kill":
      return { kind: "kill", afterMs };
    case "kill-on":
      return { kind: "kill-on", event: random.pick(EVENTS), times: 1 + random.below(6), afterMs: short };
    case "kill-at":
      return {
        kind: "kill-at",
        ...random.pick(CALLS),
        at: 1 + random.below(random.pick([2, 10, 40])),
        when: random.pick(["before", "after"])
      };
    case "signal": {
      const signal = random.pick(["SIGINT", "SIGTERM"]);
      return { kind: "signal", signal, afterMs: afterMs + 400, killAfterMs: random.chance(0.4) ? random.between(0, 300) : void 0 };
    }
    case "stop-with-savepoint":
      return { kind: "stop-with-savepoint", afterMs: random.between(0, 1500) };
    case "savepoint":
      return { kind: "savepoint", afterMs: random.between(0, 1500) };
    case "pause":
      return { kind: "pause", afterMs, forMs: random.between(50, 900) };
  }
}

// packages/runtime-workers/test/chaos/tally.ts
var ChaosTally = class {
  disturbances = /* @__PURE__ */ new Map();
  seeds = 0;
  processes = 0;
  kills = 0;
  restarts = 0;
  restores = 0;
  checkpoints = 0;
  failedCheckpoints = 0;
  freshStarts = 0;
  add(report) {
    this.seeds++;
    this.processes += report.processes;
    this.kills += report.kills;
    this.restarts += report.restarts;
    this.restores += report.restores;
    this.checkpoints += report.checkpoints;
    this.failedCheckpoints += report.failedCheckpoints;
    this.freshStarts += report.freshStarts;
    for (const [kind, times] of report.disturbances) this.disturbances.set(kind, (this.disturbances.get(kind) ?? 0) + times);
  }
};
function describeChaos(tally2, seconds) {
  const kinds = [...tally2.disturbances].sort().map(([kind, times]) => `${kind} ${times}`);
  return [
    `chaos: ${tally2.seeds} seeds in ${seconds.toFixed(1)} s: ${tally2.processes} processes, ${tally2.kills} killed, ${tally2.restores} restores, ${tally2.restarts} restarts within a process`,
    `  ${tally2.checkpoints} checkpoints complete, ${tally2.failedCheckpoints} given up, ${tally2.freshStarts} fresh starts before the first of them; ${kinds.join(", ")}`
  ].join("\n");
}

// packages/runtime-workers/test/chaos/main.ts
var { values } = parseArgs({
  options: {
    seed: { type: "string" },
    from: { type: "string" },
    count: { type: "string" },
    minutes: { type: "string" },
    "keep-going": { type: "boolean" },
    verbose: { type: "boolean" }
  }
});
var startMs = performance.now();
var limitMs = values.minutes === void 0 ? Number.POSITIVE_INFINITY : Number(values.minutes) * 6e4;
var first = Number(values.seed ?? values.from ?? Math.floor(Math.random() * 2 ** 31));
var count = values.seed !== void 0 ? 1 : Number(values.count ?? Number.POSITIVE_INFINITY);
var shared = mkdtempSync2(join4(tmpdir2(), "sluice-chaos-shared-"));
var tally = new ChaosTally();
var failed = 0;
for (let seed = first; seed < first + count && performance.now() - startMs < limitMs; seed++) {
  try {
    const report = await runScenario(drawScenario(seed), { shared, log: values.verbose === true ? console.log : void 0 });
    tally.add(report);
    if (values.verbose === true) console.log(`seed ${seed}: exact after ${report.processes} processes, ${report.kills} killed`);
  } catch (error) {
    failed++;
    console.error(error instanceof Error ? error.message : error);
    if (values["keep-going"] !== true) break;
  }
}
rmSync2(shared, { recursive: true, force: true });
console.log(describeChaos(tally, (performance.now() - startMs) / 1e3));
process.exit(failed > 0 ? 1 : 0);

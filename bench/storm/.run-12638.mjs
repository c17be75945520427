// bench/storm/run.ts
import { writeFile } from "node:fs/promises";
import { fileURLToPath as fileURLToPath3 } from "node:url";
import { parseArgs } from "node:util";

// bench/storm/figures.ts
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";

// src/tasks/record.ts
import { z as z2 } from "zod";

// src/tasks/process-identity.ts
import { z } from "zod";
var processIdentitySchema = z.object({
  pid: z.int(),
  /** Where the pid is valid: host, boot and, in containers, the pid namespace. */
  place: z.string(),
  /** When the process started, in the system's own words; empty where it cannot be read. A pid is used again, the pair is not. */
  started: z.string()
});
var FOREIGN_MILLISECONDS = 15 * 6e4;

// src/tasks/record.ts
var TASK_STATUSES = [
  "queued",
  "submitting",
  "in_queue",
  "generating",
  "done",
  "failed",
  "unknown",
  "not_found",
  "expired",
  "cancelled"
];
var errorSchema = z2.object({
  code: z2.string(),
  provider_code: z2.string().optional(),
  message: z2.string(),
  mend: z2.string(),
  who: z2.enum(["you", "operator", "provider", "unknown"]),
  retryable: z2.boolean(),
  provider_text: z2.string().optional()
});
var factsSchema = z2.object({
  width: z2.number(),
  height: z2.number(),
  duration_seconds: z2.number(),
  fps: z2.number()
});
var fileSchema = z2.object({
  path: z2.string(),
  bytes: z2.number(),
  /** What the file really is; absent when it could not be read. */
  facts: factsSchema.optional()
});
var recordSchema = z2.object({
  version: z2.literal(1),
  id: z2.string(),
  status: z2.enum(TASK_STATUSES),
  /** The API's origin and a hash of the access key: other pairs do not see the task. */
  origin: z2.string(),
  account: z2.string(),
  sandbox: z2.boolean(),
  /** When it was reserved: the queue's order and the budget's time. */
  created_at: z2.string(),
  /** When the claim to send it was made; absent: never sent. */
  sent_at: z2.string().optional(),
  /** When the provider accepted it. */
  submitted_at: z2.string().optional(),
  finished_at: z2.string().optional(),
  request: z2.object({
    mode: z2.string(),
    prompt: z2.string().optional(),
    /** As asked for; absent for a task that was made elsewhere. */
    duration: z2.number().optional(),
    fps: z2.number().optional(),
    seed: z2.number().optional(),
    aspect_ratio: z2.string().optional(),
    template_id: z2.string().optional(),
    camera_strength: z2.string().optional(),
    image: z2.string().optional(),
    tail_image: z2.string().optional(),
    /** What was done to the input, to be told with the result. */
    notes: z2.array(z2.string())
  }),
  /** SHA-256 of the body, the duration and the rate: the same for the same request. */
  fingerprint: z2.string(),
  req_key: z2.string(),
  /** Absent for a task that was made elsewhere, until its file is read. */
  billed_seconds: z2.number().optional(),
  estimated_cny: z2.number().optional(),
  /** Null: links only. */
  destination: z2.object({ folder: z2.string(), file_name: z2.string().optional() }).nullable(),
  owner: processIdentitySchema,
  /** Sendings so far; each has a claim of its own. */
  attempts: z2.int(),
  provider_task_id: z2.string().optional(),
  request_id: z2.string().optional(),
  /** The provider's last answer, without our keys. */
  raw: z2.string().optional(),
  video: z2.object({
    url: z2.string(),
    url_valid_until: z2.string(),
    file: fileSchema.optional(),
    /** The finished file just before it got its name: a process that died there finds it again by this. */
    finishing: z2.object({ inode: z2.number(), file_name: z2.string() }).optional(),
    /** What the provider made, where the file was trimmed or converted. */
    made: factsSchema.optional()
  }).optional(),
  error: errorSchema.optional(),
  /** What stands in the way of asking; the task itself is unaffected. */
  hindrance: errorSchema.extend({ count: z2.int() }).optional(),
  answered_queries: z2.int(),
  first_not_found_at: z2.string().optional()
});

// bench/storm/faults.ts
function randomFrom(seed) {
  let state = seed >>> 0;
  return () => {
    state = state + 1831565813 >>> 0;
    let mixed = Math.imul(state ^ state >>> 15, state | 1);
    mixed ^= mixed + Math.imul(mixed ^ mixed >>> 7, mixed | 61);
    return ((mixed ^ mixed >>> 14) >>> 0) / 2 ** 32;
  };
}
var ANY = [
  { kind: "cut" },
  { kind: "cut", reset: true },
  { kind: "slow", milliseconds: 400 },
  { kind: "html", status: 502 },
  { kind: "html", status: 403 },
  { kind: "html", status: 200 },
  { kind: "redirect" },
  { kind: "business", code: 50500 },
  { kind: "business", code: 50501 },
  { kind: "business", code: 50429 },
  { kind: "gateway", code: "FlowLimitExceeded" },
  { kind: "gateway", code: "InternalServiceTimeout" },
  { kind: "gateway", code: "ServiceUnavailableTemp" },
  { kind: "truncated", how: "short-body" },
  { kind: "truncated", how: "cut-json" },
  { kind: "wrong-type", path: "code", value: { a: 1 } },
  { kind: "wrong-type", path: "code", value: "garbled" },
  { kind: "wrong-type", path: "code", value: 0 },
  { kind: "wrong-type", path: "data", value: [] },
  { kind: "raw", status: 200, body: "" }
];
var SUBMIT = [
  { kind: "cut", moment: "after-acceptance" },
  { kind: "never", moment: "after-acceptance" },
  { kind: "html", status: 504, moment: "after-acceptance" },
  { kind: "business", code: 50500, moment: "after-acceptance" },
  { kind: "no-task-id" },
  { kind: "numeric-task-id" },
  { kind: "wrong-type", path: "data.task_id", value: { id: 1 } },
  { kind: "business", code: 50430 }
];
var QUERY = [
  { kind: "never" },
  { kind: "business", code: 50400 },
  { kind: "gateway", code: "InvalidTimestamp" },
  { kind: "status-word", word: "not_found" },
  { kind: "status-word", word: "reviewing" },
  { kind: "wrong-type", path: "data.status", value: 7 },
  { kind: "wrong-type", path: "data.video_url", value: { url: "x" } },
  { kind: "wrong-type", path: "data.video_url", value: 7 },
  { kind: "escaped-url" }
];
var VIDEO = [
  { kind: "status", status: 500 },
  { kind: "status", status: 403 },
  { kind: "html" },
  { kind: "cut", atByte: 3e3 },
  { kind: "slow", milliseconds: 300 },
  { kind: "no-range" },
  { kind: "wrong-length", difference: 100 },
  { kind: "wrong-length", difference: -100 },
  { kind: "redirect" }
];
function startStorm(sandbox, rules) {
  const random = randomFrom(rules.seed);
  const drawn = /* @__PURE__ */ new WeakMap();
  const counts = {};
  const draw = (request) => {
    if (random() >= rules.share) return "none";
    const { operation } = request;
    const kinds = operation === "video" ? VIDEO : [...ANY, ...operation === "submit" ? SUBMIT : QUERY];
    const fault = kinds[Math.floor(random() * kinds.length)] ?? "none";
    const isBusy = fault !== "none" && fault.kind === "business" && fault.code === 50430;
    return isBusy && runningLike(request, sandbox(), rules) < rules.busyFrom ? { kind: "business", code: 50429 } : fault;
  };
  const isDrawn = (wanted) => (request) => {
    const before = drawn.get(request);
    const fault = before ?? draw(request);
    if (before === void 0) {
      drawn.set(request, fault);
      if (fault !== "none") {
        const name = `${request.operation} ${nameOf(fault)}`;
        counts[name] = (counts[name] ?? 0) + 1;
      }
    }
    return fault !== "none" && JSON.stringify(fault) === JSON.stringify(wanted);
  };
  const always = { times: "always" };
  const api = (on, faults) => faults.map((fault) => ({ on, fault, ...always, when: isDrawn(fault) }));
  sandbox().faults.add(
    ...api("submit", [...ANY, ...SUBMIT]),
    ...api("query", [...ANY, ...QUERY]),
    ...VIDEO.map((fault) => ({ on: "video", fault, ...always, when: isDrawn(fault) }))
  );
  return {
    faultOf: (request) => {
      const fault = drawn.get(request);
      return fault === "none" ? void 0 : fault;
    },
    counts: () => Object.fromEntries(Object.entries(counts).sort())
  };
}
function runningLike(request, sandbox, { generationSeconds }) {
  const since = request.arrivedAt - generationSeconds * 1e3;
  return sandbox.accepted.filter(
    (task) => task.request.arrivedAt > since && task.request.body?.req_key === request.body?.req_key
  ).length;
}
function nameOf(fault) {
  return Object.values(fault).map((value) => typeof value === "object" ? JSON.stringify(value) : String(value)).join(" ");
}

// src/report/report.ts
import { z as z3 } from "zod";

// src/jimeng/modes.ts
var ASPECT_RATIOS = ["16:9", "4:3", "1:1", "3:4", "9:16", "21:9"];
var CAMERA_TEMPLATES = {
  hitchcock_dolly_in: "\u5E0C\u533A\u67EF\u514B\u63A8\u8FDB",
  hitchcock_dolly_out: "\u5E0C\u533A\u67EF\u514B\u62C9\u8FDC",
  robo_arm: "\u673A\u68B0\u81C2",
  dynamic_orbit: "\u52A8\u611F\u73AF\u7ED5",
  central_orbit: "\u4E2D\u5FC3\u73AF\u7ED5",
  crane_push: "\u8D77\u91CD\u673A",
  quick_pull_back: "\u8D85\u7EA7\u62C9\u8FDC",
  counterclockwise_swivel: "\u9006\u65F6\u9488\u56DE\u65CB",
  clockwise_swivel: "\u987A\u65F6\u9488\u56DE\u65CB",
  handheld: "\u624B\u6301\u8FD0\u955C",
  rapid_push_pull: "\u5FEB\u901F\u63A8\u62C9"
};
var CAMERA_TEMPLATE_IDS = Object.keys(CAMERA_TEMPLATES);
var CAMERA_STRENGTHS = ["weak", "medium", "strong"];
var MODES = {
  t2v_720p: {
    reqKey: "jimeng_t2v_v30",
    summary: "text to video, 720P",
    resolution: "720P",
    prompt: "required",
    image: "none",
    tailImage: "none",
    aspectRatio: "optional",
    camera: "none"
  },
  i2v_first_720p: {
    reqKey: "jimeng_i2v_first_v30",
    summary: "first frame to video, 720P",
    resolution: "720P",
    prompt: "required",
    image: "required",
    tailImage: "none",
    aspectRatio: "none",
    camera: "none"
  },
  i2v_first_tail_720p: {
    reqKey: "jimeng_i2v_first_tail_v30",
    summary: "first and last frame to video, 720P",
    resolution: "720P",
    prompt: "required",
    image: "required",
    tailImage: "required",
    aspectRatio: "none",
    camera: "none"
  },
  i2v_recamera_720p: {
    reqKey: "jimeng_i2v_recamera_v30",
    summary: "camera movement over an image, 720P",
    resolution: "720P",
    prompt: "required",
    image: "required",
    tailImage: "none",
    aspectRatio: "none",
    camera: "required"
  },
  t2v_1080p: {
    reqKey: "jimeng_t2v_v30_1080p",
    summary: "text to video, 1080P",
    resolution: "1080P",
    prompt: "required",
    image: "none",
    tailImage: "none",
    aspectRatio: "optional",
    camera: "none"
  },
  i2v_first_1080p: {
    reqKey: "jimeng_i2v_first_v30_1080",
    summary: "first frame to video, 1080P",
    resolution: "1080P",
    prompt: "required",
    image: "required",
    tailImage: "none",
    aspectRatio: "none",
    camera: "none"
  },
  i2v_first_tail_1080p: {
    reqKey: "jimeng_i2v_first_tail_v30_1080",
    summary: "first and last frame to video, 1080P",
    resolution: "1080P",
    prompt: "required",
    image: "required",
    tailImage: "required",
    aspectRatio: "none",
    camera: "none"
  },
  ti2v_pro: {
    reqKey: "jimeng_ti2v_v30_pro",
    summary: "text or first frame to video, Pro (1080P, best quality)",
    resolution: "Pro",
    prompt: "required unless image",
    image: "optional",
    tailImage: "none",
    aspectRatio: "optional",
    camera: "none"
  }
};
var MODE_NAMES = Object.keys(MODES);
function modeRow(name) {
  return MODES[name];
}
function modeOfReqKey(reqKey) {
  return MODE_NAMES.find((name) => MODES[name].reqKey === reqKey);
}
var FRAMES_OF_SECONDS = { 5: 121, 10: 241 };
var CLIP_SIZES = {
  "1080P": {
    "21:9": [2176, 928],
    "16:9": [1920, 1088],
    "4:3": [1664, 1248],
    "1:1": [1440, 1440],
    "3:4": [1248, 1664],
    "9:16": [1088, 1920]
  },
  "720P": {
    "21:9": [1504, 640],
    "16:9": [1248, 704],
    "4:3": [1120, 832],
    "1:1": [960, 960],
    "3:4": [832, 1120],
    "9:16": [704, 1248]
  }
};
var MAX_PROMPT_CHARACTERS = 800;
var SEED_RANGE = { min: -1, max: 2147483647 };
var LINK_LIFE_SECONDS = 3600;
var TASK_LIFE_SECONDS = 12 * 3600;

// src/report/report.ts
var REPORT_STATUSES = ["checked", "refused", ...TASK_STATUSES];
var money = z3.number().describe("CNY");
var costSchema = z3.strictObject({
  estimated_cny: money.optional(),
  billed_seconds: z3.number().optional(),
  charge: z3.enum(["none", "possible", "made"])
});
var reportSchema = z3.strictObject({
  task_id: z3.string().optional(),
  status: z3.enum(REPORT_STATUSES),
  message: z3.string(),
  next_step: z3.string().optional(),
  prompt: z3.string().optional(),
  mode: z3.string().optional(),
  duration: z3.number().optional(),
  fps: z3.number().optional(),
  video: z3.strictObject({
    url: z3.string().optional(),
    url_valid_until: z3.string().optional(),
    path: z3.string().optional(),
    bytes: z3.number().optional(),
    width: z3.number().optional(),
    height: z3.number().optional(),
    duration_seconds: z3.number().optional(),
    fps: z3.number().optional()
  }).optional(),
  provider: z3.strictObject({ task_id: z3.string().optional(), req_key: z3.string().optional(), request_id: z3.string().optional() }).optional(),
  submitted_at: z3.string().optional(),
  finished_at: z3.string().optional(),
  elapsed_seconds: z3.number().optional(),
  collect_before: z3.string().optional(),
  sandbox: z3.boolean().optional(),
  cost: costSchema.optional(),
  error: z3.strictObject({
    code: z3.string(),
    provider_code: z3.string().optional(),
    message: z3.string(),
    who: z3.enum(["you", "operator", "provider", "unknown"]),
    retryable: z3.boolean()
  }).optional()
});
var listSchema = z3.strictObject({
  message: z3.string(),
  tasks: z3.array(reportSchema),
  spent: z3.strictObject({ last_24h_cny: money, all_time_cny: money, possible_cny: money }).optional(),
  sandbox: z3.boolean().optional()
});

// bench/storm/stdio-client.ts
import { spawn } from "node:child_process";
var ProcessGone = class extends Error {
  name = "ProcessGone";
};
var StdioClient = class {
  child;
  /** Lines on stdout that are no JSON-RPC answer to something that was asked. */
  badLines = [];
  stderr = "";
  stdout = "";
  waiting = /* @__PURE__ */ new Map();
  nextId = 1;
  isGone = false;
  constructor(programPath, environment, workingDir) {
    this.child = spawn(process.execPath, [programPath], { env: { ...environment }, cwd: workingDir });
    let rest = "";
    this.child.stdout?.setEncoding("utf8").on("data", (chunk) => {
      this.stdout += chunk;
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) this.read(line);
    });
    this.child.stderr?.setEncoding("utf8").on("data", (chunk) => {
      this.stderr += chunk;
    });
    this.child.stdin?.on("error", () => void 0);
    this.child.once("close", () => {
      this.isGone = true;
      for (const { reject } of this.waiting.values()) reject(new ProcessGone("the process is gone"));
      this.waiting.clear();
    });
  }
  get alive() {
    return !this.isGone;
  }
  async initialize() {
    const clientInfo = { name: "storm", version: "1" };
    await this.request("initialize", { protocolVersion: "2025-06-18", capabilities: {}, clientInfo });
    this.write({ method: "notifications/initialized" });
  }
  /** @throws ProcessGone when it dies first */
  async call(tool, given) {
    return await this.request("tools/call", { name: tool, arguments: given });
  }
  kill() {
    this.child.kill("SIGKILL");
  }
  /** Ends as clients do: stdin is closed. */
  async close() {
    if (this.isGone) return;
    const gone = new Promise((resolve) => this.child.once("close", resolve));
    this.child.stdin?.end();
    await gone;
  }
  write(message) {
    this.child.stdin?.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}
`);
  }
  request(method, params) {
    if (this.isGone) return Promise.reject(new ProcessGone("the process is gone"));
    const id = this.nextId++;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.write({ id, method, params });
    });
  }
  read(line) {
    let message;
    try {
      message = JSON.parse(line);
    } catch {
      message = void 0;
    }
    const waiting = typeof message?.id === "number" ? this.waiting.get(message.id) : void 0;
    const isNotification = message?.jsonrpc === "2.0" && typeof message.method === "string" && message.id === void 0;
    if (isNotification) return;
    if (message?.jsonrpc !== "2.0" || waiting === void 0) {
      this.badLines.push(line);
      return;
    }
    this.waiting.delete(message.id);
    waiting.resolve(answerOf(message));
  }
};
function answerOf({ result, error }) {
  const given = result ?? {};
  return {
    text: (given.content ?? []).map(({ text = "" }) => text).join("\n"),
    structured: given.structuredContent,
    isError: given.isError === true,
    rpcError: error
  };
}

// bench/storm/worker.ts
var SAVE_ROUNDS = 8;
var Worker = class {
  /** Every answer about a request, in the order in which they came. */
  seen = [];
  badLines = [];
  /** Everything that the processes wrote, for secrets to be looked for. */
  written = "";
  /** Processes that it took. */
  starts = 0;
  finalReports = /* @__PURE__ */ new Map();
  client;
  initialized = false;
  start;
  requests;
  constructor(programPath, environment, folder, requests) {
    this.start = () => new StdioClient(programPath, environment, folder);
    this.requests = requests;
  }
  get finished() {
    return this.finalReports.size;
  }
  get isBusy() {
    return this.initialized && this.client?.alive === true && this.finished < this.requests.length;
  }
  kill() {
    this.client?.kill();
  }
  end() {
    this.client?.kill();
  }
  async run() {
    while (this.finished < this.requests.length) {
      const client = this.start();
      this.client = client;
      this.starts++;
      try {
        await client.initialize();
        this.initialized = true;
        const left = this.requests.filter(({ prompt }) => !this.finalReports.has(prompt));
        await Promise.all(left.map((request) => this.bring(client, request)));
        await client.close();
      } catch (error) {
        if (!(error instanceof ProcessGone)) throw error;
      } finally {
        this.initialized = false;
        client.kill();
        this.badLines.push(...client.badLines);
        this.written += client.stdout + client.stderr;
      }
    }
  }
  /** Makes the request, again where an earlier process died, and asks until it is over. */
  async bring(client, request) {
    let answer2 = await this.call(client, request, "submit_video_task", request);
    for (let round = 0; !isOver(answer2, round); round++) {
      const id = answer2.structured?.task_id;
      if (id === void 0) break;
      answer2 = await this.call(client, request, "get_video_task", { task_id: id, wait_seconds: 30 });
    }
    this.finalReports.set(request.prompt, answer2);
  }
  async call(client, request, tool, given) {
    const answer2 = await client.call(tool, given);
    this.seen.push({ request, answer: answer2 });
    return answer2;
  }
};
function isOver({ structured }, round) {
  if (structured?.status === "done") return structured.video?.path !== void 0 || round >= SAVE_ROUNDS;
  return !["queued", "submitting", "in_queue", "generating"].includes(structured?.status);
}
function flawOf({ structured, isError, rpcError, text }) {
  if (rpcError !== void 0) return `a JSON-RPC error: ${rpcError.message}`;
  const isList = Array.isArray(structured?.tasks);
  const read = (isList ? listSchema : reportSchema).safeParse(structured);
  if (!read.success) return `not its schema: ${read.error.message}`;
  if (isList) return structured.message === "" ? "no message" : void 0;
  if (structured.message === "") return "no message";
  if (!text.includes(structured.message)) return "a text without its message";
  if (structured.error?.code === "internal_error") return "an internal error";
  const isSuccess = structured.status === "done" || structured.status === "checked";
  if ((isError || !isSuccess) && !structured.next_step) return "no next step";
  return void 0;
}

// bench/storm/figures.ts
async function judge(evidence) {
  const { sandbox, storm, workers, requests, kills, seconds } = evidence;
  const { records, unreadable } = await readRecords(join(evidence.folder, "state"));
  const accepted = /* @__PURE__ */ new Map();
  for (const { request } of sandbox.accepted) {
    const prompt = String(request.body?.prompt);
    accepted.set(prompt, (accepted.get(prompt) ?? 0) + 1);
  }
  const faultAtSubmit = new Map(
    sandbox.requests.filter(({ operation }) => operation === "submit").map((request) => [String(request.body?.prompt), lostAnswer(storm, request)]).filter(([, fault]) => fault !== void 0)
  );
  const lost = [];
  const unmade = [];
  const count = { saved: 0, byFault: 0, byKill: 0 };
  for (const { prompt } of requests) {
    const record = records.get(prompt);
    const path = record?.video?.file?.path;
    if (record?.status === "done" && path !== void 0 && await sizeOf(path) === record.video?.file?.bytes)
      count.saved++;
    else if (record?.status === "unknown" && record.error?.code === "interrupted" && kills > 0) count.byKill++;
    else if (record?.status === "unknown" && faultAtSubmit.has(prompt)) count.byFault++;
    else {
      const what = `${prompt}: ${record?.status ?? "no record"} ${record?.error?.message ?? ""} (${faultAtSubmit.get(prompt) ?? ""})`;
      (accepted.has(prompt) ? lost : unmade).push(what);
    }
  }
  const seen = workers.flatMap((worker) => worker.seen);
  const flaws = seen.flatMap(({ request, answer: answer2 }) => {
    const flaw = flawOf(answer2) ?? untruthOf(answer2, request, accepted, records);
    return flaw === void 0 ? [] : [`${request.prompt}: ${flaw}`];
  });
  const secret = sandbox.credentials.secretAccessKey;
  const answered = sandbox.requests.filter(({ operation }) => operation !== "other");
  return {
    tasks: requests.length,
    processesStarted: workers.reduce((sum, { starts }) => sum + starts, 0),
    kills,
    answersGivenByProvider: answered.length,
    answersThatWentWrong: answered.filter((request) => storm.faultOf(request) !== void 0).length,
    acceptedByProvider: sandbox.accepted.length,
    saved: count.saved,
    unknownBecauseTheAnswerWasLost: count.byFault,
    unknownBecauseTheProcessWasKilled: count.byKill,
    lost,
    paidTwice: [...accepted].filter(([, times]) => times > 1).map(([prompt]) => prompt),
    unmade,
    flaws: [...new Set(flaws)],
    answersToTheClient: seen.length,
    answersThatWereNoSuccess: seen.filter(({ answer: answer2 }) => answer2.structured?.status !== "done").length,
    unreadableRecords: unreadable,
    linesThatAreNoJsonRpc: workers.reduce((sum, { badLines }) => sum + badLines.length, 0),
    secretsWritten: workers.filter(({ written }) => written.includes(secret)).length,
    seconds: Math.round(seconds * 10) / 10,
    faults: storm.counts()
  };
}
function lostAnswer(storm, request) {
  const fault = storm.faultOf(request);
  if (fault === void 0 || ["slow", "numeric-task-id"].includes(fault.kind)) return void 0;
  const isRefusal = fault.kind === "business" && [50429, 50430].includes(fault.code) || fault.kind === "gateway" && fault.code === "FlowLimitExceeded";
  return isRefusal ? void 0 : nameOf(fault);
}
function untruthOf({ structured }, { prompt }, accepted, records) {
  const { status, task_id: id, cost, message } = structured;
  if (id === void 0) return `${status} without a task id: ${message}`;
  if (records.get(prompt)?.id !== id) return `the id of another task`;
  const isFinal = !["queued", "submitting", "in_queue", "generating"].includes(status);
  if (isFinal && cost?.charge === "none" && accepted.has(prompt))
    return `"nothing was charged", but it was taken: ${message}`;
  if ((status === "in_queue" || status === "generating" || status === "done") && !accepted.has(prompt)) {
    return `${status}, but it was never taken`;
  }
  if (status === "unknown" && !/may have been charged/.test(message))
    return "unknown without saying what it may have cost";
  return void 0;
}
async function readRecords(stateDir) {
  const records = /* @__PURE__ */ new Map();
  let unreadable = 0;
  for (const name of await readdir(stateDir, { recursive: true })) {
    if (!/(^|[/\\])(open|closed)[/\\][^/\\.][^/\\]*\.json$/.test(name)) continue;
    const read = recordSchema.safeParse(await readJson(join(stateDir, name)));
    if (!read.success) unreadable++;
    else records.set(read.data.request.prompt ?? "", read.data);
  }
  return { records, unreadable };
}
async function readJson(path) {
  try {
    return JSON.parse(await readFile(path, "utf8"));
  } catch {
    return void 0;
  }
}
async function sizeOf(path) {
  return (await stat(path).catch(() => void 0))?.size;
}
var COUNTED = ["lost", "paidTwice", "unmade", "flaws"];
function tableOf(figures2) {
  const { faults: _, ...rest } = figures2;
  const rows = Object.entries(rest).map(([name, value]) => {
    const words = name.replace(/([A-Z])/g, " $1").toLowerCase();
    return `| ${words} | ${Array.isArray(value) ? value.length : value} |`;
  });
  const details = COUNTED.flatMap((name) => figures2[name].slice(0, 20).map((what) => `${name}: ${what}`));
  return ["| | |", "|---|---|", ...rows, ...details.length > 0 ? ["", ...details] : []].join("\n");
}
function isKept(figures2) {
  const { unreadableRecords, linesThatAreNoJsonRpc, secretsWritten } = figures2;
  return COUNTED.every((name) => figures2[name].length === 0) && unreadableRecords + linesThatAreNoJsonRpc + secretsWritten === 0;
}

// bench/storm/storm.ts
import { mkdtemp as mkdtemp2, rm as rm2 } from "node:fs/promises";
import { tmpdir as tmpdir2 } from "node:os";
import { join as join4 } from "node:path";

// src/sandbox/sandbox.ts
import { createServer } from "node:http";

// src/sandbox/clips.ts
import { existsSync } from "node:fs";
import { readFile as readFile2 } from "node:fs/promises";
import { join as join2 } from "node:path";
import { fileURLToPath } from "node:url";
var PLACES = ["./sandbox-clips/", "../../assets/sandbox-clips/"];
function clipName({ mode, ratio, frames }) {
  const { resolution } = modeRow(mode);
  const [width, height] = CLIP_SIZES[resolution === "720P" ? "720P" : "1080P"][ratio];
  return `${width}x${height}-${frames}.mp4`;
}
function findClipsFolder() {
  const folders = PLACES.map((place) => fileURLToPath(new URL(place, import.meta.url)));
  const found = folders.find((folder) => existsSync(folder));
  if (found === void 0) throw new Error(`The sandbox's clips are in none of ${folders.join(", ")}.`);
  return found;
}
function readClip(folder, task) {
  return readFile2(join2(folder, clipName(task)));
}

// src/sandbox/faults.ts
var FaultPlan = class {
  #planned = [];
  add(...rules) {
    for (const rule of rules) {
      const timesLeft = rule.times === "always" ? Number.POSITIVE_INFINITY : rule.times ?? 1;
      this.#planned.push({ rule, timesLeft, skipsLeft: rule.skip ?? 0 });
    }
  }
  clear() {
    this.#planned = [];
  }
  /** The rules that have not hit as often as they should: none at the end of a test that meant them all. */
  get pending() {
    return this.#planned.filter(({ timesLeft }) => Number.isFinite(timesLeft)).map(({ rule }) => rule);
  }
  takeForApi(request) {
    const rule = this.#take(request);
    return rule && rule.on !== "video" ? rule.fault : void 0;
  }
  takeForVideo(request) {
    const rule = this.#take(request);
    return rule?.on === "video" ? rule.fault : void 0;
  }
  #take(request) {
    for (const planned of this.#planned) {
      const { rule } = planned;
      if (rule.on !== request.operation) continue;
      if (rule.reqKey !== void 0 && rule.reqKey !== request.body?.req_key) continue;
      if (rule.when && !rule.when(request)) continue;
      if (planned.skipsLeft > 0) {
        planned.skipsLeft -= 1;
        continue;
      }
      planned.timesLeft -= 1;
      if (planned.timesLeft <= 0) this.#planned = this.#planned.filter((other) => other !== planned);
      return rule;
    }
    return void 0;
  }
};

// src/sandbox/answers.ts
import { randomBytes } from "node:crypto";
var BUSINESS_CODES = {
  1e4: [200, "Success"],
  50411: [400, "Pre Img Risk Not Pass"],
  50511: [400, "Post Img Risk Not Pass"],
  50412: [400, "Text Risk Not Pass"],
  50512: [400, "Post Text Risk Not Pass"],
  50413: [400, "Post Text Risk Not Pass"],
  50516: [400, "Post Video Risk Not Pass"],
  50517: [400, "Post Audio Risk Not Pass"],
  50518: [400, "Pre Img Risk Not Pass: Copyright"],
  50519: [400, "Post Img Risk Not Pass: Copyright"],
  50520: [400, "Risk Internal Error"],
  50521: [400, "Antidirt Internal Error"],
  50522: [400, "Image Copyright Internal Error"],
  50429: [429, "Request Has Reached API Limit, Please Try Later"],
  50430: [429, "Request Has Reached API Concurrent Limit, Please Try Later"],
  50500: [500, "Internal Error"],
  50501: [500, "Internal RPC Error"],
  50400: [401, "Access Denied: Internal Error"],
  50200: [400, "Invalid Input Parameters"],
  50215: [400, "Input invalid for this service."]
};
var GATEWAY_CODES = {
  MissingParameter: [400, 100002, "The request is missing a required parameter."],
  MissingAuthenticationToken: [401, 100003, "The request is missing an authentication token."],
  MissingSignature: [401, 100005, "The request is missing a signature."],
  InvalidTimestamp: [400, 100006, "The request timestamp is malformed or more than 900 seconds off."],
  ServiceNotFound: [404, 100007, "The requested service does not exist."],
  InvalidActionOrVersion: [404, 100008, "Could not find the operation for the given Action and Version."],
  InvalidAccessKey: [401, 100009, "The access key does not exist."],
  SignatureDoesNotMatch: [401, 100010, "The request signature does not match the one the server calculated."],
  LackPolicy: [403, 100012, "The user has no policy for this action."],
  AccessDenied: [403, 100013, "The user is not authorized to perform this action."],
  InvalidAuthorization: [400, void 0, "The Authorization header is malformed."],
  InvalidCredential: [400, void 0, "The credential in the Authorization header is malformed."],
  InvalidSecretToken: [401, void 0, "The security token is invalid or expired."],
  InternalError: [500, 100014, "The gateway had an internal error."],
  FailToConnect: [502, 100015, "The gateway could not connect to the service."],
  InternalServiceTimeout: [504, 100016, "The service did not answer the gateway in time."],
  FlowLimitExceeded: [429, void 0, "The flow limit is exceeded."],
  AccountFlowLimitExceeded: [429, void 0, "The flow limit of the account is exceeded."],
  ServiceUnavailableTemp: [503, void 0, "The service is temporarily unavailable."]
};
function newRequestId(nowMilliseconds) {
  const stamp = new Date(nowMilliseconds).toISOString().replace(/\D/g, "").slice(0, 14);
  return stamp + randomBytes(10).toString("hex").toUpperCase();
}
function timeElapsed(nowMilliseconds) {
  return nowMilliseconds % 3 === 0 ? "843.217\xB5s" : "104.852309ms";
}
function jsonAnswer(status, value, reason) {
  const headers = { "content-type": "application/json; charset=utf-8" };
  if (reason !== void 0) headers["x-jimeng-sandbox-reason"] = reason.replace(/[^\x20-\x7e]/g, "?").slice(0, 300);
  return { status, headers, body: JSON.stringify(value) };
}
function successAnswer(data, now) {
  const tail = { message: "Success", request_id: newRequestId(now), status: 1e4, time_elapsed: timeElapsed(now) };
  return jsonAnswer(200, { code: 1e4, data, ...tail });
}
function businessAnswer(code, details) {
  const [status, message] = BUSINESS_CODES[code] ?? [400, "Unknown Error"];
  const { now, data = null } = details;
  const body = { code, data, message: details.message ?? message, request_id: newRequestId(now), status: code };
  return jsonAnswer(details.httpStatus ?? status, body, details.reason);
}
function invalidField(field, reason, now) {
  return businessAnswer(50200, { now, message: `Invalid Input Parameters: ${field}`, reason: `${field}: ${reason}` });
}
function gatewayAnswer(code, now, reason, httpStatus) {
  const known = Object.hasOwn(GATEWAY_CODES, code) ? GATEWAY_CODES[code] : void 0;
  const business = BUSINESS_CODES[Number(code)];
  const [status, number, message] = known ?? [business?.[0] ?? 400, void 0, business?.[1] ?? "Unknown error."];
  const error = { ...number === void 0 ? {} : { CodeN: number }, Code: code, Message: message };
  const metadata = { ResponseMetadata: { RequestId: newRequestId(now), Error: error } };
  return jsonAnswer(httpStatus ?? status, metadata, reason);
}
function htmlAnswer(status, body) {
  const page = `<html>\r
<head><title>${status}</title></head>\r
<body><center><h1>${status}</h1></center><hr><center>nginx</center></body>\r
</html>\r
`;
  return { status, headers: { "content-type": "text/html", server: "nginx" }, body: body ?? page };
}

// src/sandbox/images.ts
import { BlockList, isIP } from "node:net";
var MAX_BYTES = 4928307;
var MAX_SIDE = 4096;
var MIN_SIDE = 320;
var MAX_RATIO = 3;
var PNG_SIGNATURE = Buffer.from("89504e470d0a1a0a", "hex");
function pngSize(bytes) {
  if (bytes.length < 33 || !bytes.subarray(0, 8).equals(PNG_SIGNATURE)) return void 0;
  if (bytes.toString("latin1", 12, 16) !== "IHDR") return void 0;
  return { width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) };
}
function jpegSize(bytes) {
  if (bytes.length < 4 || bytes.readUInt16BE(0) !== 65496) return void 0;
  let offset = 2;
  while (offset + 9 <= bytes.length) {
    if (bytes[offset] !== 255) return void 0;
    const marker = bytes[offset + 1] ?? 0;
    if (marker === 255) {
      offset += 1;
    } else if (marker >= 192 && marker <= 207 && marker !== 196 && marker !== 200 && marker !== 204) {
      return { height: bytes.readUInt16BE(offset + 5), width: bytes.readUInt16BE(offset + 7) };
    } else if (marker === 1 || marker >= 208 && marker <= 215) {
      offset += 2;
    } else {
      offset += 2 + bytes.readUInt16BE(offset + 2);
    }
  }
  return void 0;
}
function imageSizeOrReason(base64) {
  if (base64.startsWith("data:")) return "a data: prefix; raw base64 is asked for";
  const bytes = Buffer.from(base64, "base64");
  if (bytes.length === 0 || bytes.toString("base64") !== base64) return "not standard base64";
  if (bytes.length > MAX_BYTES) return `${bytes.length} bytes; at most ${MAX_BYTES} are taken`;
  const size = pngSize(bytes) ?? jpegSize(bytes);
  if (!size) return "neither a JPEG nor a PNG";
  const { width, height } = size;
  if (Math.max(width, height) > MAX_SIDE) return `${width}x${height}; at most ${MAX_SIDE} a side`;
  if (Math.min(width, height) < MIN_SIDE) return `${width}x${height}; the shortest side is at least ${MIN_SIDE}`;
  if (Math.max(width, height) > MAX_RATIO * Math.min(width, height)) return `${width}x${height}; a ratio of at most 3`;
  return size;
}
function privateNetworks() {
  const list = new BlockList();
  const v4 = ["0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"];
  for (const network of [...v4, "192.168.0.0/16"]) {
    const [address = "", prefix] = network.split("/");
    list.addSubnet(address, Number(prefix), "ipv4");
  }
  list.addAddress("::", "ipv6");
  list.addAddress("::1", "ipv6");
  list.addSubnet("fc00::", 7, "ipv6");
  list.addSubnet("fe80::", 10, "ipv6");
  return list;
}
function isUnreachable(url) {
  const host = url.hostname.replace(/^\[|\]$/g, "").replace(/\.$/, "");
  const family = isIP(host);
  if (family !== 0) return privateNetworks().check(host, family === 6 ? "ipv6" : "ipv4");
  return host === "localhost" || /\.(localhost|local|invalid)$/.test(host);
}

// src/sandbox/check-body.ts
var FieldRefusal = class {
  field;
  reason;
  constructor(field, reason) {
    this.field = field;
    this.reason = reason;
  }
};
var DEFAULT_RATIO = "16:9";
var DEFAULT_FRAMES = FRAMES_OF_SECONDS[5];
var IMAGE_FIELDS = ["image_urls", "binary_data_base64"];
function modeOrRefusal(body) {
  const reqKey = body.req_key;
  if (typeof reqKey !== "string") return new FieldRefusal("req_key", "not a string");
  return modeOfReqKey(reqKey) ?? new FieldRefusal("req_key", "none of the eight");
}
function fieldsOf(mode) {
  const fields = /* @__PURE__ */ new Set(["req_key", "prompt", "seed", "frames", "req_json"]);
  if (mode.image !== "none") for (const field of IMAGE_FIELDS) fields.add(field);
  if (mode.aspectRatio !== "none") fields.add("aspect_ratio");
  if (mode.camera !== "none") fields.add("template_id").add("camera_strength");
  return fields;
}
function checkPrompt(prompt, required) {
  if (prompt === void 0) return required ? new FieldRefusal("prompt", "required") : void 0;
  if (typeof prompt !== "string") return new FieldRefusal("prompt", "not a string");
  const length = [...prompt.trim()].length;
  if (length >= 1 && length <= MAX_PROMPT_CHARACTERS) return void 0;
  return new FieldRefusal("prompt", `${length} characters; 1 to ${MAX_PROMPT_CHARACTERS} are taken`);
}
function checkSeed(seed) {
  if (seed === void 0) return void 0;
  const { min, max } = SEED_RANGE;
  if (Number.isInteger(seed) && seed >= min && seed <= max) return void 0;
  return new FieldRefusal("seed", `not an integer from ${min} to ${max}`);
}
function checkOneOf(body, field, values2, need) {
  const value = body[field];
  if (value === void 0) return need === "required" ? new FieldRefusal(field, "required") : void 0;
  return values2.includes(value) ? void 0 : new FieldRefusal(field, `none of ${values2.join(", ")}`);
}
function checkRequestJson(text) {
  if (text === void 0) return void 0;
  const wrong = new FieldRefusal("req_json", "not a JSON string that holds aigc_meta alone");
  if (typeof text !== "string") return wrong;
  try {
    const { aigc_meta: meta, ...others } = JSON.parse(text);
    if (meta === void 0 || Object.keys(others).length > 0) return wrong;
    const { producer_id, content_propagator, content_producer = "", propagate_id = "", ...more } = meta;
    const values2 = [producer_id, content_propagator, content_producer, propagate_id];
    const fine = values2.every((value) => typeof value === "string" && value.length <= 256);
    return fine && Object.keys(more).length === 0 ? void 0 : wrong;
  } catch {
    return wrong;
  }
}
function checkUrl(field, text) {
  const url = URL.canParse(text) ? new URL(text) : void 0;
  if (url && (url.protocol === "http:" || url.protocol === "https:")) return url;
  return new FieldRefusal(field, "not an http(s) URL");
}
function checkImages(body, mode) {
  const given = IMAGE_FIELDS.filter((field2) => body[field2] !== void 0);
  const least = Number(mode.image === "required") + Number(mode.tailImage === "required");
  const most = Number(mode.image !== "none") + Number(mode.tailImage !== "none");
  const [field] = given;
  if (field === void 0 || most === 0) {
    const none = { count: 0, firstSize: void 0, unreachable: false };
    return least === 0 ? none : new FieldRefusal("image_urls", `${least} required`);
  }
  if (given.length > 1) return new FieldRefusal("binary_data_base64", "image_urls is there as well; one or the other");
  const images = body[field];
  if (!Array.isArray(images) || !images.every((image) => typeof image === "string")) {
    return new FieldRefusal(field, "not an array of strings");
  }
  if (images.length < Math.max(least, 1) || images.length > most) {
    return new FieldRefusal(field, `${images.length} images; ${least} to ${most} are taken`);
  }
  if (field === "image_urls") return checkUrls(images);
  const sizes = images.map((image) => imageSizeOrReason(image));
  const wrong = sizes.findIndex((size) => typeof size === "string");
  if (wrong >= 0) return new FieldRefusal(field, `[${wrong}] ${sizes[wrong]}`);
  return { count: images.length, firstSize: sizes[0], unreachable: false };
}
function checkUrls(images) {
  const urls = images.map((image) => checkUrl("image_urls", image));
  const wrong = urls.find((url) => url instanceof FieldRefusal);
  if (wrong) return wrong;
  const unreachable = urls.some((url) => url instanceof URL && isUnreachable(url));
  return { count: images.length, firstSize: void 0, unreachable };
}
function nearestRatio({ width, height }) {
  const distance = (ratio) => {
    const [clipWidth, clipHeight] = CLIP_SIZES["720P"][ratio];
    return Math.abs(Math.log(width / height) - Math.log(clipWidth / clipHeight));
  };
  return ASPECT_RATIOS.reduce((best, ratio) => distance(ratio) < distance(best) ? ratio : best);
}
function checkSubmit(body, unknownFieldsAre) {
  const name = modeOrRefusal(body);
  if (name instanceof FieldRefusal) return name;
  const mode = modeRow(name);
  const known = fieldsOf(mode);
  const unknownFields = Object.keys(body).filter((field) => !known.has(field));
  if (unknownFields[0] !== void 0 && unknownFieldsAre === "refused") {
    return new FieldRefusal(unknownFields[0], `not a field of ${mode.reqKey}`);
  }
  const images = checkImages(body, mode);
  if (images instanceof FieldRefusal) return images;
  const promptRequired = mode.prompt === "required" || images.count === 0;
  const wrong = checkPrompt(body.prompt, promptRequired) ?? checkSeed(body.seed) ?? checkOneOf(body, "frames", Object.values(FRAMES_OF_SECONDS), "optional") ?? (mode.aspectRatio === "none" ? void 0 : checkOneOf(body, "aspect_ratio", ASPECT_RATIOS, mode.aspectRatio)) ?? (mode.camera === "none" ? void 0 : checkOneOf(body, "template_id", CAMERA_TEMPLATE_IDS, mode.camera)) ?? (mode.camera === "none" ? void 0 : checkOneOf(body, "camera_strength", CAMERA_STRENGTHS, mode.camera)) ?? checkRequestJson(body.req_json);
  if (wrong) return wrong;
  const asked = mode.aspectRatio !== "none" && images.count === 0 ? body.aspect_ratio : void 0;
  const ratio = images.firstSize ? nearestRatio(images.firstSize) : asked ?? DEFAULT_RATIO;
  const frames = body.frames ?? DEFAULT_FRAMES;
  return { mode: name, reqKey: mode.reqKey, frames, ratio, unreachableImage: images.unreachable, unknownFields };
}

// src/sandbox/task-id.ts
import { createHmac, randomInt } from "node:crypto";
var FRAMES = Object.values(FRAMES_OF_SECONDS);
var TIME_BITS = 31n;
var SALT_BITS = 5n;
var FIELD_BITS = 8n;
var PAYLOAD_BITS = TIME_BITS + SALT_BITS + FIELD_BITS;
var CHECKSUM_BITS = 18n;
var CLOCK_SLACK_MILLISECONDS = 6e4;
var LOW_START = 10n ** 18n;
var HIGH_START = 10n ** 19n;
function mask(bits) {
  return (1n << bits) - 1n;
}
function keyed(key, text, bits) {
  const digest = createHmac("sha256", key).update(`jimeng sandbox task:${text}`).digest();
  return digest.readBigUInt64BE(0) & mask(bits);
}
function checksumOf(key, acceptedAt, salt, fields) {
  return keyed(key, `${acceptedAt}:${salt}:${fields}`, CHECKSUM_BITS);
}
function makeTaskId(task, key) {
  const salt = BigInt(randomInt(1 << Number(SALT_BITS)));
  const fields = BigInt(MODE_NAMES.indexOf(task.mode)) << 5n | BigInt(ASPECT_RATIOS.indexOf(task.ratio)) << 2n | BigInt(FRAMES.indexOf(task.frames)) << 1n | (task.unreachableImage ? 1n : 0n);
  const time = BigInt(task.acceptedAt) & mask(TIME_BITS);
  const checksum = checksumOf(key, task.acceptedAt, salt, fields);
  const payload = (time << SALT_BITS | salt) << FIELD_BITS | fields;
  const value = checksum << PAYLOAD_BITS | payload ^ keyed(key, `mask:${checksum}`, PAYLOAD_BITS);
  return String(value + ((salt & 1n) === 1n ? HIGH_START : LOW_START));
}
function readTaskId(id, key, now) {
  if (!/^[1-9]\d{18,19}$/.test(id)) return void 0;
  const number = BigInt(id);
  const high = number >= HIGH_START;
  const value = number - (high ? HIGH_START : LOW_START);
  const checksum = value >> PAYLOAD_BITS;
  if (checksum > mask(CHECKSUM_BITS)) return void 0;
  const payload = value & mask(PAYLOAD_BITS) ^ keyed(key, `mask:${checksum}`, PAYLOAD_BITS);
  const fields = payload & mask(FIELD_BITS);
  const salt = payload >> FIELD_BITS & mask(SALT_BITS);
  const time = payload >> FIELD_BITS + SALT_BITS;
  const latest = BigInt(Math.floor(now) + CLOCK_SLACK_MILLISECONDS);
  const acceptedAt = Number(latest - (latest - time & mask(TIME_BITS)));
  const mode = MODE_NAMES[Number(fields >> 5n)];
  const ratio = ASPECT_RATIOS[Number(fields >> 2n & 7n)];
  const frames = FRAMES[Number(fields >> 1n & 1n)];
  if (high !== ((salt & 1n) === 1n) || checksumOf(key, acceptedAt, salt, fields) !== checksum) return void 0;
  if (mode === void 0 || ratio === void 0 || frames === void 0) return void 0;
  return { acceptedAt, mode, frames, ratio, unreachableImage: (fields & 1n) === 1n };
}

// src/sandbox/operations.ts
var QUEUE_SHARE = 0.2;
var Operations = class {
  #rules;
  #now;
  /** Ends of running tasks by req_key; the only thing that a restart forgets. */
  #running = /* @__PURE__ */ new Map();
  #arrivals = [];
  #lastAcceptedAt = 0;
  constructor(rules, now) {
    this.#rules = rules;
    this.#now = now;
  }
  /** @returns 50429 when this second's requests are used up */
  limitRequests() {
    const now = this.#now();
    this.#arrivals = this.#arrivals.filter((arrival) => arrival > now - 1e3 && arrival <= now);
    if (this.#arrivals.length >= this.#rules.requestsPerSecond) return businessAnswer(50429, { now });
    this.#arrivals.push(now);
    return void 0;
  }
  /** @returns the answer that refuses it, or what it asks for; nothing is accepted yet */
  checkSubmit(body) {
    const closed = this.#refuseClosed(body);
    if (closed) return closed;
    const checked = checkSubmit(body, this.#rules.unknownFields);
    return checked instanceof FieldRefusal ? this.#refuseField(checked) : checked;
  }
  /** Takes the task, unless the capability's slots are full: then 50430. */
  accept(submit) {
    const now = this.#now();
    const running = (this.#running.get(submit.reqKey) ?? []).filter((end) => end > now);
    this.#running.set(submit.reqKey, running);
    if (running.length >= this.#rules.tasksInFlight) return { answer: businessAnswer(50430, { now }) };
    const acceptedAt = Math.max(Math.floor(now), this.#lastAcceptedAt + 1);
    this.#lastAcceptedAt = acceptedAt;
    if (!submit.unreachableImage) running.push(acceptedAt + this.#rules.generationSeconds * 1e3);
    const taskId = makeTaskId({ ...submit, acceptedAt }, this.#rules.secret);
    return { answer: successAnswer({ task_id: taskId }, now), taskId };
  }
  checkQuery(body) {
    const closed = this.#refuseClosed(body);
    if (closed) return closed;
    const { req_key: reqKey, task_id: taskId, req_json: requestJson, ...unknown } = body;
    const [field] = Object.keys(unknown);
    if (field !== void 0 && this.#rules.unknownFields === "refused") {
      return this.#refuseField(new FieldRefusal(field, "not a field of a query"));
    }
    if (typeof taskId !== "string" || taskId === "") {
      return this.#refuseField(new FieldRefusal("task_id", "not a string"));
    }
    const wrong = checkRequestJson(requestJson);
    if (wrong) return this.#refuseField(wrong);
    return { reqKey, taskId, metaTagged: requestJson !== void 0 };
  }
  query({ reqKey, taskId, metaTagged }) {
    const now = this.#now();
    const task = readTaskId(taskId, this.#rules.secret, now);
    const state = (status, link = "") => successAnswer({ aigc_meta_tagged: metaTagged && link !== "", status, video_url: link }, now);
    if (!task || now - task.acceptedAt > this.#rules.taskLifeSeconds * 1e3) {
      return this.#rules.unknownTask === "50215" ? businessAnswer(50215, { now }) : state("not_found");
    }
    if (modeRow(task.mode).reqKey !== reqKey) {
      return businessAnswer(50215, { now, reason: `the task was submitted with ${modeRow(task.mode).reqKey}` });
    }
    if (task.unreachableImage) return businessAnswer(50215, { now, reason: "the image URL cannot be reached" });
    const word = this.#stateWord(task, now);
    return state(word, word === "done" ? this.#rules.mintLink(taskId) : "");
  }
  /** The task behind a link. */
  taskOf(taskId) {
    return readTaskId(taskId, this.#rules.secret, this.#now());
  }
  #stateWord(task, now) {
    const ageSeconds = (now - task.acceptedAt) / 1e3;
    const { generationSeconds } = this.#rules;
    if (ageSeconds >= generationSeconds) return "done";
    return ageSeconds < generationSeconds * QUEUE_SHARE ? "in_queue" : "generating";
  }
  #refuseClosed(body) {
    const mode = modeOrRefusal(body);
    if (mode instanceof FieldRefusal) return this.#refuseField(mode);
    const closed = this.#rules.closedCapabilities.includes(modeRow(mode).reqKey);
    return closed ? businessAnswer(50400, { now: this.#now() }) : void 0;
  }
  #refuseField({ field, reason }) {
    return invalidField(field, reason, this.#now());
  }
};

// src/sandbox/recorded-requests.ts
var MAX_STORED_ANSWER_CHARACTERS = 4096;
var RequestRecorder = class {
  requests = [];
  accepted = [];
  #connections = /* @__PURE__ */ new WeakMap();
  #connectionCount = 0;
  #bodies = [];
  #bodyBytes = 0;
  #limits;
  constructor(limits) {
    this.#limits = limits;
  }
  noteConnection(socket) {
    this.#connectionCount += 1;
    this.#connections.set(socket, this.#connectionCount);
  }
  record(message, operation, arrivedAt) {
    const request = {
      operation,
      method: message.method ?? "",
      target: message.url ?? "",
      headers: singleHeaders(message),
      arrivedAt,
      connection: this.#connections.get(message.socket) ?? 0,
      rawBody: void 0,
      body: void 0,
      unknownFields: [],
      taskId: void 0,
      answer: void 0
    };
    this.requests.push(request);
    if (this.requests.length > this.#limits.maxStoredRequests) this.requests.shift();
    return request;
  }
  keepBody(request, bytes) {
    request.rawBody = bytes.toString("utf8");
    this.#bodies.push({ request, bytes: bytes.length });
    this.#bodyBytes += bytes.length;
    while (this.#bodyBytes > this.#limits.maxStoredBodyBytes && this.#bodies.length > 1) {
      const oldest = this.#bodies.shift();
      if (!oldest) return;
      this.#bodyBytes -= oldest.bytes;
      oldest.request.rawBody = void 0;
      oldest.request.body = void 0;
    }
  }
  keepAnswer(request, status, body) {
    request.answer = { status, body: body.slice(0, MAX_STORED_ANSWER_CHARACTERS) };
  }
  keepAccepted(request, taskId) {
    request.taskId = taskId;
    this.accepted.push({ taskId, request });
    if (this.accepted.length > this.#limits.maxStoredRequests) this.accepted.shift();
  }
};
function singleHeaders(message) {
  const entries = Object.entries(message.headers).map(([name, value]) => [name, String(value ?? "")]);
  return Object.fromEntries(entries);
}

// src/sandbox/deliver.ts
var SANDBOX_HEADER = { "x-jimeng-sandbox": "1" };
function sendAnswer(response, answer2) {
  const body = Buffer.from(answer2.body);
  response.writeHead(answer2.status, { "content-length": body.length, ...answer2.headers });
  response.end(body);
}
function sendHalf(response, answer2) {
  const body = Buffer.from(answer2.body);
  response.writeHead(answer2.status, { "content-length": body.length, ...answer2.headers });
  response.write(body.subarray(0, body.length >> 1), () => response.socket?.destroy());
}
function cutConnection(response, reset = false) {
  if (reset) response.socket?.resetAndDestroy();
  else response.socket?.destroy();
}
function waitUnlessGone(response, milliseconds) {
  return new Promise((resolve) => {
    const finish = (stillThere) => {
      clearTimeout(timer);
      response.off("close", gone);
      resolve(stillThere);
    };
    const gone = () => finish(false);
    const timer = setTimeout(() => finish(true), milliseconds);
    response.once("close", gone);
  });
}
function drainedOrGone(response) {
  return new Promise((resolve) => {
    const finish = () => {
      response.off("drain", finish);
      response.off("close", finish);
      resolve();
    };
    response.once("drain", finish);
    response.once("close", finish);
  });
}
async function streamBody(response, chunks, limits) {
  let left = limits?.atByte ?? Number.POSITIVE_INFINITY;
  response.flushHeaders();
  for (const chunk of chunks) {
    if (response.destroyed) return false;
    const part = chunk.length > left ? chunk.subarray(0, left) : chunk;
    left -= part.length;
    if (part.length > 0 && !response.write(part)) {
      await drainedOrGone(response);
    }
    if (left <= 0 && limits) break;
  }
  if (!limits || left > 0) return !response.destroyed;
  if (limits.afterwards === "cut") response.write("", () => response.socket?.destroy());
  return false;
}

// src/sandbox/api-faults.ts
var REPLACING_KINDS = ["business", "gateway", "raw", "html", "redirect", "cut", "never"];
function isReplacing(fault) {
  return REPLACING_KINDS.includes(fault.kind);
}
function replacingAnswer(fault, now) {
  switch (fault.kind) {
    case "business":
      return businessAnswer(fault.code, { now, ...pick(fault, "message"), ...pick(fault, "httpStatus") });
    case "gateway":
      return gatewayAnswer(fault.code, now, void 0, fault.httpStatus);
    case "raw":
      return { status: fault.status, headers: fault.headers ?? {}, body: fault.body ?? "" };
    case "html":
      return htmlAnswer(fault.status, fault.body);
    case "redirect":
      return { status: fault.status ?? 302, headers: { location: fault.location ?? "/elsewhere" }, body: "" };
    case "cut":
    case "never":
      return void 0;
  }
}
function pick(from, name) {
  return from[name] === void 0 ? {} : { [name]: from[name] };
}
function withholdAnswer(response, fault) {
  if (fault.kind === "cut") cutConnection(response, fault.reset);
}
function withValueAt(body, path, value) {
  const whole = JSON.parse(body);
  const names = path.split(".");
  const last = names.pop() ?? "";
  let place = whole;
  for (const name of names) place = place[name] ?? {};
  if (value === void 0) delete place[last];
  else place[last] = value;
  return JSON.stringify(whole);
}
function changedAnswer(fault, answer2, now) {
  const withoutVideo = (status) => ({ aigc_meta_tagged: false, status, video_url: "" });
  switch (fault.kind) {
    case "wrong-type":
      return { ...answer2, body: withValueAt(answer2.body, fault.path, fault.value) };
    case "no-task-id":
      return { ...answer2, body: withValueAt(answer2.body, "data.task_id", void 0) };
    case "numeric-task-id":
      return { ...answer2, body: answer2.body.replace(/"task_id":"(\d+)"/, '"task_id":$1') };
    case "done-without-url":
      return successAnswer(withoutVideo("done"), now);
    case "done-with-code":
      return businessAnswer(fault.code, { now, data: withoutVideo("done"), ...pick(fault, "httpStatus") });
    case "status-word":
      return successAnswer(withoutVideo(fault.word), now);
    case "escaped-url":
      return { ...answer2, body: answer2.body.replaceAll("&", "\\u0026") };
    case "truncated":
      return fault.how === "cut-json" ? { ...answer2, body: answer2.body.slice(0, answer2.body.length >> 1) } : answer2;
    case "slow":
      return answer2;
  }
}
async function sendChanged(response, fault, answer2) {
  if (fault.kind === "slow" && !await waitUnlessGone(response, fault.milliseconds)) return;
  if (fault.kind === "truncated" && fault.how === "short-body") sendHalf(response, answer2);
  else sendAnswer(response, answer2);
}

// src/sandbox/controls.ts
var CONTROLS_PATH = "/sandbox/";
var KINDS = {
  api: [
    ...["business", "gateway", "raw", "html", "redirect", "cut", "never", "slow", "truncated", "wrong-type"],
    ...["no-task-id", "numeric-task-id", "done-without-url", "done-with-code", "status-word", "escaped-url"]
  ],
  video: ["status", "html", "cut", "stall", "slow", "no-range", "wrong-length", "redirect", "huge"]
};
function isRule(value) {
  if (typeof value !== "object" || value === null) return false;
  const { on, fault } = value;
  const kinds = on === "video" ? KINDS.video : on === "submit" || on === "query" ? KINDS.api : [];
  return kinds.includes(fault?.kind);
}
function answer(status, value) {
  return { status, headers: { "content-type": "application/json; charset=utf-8" }, body: JSON.stringify(value) };
}
function addRules(faults, body) {
  let rules;
  try {
    rules = JSON.parse(body);
  } catch {
    return answer(400, { error: "not JSON" });
  }
  const list = Array.isArray(rules) ? rules : [rules];
  const wrong = list.find((rule) => !isRule(rule));
  if (wrong !== void 0) return answer(400, { error: "no such fault", rule: wrong });
  faults.add(...list);
  return answer(200, { pending: faults.pending });
}
function answerControls(method, path, body, sandbox) {
  const { faults, requests, accepted } = sandbox;
  switch (`${method} ${path.slice(CONTROLS_PATH.length)}`) {
    case "PUT faults":
      faults.clear();
      return addRules(faults, body);
    case "POST faults":
      return addRules(faults, body);
    case "DELETE faults":
      faults.clear();
      return answer(200, { pending: [] });
    case "GET faults":
      return answer(200, { pending: faults.pending });
    case "GET requests":
      return answer(200, requests);
    case "GET accepted":
      return answer(
        200,
        accepted.map(({ taskId }) => taskId)
      );
    default:
      return answer(404, { error: "no such control" });
  }
}

// src/sandbox/verify-signature.ts
import { timingSafeEqual } from "node:crypto";

// src/jimeng/signature.ts
import { createHash, createHmac as createHmac2 } from "node:crypto";
var ALGORITHM = "HMAC-SHA256";
function sha256Hex(data) {
  return createHash("sha256").update(data).digest("hex");
}
function rfc3986(text) {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`
  );
}
function canonicalQuery(query) {
  return Object.keys(query).sort().map((name) => `${rfc3986(name)}=${rfc3986(query[name] ?? "")}`).join("&");
}
function canonicalRequest(parts) {
  const headers = parts.signedHeaders.map((name) => `${name}:${(parts.headers[name] ?? "").trim()}
`).join("");
  const { method, path, query, signedHeaders, bodySha256 } = parts;
  return [method, path, canonicalQuery(query), headers, signedHeaders.join(";"), bodySha256].join("\n");
}
function credentialScope({ day, region, service }) {
  return `${day}/${region}/${service}/request`;
}
function stringToSign(date, scope, canonical) {
  return [ALGORITHM, date, credentialScope(scope), sha256Hex(canonical)].join("\n");
}
function hmac(key, data) {
  return createHmac2("sha256", key).update(data).digest();
}
function signingKey(secretAccessKey, { day, region, service }) {
  return hmac(hmac(hmac(hmac(secretAccessKey, day), region), service), "request");
}
function signature(key, toSign) {
  return hmac(key, toSign).toString("hex");
}

// src/sandbox/verify-signature.ts
var MAX_SKEW_SECONDS = 900;
var ALWAYS_SIGNED = ["host", "x-date", "x-content-sha256"];
function refusal(code, reason) {
  return { code, reason };
}
function readAuthorization(header) {
  if (!header) return refusal("MissingAuthenticationToken", "no Authorization header");
  if (!/\bSignature=/.test(header)) return refusal("MissingSignature", "no Signature= in Authorization");
  const parts = /^HMAC-SHA256 Credential=([^,\s]+), ?SignedHeaders=([^,\s]+), ?Signature=([0-9a-f]{64})$/.exec(header);
  if (!parts) return refusal("InvalidAuthorization", "not HMAC-SHA256 Credential=\u2026, SignedHeaders=\u2026, Signature=<hex>");
  const [, credential = "", names = "", hexSignature = ""] = parts;
  const [accessKeyId = "", day = "", region = "", service = "", terminator = "", ...more] = credential.split("/");
  if (terminator !== "request" || more.length > 0 || !accessKeyId) {
    return refusal("InvalidCredential", "the credential is not AK/yyyyMMdd/region/service/request");
  }
  return { accessKeyId, scope: { day, region, service }, signedHeaders: names.split(";"), hexSignature };
}
function readDate(text) {
  const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text);
  if (!parts) return Number.NaN;
  const [, year, month, day, hour, minute, second] = parts;
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
}
function checkDate(date, scopeDay, nowMilliseconds) {
  if (!date) return refusal("MissingParameter", "no X-Date header");
  const skewSeconds = Math.abs(nowMilliseconds - readDate(date)) / 1e3;
  if (!(skewSeconds <= MAX_SKEW_SECONDS))
    return refusal("InvalidTimestamp", `X-Date ${date} is off by ${skewSeconds} s`);
  if (date.slice(0, 8) !== scopeDay)
    return refusal("InvalidCredential", `the scope's day is not X-Date's: ${scopeDay}`);
  return void 0;
}
function checkSignedNames(names, headers, token) {
  const needed = [...ALWAYS_SIGNED, ...headers["content-type"] ? ["content-type"] : []];
  if (token) needed.push("x-security-token");
  const missing = needed.find((name) => !names.includes(name));
  if (missing) return refusal("InvalidAuthorization", `SignedHeaders does not name ${missing}`);
  const unusable = names.find((name, index) => !/^[a-z0-9-]+$/.test(name) || names.indexOf(name) !== index);
  return unusable === void 0 ? void 0 : refusal("InvalidAuthorization", "a signed name is odd or named twice");
}
function verifySignature(request, credentials, nowMilliseconds) {
  const { headers, method, path, query } = request;
  const given = readAuthorization(headers.authorization);
  if ("code" in given) return given;
  const { scope, signedHeaders } = given;
  if (scope.service !== "cv") return refusal("ServiceNotFound", `service ${scope.service}, not cv`);
  if (scope.region !== "cn-north-1") return refusal("InvalidCredential", `region ${scope.region}, not cn-north-1`);
  const date = headers["x-date"];
  const wrong = checkDate(date, scope.day, nowMilliseconds) ?? checkSignedNames(signedHeaders, headers, credentials.sessionToken !== void 0);
  if (wrong) return wrong;
  if (given.accessKeyId !== credentials.accessKeyId) return refusal("InvalidAccessKey", "unknown access key");
  if ((headers["x-security-token"] ?? "") !== (credentials.sessionToken ?? "")) {
    return refusal("InvalidSecretToken", "X-Security-Token is not the one of these keys");
  }
  const bodySha256 = sha256Hex(request.body);
  if (headers["x-content-sha256"] !== bodySha256) {
    return refusal("SignatureDoesNotMatch", "X-Content-Sha256 is not the hash of the body that arrived");
  }
  const canonical = canonicalRequest({ method, path, query, headers, signedHeaders, bodySha256 });
  const key = signingKey(credentials.secretAccessKey, scope);
  const expected = signature(key, stringToSign(date ?? "", scope, canonical));
  const same = timingSafeEqual(Buffer.from(expected), Buffer.from(given.hexSignature));
  return same ? void 0 : refusal("SignatureDoesNotMatch", "the signature is not that of this request and key");
}

// src/sandbox/video.ts
var CHUNK_BYTES = 64 * 1024;
var MP4_START = Buffer.from("0000001c667479706d703432000000006d70343269736f6d61766331000000006d646174", "hex");
function sourceOf(bytes, etag) {
  return { size: bytes.length, etag, read: (start, end) => [bytes.subarray(start, end)] };
}
function hugeSource(size) {
  function* read(start, end) {
    const zeros = Buffer.alloc(CHUNK_BYTES);
    if (start < MP4_START.length) yield MP4_START.subarray(start, Math.min(end, MP4_START.length));
    for (let at = Math.max(start, MP4_START.length); at < end; at += CHUNK_BYTES) {
      yield zeros.subarray(0, Math.min(CHUNK_BYTES, end - at));
    }
  }
  return { size, etag: `"huge-${size}"`, read };
}
function readRange(header, size) {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(header ?? "") ?? [];
  if (first === void 0 || last === void 0 || first === "" && last === "") return void 0;
  if (first === "") {
    const length = Math.min(Number(last), size);
    return length === 0 ? "unsatisfiable" : { start: size - length, end: size };
  }
  const start = Number(first);
  const end = last === "" ? size : Math.min(Number(last) + 1, size);
  if (start >= size) return "unsatisfiable";
  return end <= start ? void 0 : { start, end };
}
function stopLimits(fault) {
  if (fault?.kind === "cut") return { atByte: fault.atByte, afterwards: "cut" };
  if (fault?.kind === "stall") return { atByte: fault.atByte, afterwards: "stall" };
  return void 0;
}
function answeredByFault(message, response, fault) {
  if (fault?.kind === "status") {
    const headers = { ...SANDBOX_HEADER, "content-type": "application/xml" };
    sendAnswer(response, {
      status: fault.status,
      headers,
      body: fault.body ?? `<Error><Code>${fault.status}</Code></Error>`
    });
  } else if (fault?.kind === "html") {
    sendAnswer(response, htmlAnswer(fault.status ?? 200));
  } else if (fault?.kind === "redirect") {
    const location = fault.location ?? message.url ?? "/";
    sendAnswer(response, { status: fault.status ?? 302, headers: { ...SANDBOX_HEADER, location }, body: "" });
  } else {
    return false;
  }
  return true;
}
async function serveVideo(message, response, source, lastModified, fault) {
  if (answeredByFault(message, response, fault)) return;
  if (fault?.kind === "slow" && !await waitUnlessGone(response, fault.milliseconds)) return;
  const rangesOffered = fault?.kind !== "no-range";
  const ifRange = message.headers["if-range"];
  const rangeAsked = rangesOffered && (ifRange === void 0 || ifRange === source.etag);
  const range = readRange(rangeAsked ? message.headers.range : void 0, source.size);
  const headers = { ...SANDBOX_HEADER, "content-type": "video/mp4", etag: source.etag };
  headers["last-modified"] = lastModified.toUTCString();
  if (rangesOffered) headers["accept-ranges"] = "bytes";
  if (range === "unsatisfiable") {
    sendAnswer(response, { status: 416, headers: { ...headers, "content-range": `bytes */${source.size}` }, body: "" });
    return;
  }
  const { start, end } = range ?? { start: 0, end: source.size };
  if (range) headers["content-range"] = `bytes ${start}-${end - 1}/${source.size}`;
  const difference = fault?.kind === "wrong-length" ? fault.difference : 0;
  headers["content-length"] = String(Math.max(0, end - start + difference));
  response.shouldKeepAlive = difference === 0;
  response.writeHead(range ? 206 : 200, headers);
  if (message.method === "HEAD") {
    response.end();
    return;
  }
  const whole = await streamBody(response, source.read(start, end), stopLimits(fault));
  if (whole) response.end(() => difference !== 0 && response.socket?.destroy());
}

// src/sandbox/video-link.ts
import { createHmac as createHmac3, randomBytes as randomBytes2 } from "node:crypto";
var VIDEO_PATH = "/tos-cn-v-sandbox/";
function sign(target, secret) {
  return createHmac3("sha256", secret).update(`jimeng sandbox link:${target}`).digest("hex");
}
function mintLink(baseUrl, taskId, expiresAtMilliseconds, secret) {
  const expire = Math.ceil(expiresAtMilliseconds / 1e3);
  const nonce = randomBytes2(8).toString("hex");
  const query = `lk3s=8e244e95&a=0&br=2048&name=moving+bar%2F~1&expire=${expire}&x-nonce=${nonce}`;
  const target = `${VIDEO_PATH}${taskId}/?${query}`;
  return `${baseUrl}${target}&signature=${sign(target, secret)}`;
}
function readLink(target, nowMilliseconds, secret) {
  const parts = /^(\/tos-cn-v-sandbox\/(\d+)\/\?.*&expire=(\d+)&.*)&signature=([0-9a-f]{64})$/.exec(target);
  const [, signed = "", taskId, expire, signature2] = parts ?? [];
  if (sign(signed, secret) !== signature2) return void 0;
  return Number(expire) * 1e3 > nowMilliseconds ? taskId : void 0;
}

// src/sandbox/routes.ts
var VERSION = "2022-08-31";
var OPERATIONS = /* @__PURE__ */ new Map([
  ["CVSync2AsyncSubmitTask", "submit"],
  ["CVSync2AsyncGetResult", "query"]
]);
var MAX_BODY_BYTES = 16 * 1024 * 1024;
function isLoopbackHost(host) {
  return /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/i.test(host ?? "");
}
async function readBody(message) {
  const chunks = [];
  let bytes = 0;
  for await (const chunk of message) {
    bytes += chunk.length;
    if (bytes <= MAX_BODY_BYTES) chunks.push(chunk);
  }
  return bytes > MAX_BODY_BYTES ? void 0 : Buffer.concat(chunks);
}
function readQuery(target) {
  const entries = [...target.searchParams];
  const query = Object.fromEntries(entries);
  return Object.keys(query).length === entries.length ? query : void 0;
}
function readJsonObject(bytes) {
  try {
    const value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : void 0;
  } catch {
    return void 0;
  }
}
async function handleRequest(message, response, context) {
  const { recorder, now } = context;
  const target = new URL(message.url ?? "/", "http://sandbox");
  if (!isLoopbackHost(message.headers.host)) {
    const rejected = recorder.record(message, "other", now());
    return reply(response, rejected, gatewayAnswer("AccessDenied", now(), "Host is no loopback name"), context);
  }
  if (context.controls && target.pathname.startsWith(CONTROLS_PATH)) {
    const body = (await readBody(message))?.toString("utf8") ?? "";
    return sendAnswer(
      response,
      answerControls(message.method ?? "", target.pathname, body, {
        faults: context.faults,
        requests: recorder.requests,
        accepted: recorder.accepted
      })
    );
  }
  if (target.pathname.startsWith(VIDEO_PATH)) return handleVideo(message, response, context);
  return handleApi(message, response, target, context);
}
function reply(response, request, answer2, { recorder }) {
  recorder.keepAnswer(request, answer2.status, answer2.body);
  sendAnswer(response, fromSandbox(answer2));
}
function fromSandbox(answer2) {
  return { ...answer2, headers: { ...SANDBOX_HEADER, ...answer2.headers } };
}
async function handleVideo(message, response, context) {
  const { recorder, now, operations, faults } = context;
  const request = recorder.record(message, "video", now());
  const method = message.method ?? "";
  const taskId = readLink(message.url ?? "", now(), context.credentials.secretAccessKey);
  const task = taskId === void 0 ? void 0 : operations.taskOf(taskId);
  request.taskId = taskId;
  if (method !== "GET" && method !== "HEAD") {
    return reply(response, request, { status: 405, headers: { allow: "GET, HEAD" }, body: "" }, context);
  }
  if (!task) {
    const body = "<Error><Code>AccessDenied</Code><Message>Request has expired.</Message></Error>";
    return reply(response, request, { status: 403, headers: { "content-type": "application/xml" }, body }, context);
  }
  const fault = faults.takeForVideo(request);
  const clip = await readClip(context.clipsFolder, task);
  const source = fault?.kind === "huge" ? hugeSource(fault.bytes) : sourceOf(clip, `"${taskId}"`);
  await serveVideo(message, response, source, new Date(task.acceptedAt), fault);
  if (response.headersSent) recorder.keepAnswer(request, response.statusCode, "");
}
async function handleApi(message, response, target, context) {
  const { recorder, now, operations, faults } = context;
  const query = readQuery(target) ?? {};
  const operation = query.Version === VERSION ? OPERATIONS.get(query.Action) : void 0;
  const known = message.method === "POST" && target.pathname === "/" ? operation : void 0;
  const request = recorder.record(message, known ?? "other", now());
  const bytes = await readBody(message);
  recorder.keepBody(request, bytes ?? Buffer.alloc(0));
  if (!known) return reply(response, request, gatewayAnswer("InvalidActionOrVersion", now()), context);
  if (!bytes) return reply(response, request, invalidField("body", `over ${MAX_BODY_BYTES} bytes`, now()), context);
  const headers = singleHeaders(message);
  const arrived = { method: "POST", path: "/", query, headers, body: bytes };
  const unsigned = verifySignature(arrived, context.credentials, now());
  if (unsigned) return reply(response, request, gatewayAnswer(unsigned.code, now(), unsigned.reason), context);
  const limited = operations.limitRequests();
  if (limited) return reply(response, request, limited, context);
  const body = readJsonObject(bytes);
  request.body = body;
  const extra = Object.keys(query).find((name) => name !== "Action" && name !== "Version");
  if (extra)
    return reply(response, request, invalidField(extra, "not a parameter of the query string", now()), context);
  if (!/^application\/json\b/i.test(headers["content-type"] ?? "")) {
    return reply(response, request, invalidField("Content-Type", "not application/json", now()), context);
  }
  if (!body) return reply(response, request, invalidField("body", "not a JSON object in UTF-8", now()), context);
  const checked = known === "submit" ? operations.checkSubmit(body) : operations.checkQuery(body);
  if ("body" in checked) return reply(response, request, checked, context);
  await answerWithFault(response, request, checked, faults.takeForApi(request), context);
}
function answerOf2(checked, request, context) {
  const { operations, recorder } = context;
  if ("taskId" in checked) {
    request.taskId = checked.taskId;
    return operations.query(checked);
  }
  request.unknownFields = checked.unknownFields;
  const { answer: answer2, taskId } = operations.accept(checked);
  if (taskId !== void 0) recorder.keepAccepted(request, taskId);
  return answer2;
}
async function answerWithFault(response, request, checked, fault, context) {
  const { now, recorder } = context;
  if (!fault) return reply(response, request, answerOf2(checked, request, context), context);
  if (!isReplacing(fault)) {
    const answer3 = changedAnswer(fault, answerOf2(checked, request, context), now());
    recorder.keepAnswer(request, answer3.status, answer3.body);
    return sendChanged(response, fault, fromSandbox(answer3));
  }
  if (fault.moment === "after-acceptance") answerOf2(checked, request, context);
  const answer2 = replacingAnswer(fault, now());
  if (!answer2) return withholdAnswer(response, fault);
  const ownWords = fault.kind === "business" || fault.kind === "gateway";
  recorder.keepAnswer(request, answer2.status, answer2.body);
  sendAnswer(response, ownWords ? fromSandbox(answer2) : answer2);
}

// src/sandbox/sandbox.ts
var SANDBOX_CREDENTIALS = {
  accessKeyId: "AKLTsandbox",
  secretAccessKey: "c2FuZGJveCBzZWNyZXQsIG5vdCBhIHJlYWwgb25lIQ=="
};
function listen(server, port) {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      server.off("error", reject);
      resolve();
    });
  });
}
async function startSandbox(options = {}) {
  const { credentials = SANDBOX_CREDENTIALS, now = Date.now, linkLifeSeconds = LINK_LIFE_SECONDS } = options;
  const secret = credentials.secretAccessKey;
  const clipsFolder = options.clipsFolder ?? findClipsFolder();
  const faults = new FaultPlan();
  const recorder = new RequestRecorder({
    maxStoredRequests: options.maxStoredRequests ?? 2e4,
    maxStoredBodyBytes: options.maxStoredBodyBytes ?? 64 * 1024 * 1024
  });
  const server = createServer();
  const urlOf = () => `http://127.0.0.1:${server.address().port}`;
  const operations = new Operations(
    {
      secret,
      generationSeconds: options.generationSeconds ?? 5,
      tasksInFlight: options.tasksInFlight ?? 2,
      requestsPerSecond: options.requestsPerSecond ?? 20,
      taskLifeSeconds: options.taskLifeSeconds ?? TASK_LIFE_SECONDS,
      closedCapabilities: options.closedCapabilities ?? [],
      unknownFields: options.unknownFields ?? "refused",
      unknownTask: options.unknownTask ?? "not_found",
      mintLink: (taskId) => mintLink(url, taskId, now() + linkLifeSeconds * 1e3, secret)
    },
    now
  );
  const context = { credentials, operations, recorder, faults, clipsFolder, now, controls: options.controls ?? false };
  server.on("connection", (socket) => recorder.noteConnection(socket));
  server.on("request", (message, response) => {
    handleRequest(message, response, context).catch(() => response.destroy());
  });
  await listen(server, options.port ?? 0);
  const url = urlOf();
  const close = () => new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
  return { url, credentials, requests: recorder.requests, accepted: recorder.accepted, faults, close };
}

// bench/storm/program.ts
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join as join3 } from "node:path";
import { fileURLToPath as fileURLToPath2 } from "node:url";
import { build } from "esbuild";
async function buildProgram(sources = fileURLToPath2(new URL("../../src", import.meta.url))) {
  const folder = await mkdtemp(join3(tmpdir(), "jimeng-program-"));
  const path = join3(folder, "main.cjs");
  await build({
    entryPoints: [join3(sources, "main.ts")],
    outfile: path,
    bundle: true,
    platform: "node",
    target: "node20.18",
    format: "cjs",
    logLevel: "error",
    define: { "import.meta.url": "importMetaUrl" },
    banner: { js: "const importMetaUrl = require('node:url').pathToFileURL(__filename).href;" }
  });
  const program = { path, remove: () => rm(folder, { recursive: true, force: true }) };
  return program;
}

// bench/storm/storm.ts
var KINDS2 = [
  "t2v_720p",
  "t2v_1080p",
  "ti2v_pro",
  "i2v_first_720p"
];
function requestOf(number) {
  const mode = KINDS2[number % KINDS2.length] ?? "t2v_720p";
  const duration = number % 20 === 7 ? 4 : 5;
  return {
    prompt: `storm ${number}`,
    mode,
    duration,
    ...mode.startsWith("i2v") ? { image: `https://example.com/${number}.png` } : {}
  };
}
async function runStorm(options) {
  const startedAt = performance.now();
  const folder = await mkdtemp2(join4(tmpdir2(), "jimeng-storm-"));
  const { generationSeconds, seed } = options;
  const sandbox = await startSandbox({
    generationSeconds,
    tasksInFlight: 1e4,
    requestsPerSecond: 1e6,
    maxStoredRequests: 1e6
  });
  const program = await buildProgram(options.sources);
  const rules = { seed, share: options.faultShare, busyFrom: options.busyFrom, generationSeconds };
  const storm = startStorm(() => sandbox, rules);
  const environment = {
    PATH: process.env.PATH ?? "",
    HOME: folder,
    VOLC_ACCESSKEY: sandbox.credentials.accessKeyId,
    VOLC_SECRETKEY: sandbox.credentials.secretAccessKey,
    JIMENG_VIDEO_API_URL: sandbox.url,
    JIMENG_VIDEO_STATE_DIR: join4(folder, "state"),
    JIMENG_VIDEO_OUTPUT_DIR: join4(folder, "videos"),
    JIMENG_VIDEO_API_TIMEOUT: "3",
    JIMENG_VIDEO_POLL_INTERVAL: "0.2",
    JIMENG_VIDEO_CONCURRENCY: "100"
  };
  const requests = Array.from({ length: options.tasks }, (_, number) => requestOf(number));
  const waiting = Array.from({ length: options.processes }, (_, index) => {
    const share = requests.filter((_request, number) => number % options.processes === index);
    return new Worker(program.path, environment, folder, share);
  });
  const workers = [...waiting];
  const running = /* @__PURE__ */ new Set();
  const over = new AbortController();
  const killing = killAtRandom(running, options.killEveryMilliseconds, seed, over.signal);
  const takeTurns = async () => {
    for (let worker = waiting.shift(); worker !== void 0; worker = waiting.shift()) {
      running.add(worker);
      await worker.run();
      running.delete(worker);
      const done = workers.reduce((sum, { finished }) => sum + finished, 0);
      const seconds = Math.round((performance.now() - startedAt) / 1e3);
      options.onProgress?.(
        `${done} of ${options.tasks} requests are over after ${seconds} s, ${waiting.length} processes to go`
      );
    }
  };
  try {
    await Promise.all(Array.from({ length: options.processesAtOnce }, takeTurns));
    over.abort();
    const kills = await killing;
    const seconds = (performance.now() - startedAt) / 1e3;
    return await judge({ sandbox, storm, workers, requests, folder, kills, seconds });
  } finally {
    over.abort();
    for (const worker of running) worker.end();
    await sandbox.close();
    await program.remove();
    await rm2(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}
async function killAtRandom(running, every, seed, over) {
  const random = randomFrom(seed + 1);
  let kills = 0;
  while (every > 0 && !over.aborted) {
    await new Promise((resolve) => setTimeout(resolve, every * (0.5 + random())));
    const living = [...running].filter((worker) => worker.isBusy);
    const victim = living[Math.floor(random() * living.length)];
    if (over.aborted || victim === void 0) continue;
    victim.kill();
    kills++;
  }
  return kills;
}

// bench/storm/run.ts
var { values } = parseArgs({
  options: {
    tasks: { type: "string", default: "1000" },
    processes: { type: "string", default: "20" },
    "at-once": { type: "string", default: "3" },
    share: { type: "string", default: "0.1" },
    "kill-every": { type: "string", default: "6000" },
    seed: { type: "string", default: "1" },
    sources: { type: "string" },
    json: { type: "string", default: fileURLToPath3(new URL("storm.json", import.meta.url)) }
  }
});
var figures = await runStorm({
  tasks: Number(values.tasks),
  processes: Number(values.processes),
  processesAtOnce: Number(values["at-once"]),
  faultShare: Number(values.share),
  killEveryMilliseconds: Number(values["kill-every"]),
  seed: Number(values.seed),
  generationSeconds: 1,
  busyFrom: 20,
  ...values.sources === void 0 ? {} : { sources: values.sources },
  onProgress: (line) => process.stderr.write(`${line}
`)
});
process.stdout.write(`${tableOf(figures)}
`);
await writeFile(values.json, `${JSON.stringify(figures, null, 2)}
`);
process.exitCode = isKept(figures) ? 0 : 1;

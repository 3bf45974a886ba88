// The page of the sandbox. It talks to the sandbox only, and writes what others said with textContent, never as HTML.

const EVERY_MS = 2000;
const PATIENCE_MS = 20000;

const WORDS = {
  zh: {
    title: "邻里 · 微信沙箱",
    lead: "没有手机也能试：选一个人，登录，付款。这里的钱不是真的。",
    who: "我是谁",
    person: "社区里的人",
    someoneElse: "另一个人……",
    openid: "另一个人的 openid",
    login: "登录",
    byHand: "用命令行登录",
    codeLife: "登录码五分钟内有效，只能用一次。",
    fresh: "换一个登录码",
    copy: "复制",
    copied: "已复制",
    toPay: "待付款",
    me: "我的邻里",
    inbox: "站内通知",
    messages: "微信收到的消息",
    questions: "允许应用发消息吗",
    otherTemplate: "问起另一个模板",
    template: "模板编号",
    noTemplates: "应用还没有登记消息模板。",
    creditsLeft: (n) => `还可收 ${n} 条`,
    accept: "允许",
    reject: "拒绝",
    decided: { accept: "已允许", reject: "已拒绝", ban: "已封禁", filter: "被过滤" },
    orders: "付过的和关闭的",
    sent: "微信通知了应用什么",
    requests: "应用问了微信什么",
    pay: "支付",
    cancel: "取消",
    left: "还剩",
    canceled: "刚才取消了，小程序听到的是",
    nothingToPay: "没有待付款的订单。在小程序里认捐以后，付款会出现在这里。",
    notLoggedIn: "还没有登录。",
    loggedIn: (name) => `已登录：${name}`,
    loggedOut: "登录已失效，请再登录一次。",
    verified: "已认证居民",
    unverified: "未认证",
    noNotices: "还没有通知。",
    noMessages: "还没有消息。先允许一个模板，应用才能发。",
    noOrders: "还没有。",
    nothingSent: "还没有通知过应用。",
    noRequests: "应用还没有问过微信。",
    states: {
      SUCCESS: "已支付", REFUND: "转入退款", CLOSED: "已关闭", NOTPAY: "待付款",
      PROCESSING: "退款中", ABNORMAL: "退款异常",
    },
    refund: { SUCCESS: "已退款", PROCESSING: "退款中", ABNORMAL: "退款异常", CLOSED: "退款关闭" },
    paid: (sum) => `已支付 ${sum}`,
    delivered: "应用已收到",
    undelivered: "应用还没有收到",
    notSent: "没有发出",
    attempt: (n) => `第 ${n} 次`,
    answered: "应用回答",
    noAnswer: "没有回答",
    ok: "成功",
    roles: {
      building_head: "楼门长", committee: "居委会", social_worker: "社工", supervisor: "监督",
      reviewer: "评审", street_officer: "街道干部", district_officer: "区级",
    },
    sandboxGone: "沙箱没有回答。make run 还在运行吗？",
  },
  en: {
    title: "Linli · WeChat sandbox",
    lead: "Try it without a phone: choose a person, log in, pay. No money here is real.",
    who: "Who I am",
    person: "A person of the community",
    someoneElse: "Somebody else …",
    openid: "The other person's openid",
    login: "Log in",
    byHand: "Log in from the command line",
    codeLife: "A login code lives five minutes and works once.",
    fresh: "Another code",
    copy: "Copy",
    copied: "Copied",
    toPay: "To pay",
    me: "My Linli",
    inbox: "Inbox",
    messages: "Messages in WeChat",
    questions: "May the application send messages?",
    otherTemplate: "Answer about another template",
    template: "Template id",
    noTemplates: "The application has no message templates yet.",
    creditsLeft: (n) => `${n} left`,
    accept: "Accept",
    reject: "Reject",
    decided: { accept: "accepted", reject: "rejected", ban: "banned", filter: "filtered" },
    orders: "Paid and closed",
    sent: "What WeChat told the application",
    requests: "What the application asked WeChat",
    pay: "Pay",
    cancel: "Cancel",
    left: "time left",
    canceled: "Cancelled just now; the mini-program heard",
    nothingToPay: "Nothing to pay. After a pledge in the mini-program its payment appears here.",
    notLoggedIn: "Not logged in yet.",
    loggedIn: (name) => `Logged in: ${name}`,
    loggedOut: "The login has ended; log in again.",
    verified: "verified resident",
    unverified: "not verified",
    noNotices: "No notices yet.",
    noMessages: "No messages yet. The application may send one after a template was accepted.",
    noOrders: "None yet.",
    nothingSent: "Nothing was told yet.",
    noRequests: "Nothing was asked yet.",
    states: {
      SUCCESS: "paid", REFUND: "refunding", CLOSED: "closed", NOTPAY: "to pay",
    },
    refund: { SUCCESS: "refunded", PROCESSING: "refund under way", ABNORMAL: "refund abnormal", CLOSED: "refund closed" },
    paid: (sum) => `Paid ${sum}`,
    delivered: "received",
    undelivered: "not received yet",
    notSent: "not sent",
    attempt: (n) => `try ${n}`,
    answered: "answer",
    noAnswer: "no answer",
    ok: "ok",
    roles: {
      building_head: "building head", committee: "committee", social_worker: "social worker", supervisor: "supervisor",
      reviewer: "reviewer", street_officer: "street officer", district_officer: "district officer",
    },
    sandboxGone: "The sandbox does not answer. Is make run still running?",
  },
};

const ANOTHER = ""; // no openid
const $ = (id) => document.getElementById(id);
const kept = (name, otherwise) => sessionStorage.getItem(name) ?? otherwise;

let language = kept("language", "zh");
let openid = kept("openid", "lin");
let tokens = JSON.parse(kept("tokens", "{}"));
let people = [];
let seen = null; // the last window
let mine = null; // {me, inbox} of the application, or null
let round = 0; // counts reads, so that an answer overtaken by a newer one is dropped
const cancelled = {}; // prepay_id → what the client heard
const shown = {}; // list id → what it was made from

const words = () => WORDS[language];

// --- asking -------------------------------------------------------------------------------------------------------

class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

async function ask(path, body, token) {
  const headers = { "Accept-Language": language };
  if (body) headers["Content-Type"] = "application/json";
  if (token) headers.Authorization = `Bearer ${token}`;
  let answer;
  try {
    answer = await fetch(`/_sandbox/${path}`, {
      method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body), cache: "no-store",
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
  } catch {
    throw new Refused(0, words().sandboxGone);
  }
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) {
    throw new Refused(answer.status, typeof said.detail === "string" ? said.detail : `HTTP ${answer.status}`);
  }
  return said;
}

async function read() {
  const own = ++round;
  try {
    const now = await ask(`window?openid=${encodeURIComponent(openid)}`);
    const application = await readApplication();
    if (own !== round) return;
    seen = now;
    mine = application;
    people = now.people;
    if ($("said").dataset.gone) tell("");
    draw();
  } catch (trouble) {
    if (own === round) tell(trouble.message, { bad: true, gone: trouble.status === 0 });
  }
}

async function readApplication() {
  const token = tokens[openid];
  if (!token) return null;
  try {
    const [me, inbox] = await Promise.all([ask("app/me", null, token), ask("app/inbox", null, token)]);
    return { me, inbox: inbox.items };
  } catch (trouble) {
    if (trouble.status !== 401) return { trouble: trouble.message };
    keepToken(null);
    tell(words().loggedOut, { bad: true });
    return null;
  }
}

async function act(button, deed) {
  button.disabled = true;
  try {
    await deed();
  } catch (trouble) {
    tell(trouble.message, { bad: true });
  } finally {
    button.disabled = false;
  }
  await read();
}

// --- doing --------------------------------------------------------------------------------------------------------

function keepToken(token) {
  if (token) tokens[openid] = token;
  else delete tokens[openid];
  sessionStorage.setItem("tokens", JSON.stringify(tokens));
}

function become(chosen) {
  openid = chosen;
  sessionStorage.setItem("openid", openid);
  mine = null;
  tell("");
  $("curl").textContent = "";
  if ($("by-hand").open) freshCode();
  return read();
}

async function logIn() {
  const { token, resident } = await ask("app-login", { openid });
  keepToken(token);
  tell(words().loggedIn(resident.nickname));
}

async function freshCode() {
  const who = openid;
  const [{ code }, { app_url }] = await Promise.all([ask("login-code", { openid: who }), ask("config")]);
  if (who !== openid) return;
  const body = JSON.stringify({ code });
  $("curl").textContent = `curl -s ${app_url}/v1/auth/wechat -H 'content-type: application/json' -d '${body}'`;
}

async function settle(order, result) {
  const heard = await ask("pay-prepared", { openid, prepay_id: order.prepay_id, result });
  if (result === "success") tell(words().paid(yuan(order.amount_fen)));
  else cancelled[order.prepay_id] = heard.errMsg;
}

function decide(template_id, decision) {
  return ask("subscribe", { openid, template_id, decision });
}

// --- showing ------------------------------------------------------------------------------------------------------

function make(tag, className, ...parts) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...parts.filter((part) => part !== null && part !== undefined && part !== ""));
  return made;
}

function button(key, label, deed, className) {
  const made = make("button", className, label);
  made.type = "button";
  made.dataset.key = key;
  made.addEventListener("click", () => act(made, deed));
  return made;
}

// A list is made anew only when what it shows has changed, and whoever stood on a button stands there again.
function list(id, items, draw, empty) {
  const from = JSON.stringify([language, items, empty]);
  if (shown[id] === from) return;
  shown[id] = from;
  const focus = $(id).contains(document.activeElement) ? document.activeElement.dataset.key : null;
  const open = [...$(id).querySelectorAll("details[open]")].map((one) => one.dataset.key);
  $(id).replaceChildren(...(items.length ? items.map(draw) : empty ? [make("li", "empty", empty)] : []));
  for (const one of $(id).querySelectorAll("[data-key]")) {
    if (one.dataset.key === focus) one.focus();
    if (open.includes(one.dataset.key)) one.open = true;
  }
}

const yuan = (fen) => `¥${(fen / 100).toFixed(2)}`;
const clock = (at) => at.slice(5, 10) + " " + at.slice(11, 19);
const timeLeft = (s) => (s >= 3600 ? `${Math.floor(s / 3600)}:${pad((s / 60) % 60)}:${pad(s % 60)}` : `${Math.floor(s / 60)}:${pad(s % 60)}`);
const pad = (n) => String(Math.floor(n)).padStart(2, "0");

function draw() {
  const t = words();
  drawPeople();
  drawMe(t);
  const waiting = seen.orders.filter((order) => order.state === "NOTPAY");
  list("to-pay", waiting.map(({ left_s, ...order }) => [order, cancelled[order.prepay_id]]), drawToPay, t.nothingToPay);
  for (const order of waiting) $("left-" + order.out_trade_no).textContent = `${t.left} ${timeLeft(order.left_s)}`;
  const done = seen.orders.filter((order) => order.state !== "NOTPAY").map(({ left_s, ...order }) => order);
  list("orders", done, drawOrder, t.noOrders);
  list("messages", seen.messages, drawMessage, t.noMessages);
  list("questions", seen.templates, drawQuestion, t.noTemplates);
  list("sent", seen.sent, drawNotice, t.nothingSent);
  list("requests", seen.requests, drawRequest, t.noRequests);
}

function drawPeople() {
  const from = JSON.stringify([language, people, openid]);
  if (shown.people === from) return;
  shown.people = from;
  const options = people.map((person) => {
    const about = person[language];
    return new Option(about ? `${person.name} ${person.openid} · ${about}` : person.openid, person.openid);
  });
  $("person").replaceChildren(...options, new Option(words().someoneElse, ANOTHER));
  const known = people.some((person) => person.openid === openid);
  if ($("another").hidden) $("person").value = known ? openid : ANOTHER;
  else $("person").value = ANOTHER;
}

function drawMe(t) {
  const from = JSON.stringify([language, openid, mine]);
  if (shown.me === from) return;
  shown.me = from;
  const inbox = mine?.inbox ?? [];
  list("inbox", inbox, drawInboxLine, t.noNotices);
  if (!mine?.me) {
    $("me").replaceChildren(make("p", "empty", mine?.trouble ?? t.notLoggedIn));
    return;
  }
  const { nickname, verified, roles, phone_masked } = mine.me;
  const held = [...new Set(roles.map(({ role }) => t.roles[role] ?? role))].join(language === "zh" ? "、" : ", ");
  $("me").replaceChildren(
    make("div", "row", make("p", "name", nickname), mark(verified ? t.verified : t.unverified, verified ? "good" : "")),
    make("p", "small", [held, phone_masked].filter(Boolean).join(" · ")),
  );
}

function drawInboxLine(line) {
  return make("li", "", make("p", "", line.text), make("p", "small", clock(line.created_at)));
}

function drawToPay([order, heard]) {
  const t = words();
  const left = make("span", "small");
  left.id = "left-" + order.out_trade_no;
  const pay = button("pay " + order.prepay_id, t.pay, () => settle(order, "success"), "main");
  const cancel = button("cancel " + order.prepay_id, t.cancel, () => settle(order, "cancel"));
  for (const one of [pay, cancel]) {
    one.setAttribute("aria-label", `${one.textContent} ${order.description} ${yuan(order.amount_fen)}`);
  }
  const item = make(
    "li", "",
    make("p", "", order.description),
    make("div", "row", make("span", "amount", yuan(order.amount_fen)), left),
    heard && make("p", "small", `${t.canceled} `, make("span", "path", heard)),
    make("div", "buttons", pay, cancel),
  );
  item.dataset.order = order.out_trade_no;
  return item;
}

function drawOrder(order) {
  const t = words();
  const tone = { SUCCESS: "good", REFUND: "waiting" }[order.state] ?? "";
  const item = make(
    "li", "",
    make("div", "row", make("span", "", order.description), mark(t.states[order.state] ?? order.state, tone)),
    make("div", "row", make("strong", "", yuan(order.amount_fen)), order.paid_at && make("span", "small", clock(order.paid_at))),
    ...order.notified.map(drawDelivery),
    ...order.refunds.flatMap((refund) => [
      make(
        "div", "row",
        make("span", "", `− ${yuan(refund.amount_fen)}`),
        mark(t.refund[refund.state] ?? refund.state, { SUCCESS: "good", PROCESSING: "waiting" }[refund.state] ?? "bad"),
      ),
      ...refund.notified.map(drawDelivery),
    ]),
  );
  item.dataset.order = order.out_trade_no;
  return item;
}

function drawDelivery(notice) {
  return make("p", "small", `${notice.what} → ${outcome(notice)}`);
}

function drawMessage(message) {
  const lines = Object.entries(message.data ?? {}).map(([name, { value }]) =>
    make("div", "row", make("span", "small", name), make("span", "", value)));
  return make(
    "li", "",
    make("div", "row", make("span", "", message.title || message.template_id), make("span", "small", clock(message.at))),
    ...lines,
    message.page && make("p", "small path", message.page),
  );
}

function drawQuestion({ template_id, title, decision, left }) {
  const t = words();
  const said = [t.decided[decision] ?? decision, left ? t.creditsLeft(left) : ""].filter(Boolean).join(" · ");
  const buttons = ["accept", "reject"].map((deed) => {
    const made = button(`${deed} ${template_id}`, t[deed], () => decide(template_id, deed));
    made.setAttribute("aria-label", `${t[deed]} ${title || template_id}`);
    return made;
  });
  return make(
    "li", "",
    make("div", "row", make("span", "", title || template_id), make("span", "small", said)),
    make("div", "buttons", ...buttons),
  );
}

function drawNotice(notice) {
  const t = words();
  const tries = notice.attempts.map((attempt, at) =>
    make("p", "small", `${t.attempt(notice.attempts.length - at)} ${clock(attempt.at)} · ${t.answered} `, answer(attempt)));
  return make(
    "li", "",
    make("div", "row", make("span", "path", notice.what), mark(...delivery(notice))),
    make("p", "small", `${clock(notice.at)} · ${notice.subject}`),
    ...tries,
  );
}

function delivery(notice) {
  const t = words();
  if (notice.delivered) return [t.delivered, "good"];
  return notice.attempts.length ? [t.undelivered, "bad"] : [t.notSent, "waiting"];
}

function outcome(notice) {
  const [said] = delivery(notice);
  const status = notice.attempts[0]?.status;
  return status ? `${said}（${status}）` : said;
}

function answer({ status, answer }) {
  return make("span", "path", `${status ?? words().noAnswer} ${answer}`.trim());
}

function drawRequest(request) {
  const tone = request.status === null ? "waiting" : request.status < 400 ? "good" : "bad";
  return make(
    "li", "",
    make("div", "row", make("span", "path", `${request.method} ${request.path}`), mark(String(request.status ?? "…"), tone)),
    make("p", "small", clock(request.at)),
  );
}

function mark(text, tone) {
  return make("span", `mark ${tone}`.trim(), text);
}

function tell(text, { bad = false, gone = false } = {}) {
  const said = $("said");
  said.className = bad ? "bad" : "";
  said.dataset.gone = gone ? "1" : "";
  said.replaceChildren(...(text ? [make("span", "", text)] : []));
}

function speak() {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  document.title = words().title;
  for (const one of document.querySelectorAll("[data-t]")) one.textContent = words()[one.dataset.t];
  $("language").textContent = language === "zh" ? "English" : "中文";
  $("language").lang = language === "zh" ? "en" : "zh-CN";
  if (seen) draw();
}

// --- beginning ----------------------------------------------------------------------------------------------------

$("language").addEventListener("click", () => {
  language = language === "zh" ? "en" : "zh";
  sessionStorage.setItem("language", language);
  tell("");
  speak();
  read();
});
$("person").addEventListener("change", () => {
  const chosen = $("person").value;
  $("another").hidden = chosen !== ANOTHER;
  $("openid").required = chosen === ANOTHER;
  if (chosen === ANOTHER) $("openid").focus();
  else become(chosen);
});
$("openid").addEventListener("change", () => {
  if ($("openid").value.trim()) become($("openid").value.trim());
});
$("who").addEventListener("submit", (event) => {
  event.preventDefault();
  act($("login"), async () => {
    if (!$("another").hidden) await become($("openid").value.trim());
    await logIn();
  });
});
$("by-hand").addEventListener("toggle", () => {
  if ($("by-hand").open) act($("fresh"), freshCode);
});
$("fresh").addEventListener("click", () => act($("fresh"), freshCode));
$("copy").addEventListener("click", () => act($("copy"), async () => {
  await navigator.clipboard.writeText($("curl").textContent);
  tell(words().copied);
}));
$("subscribe").addEventListener("submit", (event) => {
  event.preventDefault();
  const template_id = $("template").value.trim();
  act(event.submitter, () => decide(template_id, event.submitter.value));
});

speak();
await read();
if (seen && !people.some((person) => person.openid === openid)) {
  $("another").hidden = false;
  $("openid").value = openid;
}
for (;;) {
  await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  if (!document.hidden) await read();
}

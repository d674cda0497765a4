// Visits the pages of a server in a headless Chromium. Called by the tests with the name of a part, the
// server's address and what the part is told; says what it saw, one JSON value a line.
import { createRequire } from "node:module";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const modules = process.env.SMOKEJUMPER_NODE_MODULES;
const require = createRequire(join(modules, "x.js"));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const shots = process.env.SMOKEJUMPER_SCREENSHOTS;

const [part, url, told] = process.argv.slice(2);
const given = JSON.parse(told);
const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);

const PHONE = { width: 390, height: 844 };
const DESK = { width: 1280, height: 900 };

// A page that notes what goes wrong on it.
async function opened(browser, options) {
  const context = await browser.newContext({ viewport: DESK, ...options });
  const page = await context.newPage();
  page.wrong = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) page.wrong.push(message.text());
  });
  page.on("pageerror", (error) => page.wrong.push(String(error)));
  page.on("requestfailed", (request) => {
    // A stream of events ends with its page.
    if (!request.url().includes("/api/v1/events")) page.wrong.push(`${request.url()}: ${request.failure().errorText}`);
  });
  return page;
}

// The barriers of a page. The program that looks for them is run from outside: the policy of the pages
// lets no foreign script in.
async function violations(page) {
  await page.evaluate(axe);
  const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  return found.violations.map((one) => `${one.id}: ${one.nodes.slice(0, 3).map((node) => `${node.target}: ${node.failureSummary}`).join(" | ")}`);
}

async function shoot(page, name) {
  if (!shots) return;
  mkdirSync(shots, { recursive: true });
  await page.screenshot({ path: join(shots, `${name}.png`), fullPage: true });
  writeFileSync(join(shots, `${name}.html`), await page.content());
}

const parts = {
  // Every page, light and dark, on a desk and on a phone.
  async pages(browser) {
    const seen = [];
    for (const [name, path] of Object.entries(given.pages)) {
      for (const colorScheme of ["light", "dark"]) {
        for (const [size, viewport] of [["desk", DESK], ["phone", PHONE]]) {
          const page = await opened(browser, { colorScheme, viewport });
          const answer = await page.goto(url + path, { waitUntil: "load" });
          await page.waitForTimeout(150);
          const wide = await page.evaluate(() => document.scrollingElement.scrollWidth - innerWidth);
          await shoot(page, `${name}-${colorScheme}-${size}`);
          const view = { page: `${name} ${colorScheme} ${size}`, status: answer.status(), wrong: page.wrong, wide };
          view.violations = await violations(page);
          await page.context().close();
          seen.push(view);
        }
      }
    }
    return seen;
  },

  // What is there without a script.
  async plain(browser) {
    const seen = {};
    for (const [name, path] of Object.entries(given.pages)) {
      const page = await opened(browser, { javaScriptEnabled: false });
      await page.goto(url + path);
      seen[name] = await page.innerText("body");
      await page.context().close();
    }
    return seen;
  },

  // A page follows what happens without being loaded again.
  async live(browser) {
    const page = await opened(browser, {});
    await page.goto(url + given.path);
    await page.evaluate(() => { window.same = true; });
    await page.locator("#now.on").waitFor();
    say({ ready: true });
    await page.getByText(given.text).first().waitFor({ timeout: 60000 });
    const same = await page.evaluate(() => window.same === true);
    return { same, wrong: page.wrong };
  },

  // A bad release, as whoever has the pages open sees it: seen, judged and undone while they are live.
  async incident(browser) {
    const until = { timeout: 100000 };
    const same = (page) => page.evaluate(() => { window.same = true; });
    const overview = await opened(browser, {});
    await overview.goto(`${url}/`);
    await same(overview);
    await overview.locator("#now.on").waitFor();
    say({ ready: true });
    // The release before may have an open window too.
    const link = overview.locator("#services-section p", { hasText: "shop:3" }).locator("a[href^='/windows/']");
    await link.waitFor(until);
    const path = await link.getAttribute("href");
    say({ path });
    const page = await opened(browser, {});
    await page.goto(url + path);
    await same(page);
    const seen = { drawn: {} };
    const clock = page.locator("#head time[data-until]");
    await clock.waitFor(until);
    seen.left = await clock.innerText();
    await page.locator("#head strong", { hasText: "roll back" }).waitFor(until);
    seen.left_later = await clock.innerText();
    seen.why = await page.innerText("#why-part");
    seen.orders = await page.innerText("#orders");
    await shoot(overview, "incident-overview-open");
    await shoot(page, "incident-window-open");
    await page.locator("#head", { hasText: "rolled back and verified" }).waitFor(until);
    await page.locator("#rollback-part h2").waitFor(until);
    await overview.locator("#services-section article", { hasNot: overview.locator("a[href^='/windows/']") }).waitFor(until);
    await overview.locator("#services-section article", { hasText: "runs shop:1" }).waitFor(until);
    seen.card = await overview.innerText("#services-section article");
    seen.rollback = await page.innerText("#rollback-part");
    seen.orders_later = await page.innerText("#orders");
    for (const [name, what] of Object.entries({ bands: ".area", strips: "#check-cards svg .is-fail", lanes: "#timeline-section .lane-back" }))
      seen.drawn[name] = await page.locator(what).count();
    await shoot(overview, "incident-overview-over");
    await shoot(page, "incident-window-over");
    for (const [name, view] of Object.entries({ overview, window: page })) {
      const kept = await view.evaluate(() => window.same === true);
      seen[name] = { same: kept, wrong: view.wrong, violations: await violations(view) };
    }
    seen.past = {};
    const past = { link: path, file: `${path}/report.html`, history: "/history", check: "/checks/orders", status: "/status" };
    const reader = await opened(browser, { javaScriptEnabled: false, colorScheme: "dark", viewport: PHONE });
    for (const [name, address] of Object.entries(past)) {
      if (name === "file") {
        const answer = await reader.request.get(url + address);
        await reader.setContent(await answer.text());
      } else await reader.goto(url + address);
      seen.past[name] = await reader.innerText("body");
      await shoot(reader, `incident-${name}`);
    }
    return seen;
  },

  // Signing in, and an order with its question.
  async act(browser) {
    const page = await opened(browser, { javaScriptEnabled: given.script });
    await page.goto(url + given.path);
    const asked = page.url();
    await page.fill("#token", "wrong");
    await page.click("main button[type=submit]");
    const refused = await page.innerText("main");
    await page.fill("#token", given.token);
    await page.click("main button[type=submit]");
    await page.locator("main form input[name=form]").waitFor({ state: "attached" });
    const question = await page.innerText("main");
    for (const [name, value] of Object.entries(given.fields)) await page.fill(`#${name}`, value);
    await page.click("main button[type=submit]");
    const done = await page.innerText("main");
    const cookies = await page.context().cookies();
    const bare = await page.request.post(url + given.path, { form: given.fields, headers: { origin: url }, maxRedirects: 0 });
    const foreign = await page.request.post(url + given.path, { form: given.fields, headers: { origin: "http://evil.example" }, maxRedirects: 0 });
    return { asked, refused, question, done, cookies, bare: bare.status(), foreign: foreign.status() };
  },

  // The keyboard alone.
  async keyboard(browser) {
    const page = await opened(browser, {});
    await page.goto(`${url}/`);
    await page.keyboard.press("Tab");
    const first = await page.evaluate(() => document.activeElement.textContent);
    await page.keyboard.press("Enter");
    const main = await page.evaluate(() => document.activeElement.id);
    const outlines = [];
    for (let turn = 0; turn < 25; turn += 1) {
      await page.keyboard.press("Tab");
      outlines.push(await page.evaluate(() => {
        const style = getComputedStyle(document.activeElement);
        return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
      }));
    }
    return { first, main, outlines };
  },

  // How heavy each page is, and how soon something is painted.
  async weight(browser) {
    const seen = {};
    for (const [name, path] of Object.entries(given.pages)) {
      const page = await opened(browser, {});
      const session = await page.context().newCDPSession(page);
      await session.send("Network.enable");
      let bytes = 0;
      session.on("Network.loadingFinished", (event) => { bytes += event.encodedDataLength; });
      const started = Date.now();
      await page.goto(url + path, { waitUntil: "load" });
      const loaded = Date.now() - started;
      const paint = await page.evaluate(() => new Promise((seen) => {
        new PerformanceObserver((list) => {
          for (const entry of list.getEntries()) if (entry.name === "first-contentful-paint") seen(entry.startTime);
        }).observe({ type: "paint", buffered: true });
      }));
      seen[name] = { bytes, html: (await page.content()).length, paint, loaded };
      await page.context().close();
    }
    return seen;
  },
};

const browser = await chromium.launch({
  executablePath: process.env.SMOKEJUMPER_CHROMIUM,
  args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
});
try {
  say(await parts[part](browser));
} finally {
  await browser.close();
}

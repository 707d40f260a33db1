// Chromium, and the page's hooks (`data-testid`) under readable names.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { chromium } from 'playwright-core';
import { programFrom } from './clients.mjs';
import { ROOT } from './paths.mjs';
import { eventually, PATIENCE } from './wait.mjs';

/** Screenshots to look at; git ignores them. */
const ARTIFACTS = path.join(ROOT, 'tests/runtime/.artifacts');

export const SIZES = { phone: { width: 390, height: 844 }, desktop: { width: 1280, height: 800 } };

export function launch() {
  return chromium.launch({
    executablePath: programFrom('ROOMCAST_CHROMIUM', 'a Chromium'),
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync'],
  });
}

/** One visitor: a profile of its own with one page, which keeps account of what should not happen. */
export class Visitor {
  /**
   * Opens `pathname`; closed with the test. `trouble` collects errors, dialogs, and requests to other servers. A server
   * without the page's files has `page(context)`, which serves them.
   */
  static async open(t, browser, server, pathname, viewport = SIZES.desktop) {
    const context = await browser.newContext({ viewport });
    t.after(() => context.close());
    context.setDefaultTimeout(PATIENCE);
    await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: server.url });
    await context.addInitScript(recordStates);
    await server.page?.(context);
    return Visitor.#watched(await context.newPage(), server, pathname);
  }

  /** Opens `pathname` and asks for a name there: in a profile that has none. */
  static async enter(t, browser, server, pathname, name, viewport) {
    const visitor = await Visitor.open(t, browser, server, pathname, viewport);
    await visitor.enter(name);
    return visitor;
  }

  /** Another tab of the same profile, at the same address. */
  async tab() {
    return Visitor.#watched(await this.page.context().newPage(), this.server, new URL(this.page.url()).pathname);
  }

  static async #watched(page, server, pathname) {
    const visitor = new Visitor();
    Object.assign(visitor, { page, server, trouble: [] });
    page.on('pageerror', (error) => visitor.trouble.push(`error: ${error.message}`));
    page.on('console', (message) => {
      if (message.type() === 'error') visitor.trouble.push(`console: ${message.text()} ${message.location().url}`);
    });
    page.on('dialog', (dialog) => {
      visitor.trouble.push(`dialog: ${dialog.message()}`);
      dialog.dismiss();
    });
    page.on('request', (request) => {
      const { origin, protocol } = new URL(request.url());
      if (protocol.startsWith('http') && origin !== server.url) visitor.trouble.push(`request: ${request.url()}`);
    });
    await page.goto(server.url + pathname);
    return visitor;
  }

  hook(name) {
    return this.page.getByTestId(name);
  }

  async enter(name) {
    await this.hook('name-input').fill(name);
    await this.hook('name-submit').click();
    await this.state('online');
  }

  /** Waits until the page says that it is `connecting`, `online` or `offline`. */
  state(state) {
    return this.page.locator(`[data-testid=connection-state][data-state=${state}]`).waitFor();
  }

  async write(text) {
    await this.hook('message-input').fill(text);
    await this.hook('send').click();
  }

  /** The message with exactly this text, once it is there in this state. */
  async message(text, state = 'sent') {
    const message = this.page.locator(`[data-testid=message][data-state=${state}]`)
      .filter({ has: this.page.getByTestId('message-text').and(this.page.getByText(text, { exact: true })) });
    await message.waitFor();
    return message;
  }

  /** The states that the message with this text has been in, in order. */
  states(text) {
    return this.page.evaluate((wanted) => globalThis.recordedStates[wanted], text);
  }

  /** The texts of all messages that are shown, from top to bottom. */
  texts() {
    return this.hook('message-text').allTextContents();
  }

  notes() {
    return this.hook('note').allTextContents();
  }

  /** Waits until the roster shows these people and no others. */
  async roster(...names) {
    let shown;
    const complete = async () => {
      shown = (await this.hook('roster-member').getByTestId('member-name').allTextContents()).sort();
      return JSON.stringify(shown) === JSON.stringify([...names].sort());
    };
    await eventually(complete, `the roster ${names}`).catch(() => assert.fail(`the roster shows ${JSON.stringify(shown)}, not ${names}`));
  }

  assertNoTrouble() {
    assert.deepEqual(this.trouble, []);
  }

  async overflow() {
    return this.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  }

  async screenshot(name) {
    mkdirSync(ARTIFACTS, { recursive: true });
    await this.page.screenshot({ path: path.join(ARTIFACTS, `${name}.png`) });
  }
}

/** Runs in the page before its own scripts: a state may last too short to be caught by looking. */
function recordStates() {
  globalThis.recordedStates = {};
  const note = (node) => {
    const text = node.querySelector('[data-testid=message-text]')?.textContent;
    const states = (globalThis.recordedStates[text] ??= []);
    if (states.at(-1) !== node.dataset.state) states.push(node.dataset.state);
  };
  new MutationObserver((records) => {
    for (const { type, target, oldValue, addedNodes } of records) {
      if (type === 'attributes' && target.dataset.testid === 'message') {
        const text = target.querySelector('[data-testid=message-text]')?.textContent;
        const states = (globalThis.recordedStates[text] ??= []);
        if (oldValue && states.at(-1) !== oldValue) states.push(oldValue);
        note(target);
      }
      for (const node of addedNodes) if (node.dataset?.testid === 'message') note(node);
    }
  }).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ['data-state'], attributeOldValue: true });
}

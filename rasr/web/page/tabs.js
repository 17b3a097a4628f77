/**
 * The tabs of the page: one is shown, and the address says which.
 *
 * A tab is a link in `#tabs` to `#name`, and a `main` with the id `tab-name`. What else belongs to some of them
 * has their names in `data-tab`. "show" is told when another one is shown.
 */

export class Tabs extends EventTarget {
  /** @param {Document} root @param {import("../shared/texts.js").Texts} texts */
  constructor(root, texts) {
    super();
    this.root = root;
    this.texts = texts;
    this.links = [...root.querySelectorAll("#tabs a")];
    /** How far down somebody was in each. @type {Map<string, number>} */
    this.places = new Map();
    this.shown = this.wanted;
    addEventListener("scroll", () => this.places.set(this.shown, scrollY), { passive: true });
    addEventListener("hashchange", () => this.follow());
  }

  /** The name that the address says; the first one where it says none. */
  get wanted() {
    const { hash } = this.links.find((link) => link.hash === location.hash) ?? this.links[0];
    return hash.slice(1);
  }

  /** @param {string} name of the tab to be shown */
  open(name) {
    if (name !== this.shown) {
      location.hash = name;
    }
  }

  follow() {
    const place = this.places.get(this.wanted) ?? 0;
    if (this.shown !== this.wanted) {
      this.shown = this.wanted;
      // One that is open and cannot be seen would still keep everything else from being pressed.
      this.root.querySelectorAll("main dialog[open]").forEach((dialog) => dialog.close());
      this.write();
      scrollTo(0, place);
      this.dispatchEvent(new CustomEvent("show", { detail: this.shown }));
    }
  }

  /** Show the one that is to be shown, in the language of the page. */
  write() {
    for (const link of this.links) {
      const isShown = link.hash === `#${this.shown}`;
      link.ariaCurrent = isShown ? "page" : null;
      if (isShown) {
        this.root.title = link === this.links[0] ? this.texts.say("title") : `${link.textContent} – rasr`;
      }
    }
    for (const place of this.root.querySelectorAll("main")) {
      place.hidden = place.id !== `tab-${this.shown}`;
    }
    for (const one of this.root.querySelectorAll("[data-tab]")) {
      one.hidden = !one.dataset.tab.split(" ").includes(this.shown);
    }
  }
}

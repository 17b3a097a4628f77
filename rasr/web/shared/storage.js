/** What a person has chosen, kept by the browser; where it keeps nothing for pages, by the page itself. */

/** As much of `Storage` as the page needs; it never throws. */
export class PageStorage {
  /** @param {() => Storage | null} open throws, or gives null, where the browser blocks storage */
  constructor(open = () => globalThis.localStorage) {
    /** What the browser did not take: it lasts as long as the page. */
    this.own = new Map();
    try {
      this.kept = open() ?? null;
    } catch {
      this.kept = null;
    }
  }

  /** @param {string} key @returns {string | null} */
  getItem(key) {
    if (this.own.has(key)) {
      return this.own.get(key);
    }
    try {
      return this.kept?.getItem(key) ?? null;
    } catch {
      return null;
    }
  }

  /** @param {string} key @param {string} value */
  setItem(key, value) {
    this.own.set(key, value);
    try {
      this.kept?.setItem(key, value);
    } catch {
      // It is full: what was chosen lasts as long as the page.
    }
  }

  /** @param {string} key */
  removeItem(key) {
    this.own.delete(key);
    try {
      this.kept?.removeItem(key);
    } catch {
      // What the browser did not take is not there.
    }
  }
}

/** The one store of the page, and that of this tab alone. */
export const storage = new PageStorage();
export const tabStorage = new PageStorage(() => globalThis.sessionStorage);

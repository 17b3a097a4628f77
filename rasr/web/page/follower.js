/** Keeps the end of the page in sight for who reads there: once a frame, however much has come. */

/** Somebody is at the end of the page who is so near to it, px. */
const NEAR_END = 240;

export class Follower {
  /** @param {() => boolean} isHeld somebody writes, or reads something else: nothing moves */
  constructor(isHeld) {
    this.isHeld = isHeld;
    /** The page is read at its end. Who has scrolled up reads there. */
    this.isAtEnd = true;
    this.frame = null;
    window.addEventListener(
      "scroll",
      () => {
        // What has come and is not followed yet says nothing about where somebody reads.
        if (this.frame === null) {
          const { scrollHeight, scrollTop, clientHeight } = document.scrollingElement;
          this.isAtEnd = scrollHeight - scrollTop - clientHeight < NEAR_END;
        }
      },
      { passive: true },
    );
  }

  /** There is more text now. */
  grown() {
    if (this.isAtEnd && !this.isHeld()) {
      this.frame ??= requestAnimationFrame(() => {
        document.scrollingElement.scrollTop = document.scrollingElement.scrollHeight;
        this.frame = null;
      });
    }
  }
}

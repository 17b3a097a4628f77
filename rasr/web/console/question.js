/** The dialog that asks before something is gone for good. */

export class Question {
  /** @param {Document} root */
  constructor(root) {
    const find = (name) => root.querySelector(`#question${name}`);
    this.dialog = find("");
    this.title = find("-title");
    this.text = find("-text");
    this.yes = find("-yes");
  }

  /**
   * @param {{title: string, text: string, yes: string}} words yes: what the button does
   * @returns {Promise<boolean>}
   */
  ask({ title, text, yes }) {
    this.title.textContent = title;
    this.text.textContent = text;
    this.yes.textContent = yes;
    this.dialog.returnValue = "";
    this.dialog.showModal();
    return new Promise((resolve) => {
      this.dialog.addEventListener("close", () => resolve(this.dialog.returnValue === "yes"), { once: true });
    });
  }
}

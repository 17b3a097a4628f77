/** Recordings that are dropped onto the page. */

/** Let files be dropped anywhere on the page. */
export function acceptDrops(root, onFiles) {
  const veil = root.querySelector("#drop");
  const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
  root.addEventListener("dragover", (event) => {
    if (hasFiles(event)) {
      event.preventDefault();
      veil.hidden = false;
    }
  });
  root.addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) {
      veil.hidden = true;
    }
  });
  root.addEventListener("drop", (event) => {
    veil.hidden = true;
    if (hasFiles(event)) {
      event.preventDefault();
      onFiles([...event.dataTransfer.files]);
    }
  });
}

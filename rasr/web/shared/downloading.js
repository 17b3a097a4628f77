/** Files that a page makes and the browser keeps. */

/** Give a file to the browser to be saved. */
export function download({ extension, type, content }, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], { type }));
  link.download = `${name}.${extension}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

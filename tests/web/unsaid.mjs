// Texts that no part of a page says.
import { readFile, readdir } from "node:fs/promises";

const WEB = new URL("../../rasr/web/", import.meta.url);

/**
 * @param {Record<string, string>} texts of a page
 * @param {string[]} files that say some
 * @param {string[]} folders whose scripts say some
 * @param {RegExp[]} stems what a key may have more than the code says
 * @returns {Promise<string[]>} the keys of those that nobody says
 */
export async function unsaid(texts, files, folders, stems) {
  const listed = await Promise.all(
    folders.map(async (folder) => (await readdir(new URL(`${folder}/`, WEB))).map((name) => `${folder}/${name}`)),
  );
  const scripts = listed.flat().filter((name) => name.endsWith(".js") && !/(english|chinese)\.js$/.test(name));
  const sources = await Promise.all([...files, ...scripts].map((name) => readFile(new URL(name, WEB), "utf8")));
  const code = sources.join("\n");
  const said = (key) => new RegExp(`\\b${key}\\b`).test(code);
  return Object.keys(texts).filter((key) => !said(key) && !stems.some((stem) => said(key.replace(stem, ""))));
}

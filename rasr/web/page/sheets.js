/** Takes as tables, a sentence a row: CSV for any program, and a workbook of Excel. */

import { oneLine } from "./correction.js";
import { zip } from "./zip.js";

const DAY_MS = 86_400_000;
/**
 * Where spreadsheets see the beginning of a formula, also in its full-width form. In many countries
 * theirs have another sign than the comma between cells, and no regard for our quotes.
 */
const FORMULA = /(^|[;\t])(?=[\s"\u200b\ufeff]*[=+\-@＝＋－＠])/gu;
/** XML 1.0 has no way to write these. */
const UNWRITABLE = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/**
 * @param {import("./take.js").Take[]} takes
 * @param {string[]} heads names of the five columns
 * @returns {string} with the mark by which Excel knows UTF-8
 */
export function csv(takes, heads) {
  const lines = rows(takes).map(({ start, end, name, text, score }) => [time(start), time(end), name, text, score]);
  return `\ufeff${[heads, ...lines].map((line) => line.map(quoted).join(",")).join("\r\n")}\r\n`;
}

/**
 * @param {import("./take.js").Take[]} takes
 * @param {string[]} heads names of the five columns
 * @returns {Uint8Array}
 */
export function xlsx(takes, heads) {
  const head = heads.map((one) => words(one, 1));
  const lines = rows(takes).map(({ start, end, name, text, score }) => [
    day(start),
    day(end),
    words(name),
    words(text, 3),
    number(score, 4),
  ]);
  return zip([
    { name: "[Content_Types].xml", content: TYPES },
    { name: "_rels/.rels", content: relations([["officeDocument", "xl/workbook.xml"]]) },
    { name: "xl/workbook.xml", content: WORKBOOK },
    {
      name: "xl/_rels/workbook.xml.rels",
      content: relations([["worksheet", "worksheets/sheet1.xml"], ["styles", "styles.xml"]]),
    },
    { name: "xl/styles.xml", content: STYLES },
    { name: "xl/worksheets/sheet1.xml", content: `${SHEET}${[head, ...lines].map(line).join("")}</sheetData></worksheet>` },
  ]);
}

/** Times are those of each recording. */
function rows(takes) {
  return takes.flatMap(({ name, segments }) =>
    segments
      .map(({ start_time: start, end_time: end, result }) => ({ start, end, name, text: oneLine(result.text), score: result.score }))
      .filter(({ text }) => text !== ""),
  );
}

/** h:mm:ss.mmm, which spreadsheets take for a time. */
function time(ms) {
  const two = (number) => String(Math.floor(number)).padStart(2, "0");
  const seconds = `${two((ms / 1000) % 60)}.${String(ms % 1000).padStart(3, "0")}`;
  return `${Math.floor(ms / 3_600_000)}:${two((ms / 60_000) % 60)}:${seconds}`;
}

function quoted(value) {
  return `"${String(value).replace(FORMULA, "$1'").replaceAll('"', '""')}"`;
}

/** A row of cells, from A on. */
function line(cells, index) {
  const placed = cells.map((cell, i) => `<c r="${String.fromCharCode(65 + i)}${index + 1}" ${cell}</c>`);
  return `<row r="${index + 1}">${placed.join("")}</row>`;
}

/** A cell but for its place, as the next ones. */
function number(value, style) {
  return `s="${style}"><v>${value}</v>`;
}

function day(ms) {
  return number(ms / DAY_MS, 2);
}

/** Its type is text: no program takes it for a formula. */
function words(text, style = 0) {
  const escaped = text.replace(UNWRITABLE, "\ufffd").replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  return `t="inlineStr" s="${style}"><is><t xml:space="preserve">${escaped}</t></is>`;
}

const XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n';
const FORMAT = "http://schemas.openxmlformats.org";
const SPREADSHEET = `xmlns="${FORMAT}/spreadsheetml/2006/main"`;
const DOCUMENT = `${FORMAT}/officeDocument/2006/relationships`;
const PACKAGE = "application/vnd.openxmlformats";
const part = (name, type) => `<Override PartName="/xl/${name}" ContentType="${PACKAGE}-officedocument.spreadsheetml.${type}+xml"/>`;

const TYPES =
  `${XML}<Types xmlns="${FORMAT}/package/2006/content-types">` +
  `<Default Extension="rels" ContentType="${PACKAGE}-package.relationships+xml"/>` +
  part("workbook.xml", "sheet.main") +
  part("worksheets/sheet1.xml", "worksheet") +
  `${part("styles.xml", "styles")}</Types>`;
const WORKBOOK =
  `${XML}<workbook ${SPREADSHEET} xmlns:r="${DOCUMENT}">` +
  '<sheets><sheet name="rasr" sheetId="1" r:id="rId1"/></sheets></workbook>';
/** Formats of cells: 0 plain, 1 a heading, 2 a time, 3 text that is broken into lines, 4 a score. */
const STYLES =
  `${XML}<styleSheet ${SPREADSHEET}>` +
  '<numFmts count="1"><numFmt numFmtId="164" formatCode="[h]:mm:ss.000"/></numFmts>' +
  '<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font><font><b/><sz val="11"/><name val="Calibri"/></font></fonts>' +
  '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>' +
  "<borders count=\"1\"><border><left/><right/><top/><bottom/><diagonal/></border></borders>" +
  '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>' +
  '<cellXfs count="5"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>' +
  '<xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/>' +
  '<xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1" applyAlignment="1"><alignment vertical="top"/></xf>' +
  '<xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0" applyAlignment="1"><alignment vertical="top" wrapText="1"/></xf>' +
  '<xf numFmtId="2" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1" applyAlignment="1"><alignment vertical="top"/></xf></cellXfs>' +
  '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>';
/** The first row stays in sight; the text has most of the width. */
const SHEET =
  `${XML}<worksheet ${SPREADSHEET}><sheetViews><sheetView workbookViewId="0">` +
  '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>' +
  '<cols><col min="1" max="2" width="14" customWidth="1"/><col min="3" max="3" width="24" customWidth="1"/>' +
  '<col min="4" max="4" width="90" customWidth="1"/><col min="5" max="5" width="9" customWidth="1"/></cols><sheetData>';

function relations(targets) {
  const listed = targets.map(([type, target], i) => `<Relationship Id="rId${i + 1}" Type="${DOCUMENT}/${type}" Target="${target}"/>`);
  return `${XML}<Relationships xmlns="${FORMAT}/package/2006/relationships">${listed.join("")}</Relationships>`;
}

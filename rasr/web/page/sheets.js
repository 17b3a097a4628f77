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

/** The columns, and how wide each is. */
const WIDTHS = { start: 14, end: 14, recording: 24, speaker: 16, text: 90, score: 9 };

/**
 * @param {import("./take.js").Take[]} takes
 * @param {Record<keyof WIDTHS, string>} heads names of the columns
 * @param {(segment: object) => string | null} speaker his name
 * @returns {string} with the mark by which Excel knows UTF-8
 */
export function csv(takes, heads, speaker) {
  const { columns, rows } = table(takes, speaker);
  const written = (row) => ({ ...row, start: time(row.start), end: time(row.end) });
  const lines = [heads, ...rows.map(written)].map((row) => columns.map((column) => row[column]));
  return `\ufeff${lines.map((line) => line.map(quoted).join(",")).join("\r\n")}\r\n`;
}

/**
 * @param {import("./take.js").Take[]} takes
 * @param {Record<keyof WIDTHS, string>} heads names of the columns
 * @param {(segment: object) => string | null} speaker his name
 * @returns {Uint8Array}
 */
export function xlsx(takes, heads, speaker) {
  const { columns, rows } = table(takes, speaker);
  const head = columns.map((column) => words(heads[column], 1));
  const written = (row) => ({
    start: day(row.start),
    end: day(row.end),
    recording: words(row.recording),
    speaker: words(row.speaker),
    text: words(row.text, 3),
    score: number(row.score, 4),
  });
  const lines = rows.map(written).map((row) => columns.map((column) => row[column]));
  return zip([
    { name: "[Content_Types].xml", content: TYPES },
    { name: "_rels/.rels", content: relations([["officeDocument", "xl/workbook.xml"]]) },
    { name: "xl/workbook.xml", content: WORKBOOK },
    {
      name: "xl/_rels/workbook.xml.rels",
      content: relations([["worksheet", "worksheets/sheet1.xml"], ["styles", "styles.xml"]]),
    },
    { name: "xl/styles.xml", content: STYLES },
    { name: "xl/worksheets/sheet1.xml", content: `${sheetHead(columns)}${[head, ...lines].map(line).join("")}</sheetData></worksheet>` },
  ]);
}

/** A sentence a row; times are those of each recording. Speakers have a column where somebody told them apart. */
function table(takes, speaker) {
  const rows = takes.flatMap(({ name: recording, segments }) =>
    segments
      .map((segment) => {
        const { start_time: start, end_time: end, result } = segment;
        return { start, end, recording, speaker: speaker(segment) ?? "", text: oneLine(result.text), score: result.score };
      })
      .filter(({ text }) => text !== ""),
  );
  const isTold = rows.some((row) => row.speaker !== "");
  return { columns: Object.keys(WIDTHS).filter((column) => column !== "speaker" || isTold), rows };
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
function sheetHead(columns) {
  const widths = columns.map((column, i) => `<col min="${i + 1}" max="${i + 1}" width="${WIDTHS[column]}" customWidth="1"/>`);
  return (
    `${XML}<worksheet ${SPREADSHEET}><sheetViews><sheetView workbookViewId="0">` +
    '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>' +
    `<cols>${widths.join("")}</cols><sheetData>`
  );
}

function relations(targets) {
  const listed = targets.map(([type, target], i) => `<Relationship Id="rId${i + 1}" Type="${DOCUMENT}/${type}" Target="${target}"/>`);
  return `${XML}<Relationships xmlns="${FORMAT}/package/2006/relationships">${listed.join("")}</Relationships>`;
}

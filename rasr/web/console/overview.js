/** The overview: calls by interface over time, and what was used of packages and quotas. */

import { element } from "../shared/elements.js";
import { Chart, sample } from "./chart.js";
import { METRICS, called, rows, summed, timesOf, values } from "./monitoring.js";
import { Pane } from "./pane.js";
import { beginning, table } from "./table.js";
import { levelOf, monthOf, services } from "./usage.js";

const REFRESH_MS = 60_000;
const MONTHS = 13;
const HOUR_S = 3600;
/** In the order of their looks; others have the last one. */
const INTERFACES = [
  "sentence-transcription",
  "real-time-continue",
  "real-time-sentence",
  "real-time-short",
  "long-audio-transcription-post",
  "long-audio-transcription-get",
  "text-to-speech-customization",
  "real-time-synthesis",
  "vocabularies",
];
const SERVICES = ["one-sentence", "real-time", "recordings", "flash", "synthesis"];
const DELAY = METRICS.at(-1);

export class Overview {
  /** @param {import("./main.js").Parts} parts */
  constructor({ root, texts, account, api }) {
    this.texts = texts;
    this.root = root;
    this.spans = [...root.querySelectorAll("#span input")];
    this.month = root.querySelector("#month");
    this.monitoring = new Pane(root.querySelector("#monitoring"), texts, account, {
      every: REFRESH_MS,
      load: async () => {
        const { span } = this;
        const times = timesOf(span, Date.now());
        const { from, to, period } = times;
        return { span, times, document: await api.ask(`monitoring?from=${from}&to=${to}&period=${period}`) };
      },
      draw: (data) => this.drawMonitoring(data),
      clear: () => this.clearMonitoring(),
    });
    this.usage = new Pane(root.querySelector("#usage"), texts, account, {
      every: REFRESH_MS,
      load: async () => {
        const { from, to } = monthOf(Date.now(), this.month.selectedIndex);
        return api.ask(`usage?from=${from}&to=${to}`);
      },
      draw: (data) => this.drawUsage(data),
    });
    this.charts = METRICS.map((metric) => this.chart(metric));
    this.none = element("p", { className: "fine" });
    this.totals = element("div", { className: "totals" });
    const figures = element("div", { className: "figures" });
    figures.append(...this.charts.map(({ figure }) => figure));
    this.figures = figures;
    this.details = element("details", {});
    this.details.addEventListener("toggle", () => this.drawRows());
    this.monitoring.content.append(this.none, this.totals, figures, this.details);
    for (const one of this.spans) {
      one.addEventListener("change", () => void this.monitoring.reload());
    }
    this.month.addEventListener("change", () => void this.usage.reload());
  }

  get panes() {
    return [this.monitoring, this.usage];
  }

  get span() {
    return this.spans.find(({ checked }) => checked).value;
  }

  write() {
    const now = Date.now();
    const at = Math.max(0, this.month.selectedIndex);
    const name = (back) => this.texts.date(monthOf(now, back).at, { month: "long", year: "numeric", timeZone: "UTC" });
    this.month.replaceChildren(...Array.from({ length: MONTHS }, (_, back) => element("option", { textContent: name(back) })));
    this.month.selectedIndex = at;
    this.panes.forEach((pane) => pane.render());
  }

  // Calls

  chart(metric) {
    const figure = element("figure", {});
    const caption = element("figcaption", {});
    const title = element("h3", {});
    const reading = element("span", { className: "fine" });
    caption.append(title, reading);
    const place = element("div", { className: "chart" });
    figure.append(caption, place);
    return { metric, figure, title, reading, chart: new Chart(place, (at) => this.read(metric, at)) };
  }

  drawMonitoring({ span, times, document }) {
    const { texts } = this;
    const interfaces = called(document);
    this.shown = { span, times, interfaces };
    this.none.hidden = interfaces.length > 0;
    this.none.textContent = texts.say("no_calls");
    this.totals.hidden = this.figures.hidden = this.details.hidden = interfaces.length === 0;
    this.totals.replaceChildren(this.table(texts.say("totals"), [], interfaces.map(({ name, points }) => ({ name, ...summed(points) }))));
    for (const { metric, title, reading, chart } of this.charts) {
      const lines = interfaces.map(({ name, points }) => ({ values: values(points, metric, times), line: lineOf(name) }));
      const highest = Math.max(0, ...lines.flatMap((one) => one.values.map((value) => value ?? 0)));
      title.textContent = texts.say(metric === DELAY ? "figure_average_delay" : `metric_${metric}`);
      reading.textContent = "";
      chart.draw({
        label: texts.say("chart_label", { metric: title.textContent, highest: this.value(metric, highest) }),
        lines,
        times,
        number: (value) => this.short(value),
        time: (at, isDay) => texts.date(at, isDay ? { weekday: "short", day: "numeric" } : { hour: "2-digit", minute: "2-digit" }),
      });
    }
    this.drawRows();
  }

  clearMonitoring() {
    this.shown = undefined;
    this.totals.replaceChildren();
    this.details.replaceChildren();
  }

  drawRows() {
    const { texts, details, shown } = this;
    if (details.querySelector("summary") === null) {
      details.append(element("summary", {}), element("div", { className: "rows" }));
    }
    details.querySelector("summary").textContent = texts.say("as_table");
    // Long, and looked at by few.
    if (details.open && shown !== undefined) {
      const format = shown.span === "day" ? { weekday: "short", hour: "2-digit", minute: "2-digit" } : { weekday: "short", day: "numeric", month: "short" };
      const time = { name: texts.say("time"), of: ({ at }) => texts.date(at, format) };
      details.querySelector(".rows").replaceChildren(this.table(texts.say("as_table"), [time], rows(shown.interfaces, shown.span)));
    }
  }

  table(caption, more, list) {
    const { texts } = this;
    const columns = [...more.map(({ name }) => ({ name })), { name: texts.say("interface") }, ...METRICS.map((metric) => ({ name: texts.say(`metric_${metric}`), isNumber: true }))];
    const cells = list.map((row) => [
      ...more.map(({ of }) => of(row)),
      this.legend(row.name),
      ...METRICS.map((metric) => (row[metric] === null ? "–" : this.value(metric, row[metric]))),
    ]);
    return table(caption, columns, cells);
  }

  legend(name) {
    const legend = element("span", { className: "legend" });
    legend.append(sample(lineOf(name)), this.interfaceName(name));
    return legend;
  }

  interfaceName(name) {
    return INTERFACES.includes(name) ? this.texts.say(`interface_${name.replaceAll("-", "_")}`) : name;
  }

  /** What stands below the pointer. */
  read(metric, at) {
    const { reading } = this.charts.find((one) => one.metric === metric);
    if (at === null) {
      reading.textContent = "";
      return;
    }
    const { times, interfaces } = this.shown;
    const time = this.texts.date(times.from + at * times.step, { weekday: "short", hour: "2-digit", minute: "2-digit" });
    const said = interfaces.flatMap(({ name, points }) => {
      const value = values(points, metric, times)[at];
      return value === null || (value === 0 && interfaces.length > 1) ? [] : [`${this.interfaceName(name)} ${this.value(metric, value)}`];
    });
    reading.textContent = [time, ...said].join(" · ");
  }

  value(metric, value) {
    return metric === DELAY ? this.texts.say("milliseconds", { number: this.texts.number(value, value < 10 ? 1 : 0) }) : this.texts.number(value);
  }

  /** For the scale of a chart. */
  short(value) {
    return new Intl.NumberFormat(this.texts.locale, { notation: "compact", maximumFractionDigits: 2 }).format(value);
  }

  // Usage

  drawUsage(document) {
    const { texts } = this;
    const found = services(document);
    const warnings = document.warnings.map((one) => element("p", { className: "notice mild", textContent: this.warning(one) }));
    const none = element("p", { className: "fine", textContent: texts.say("no_usage"), hidden: found.length > 0 });
    const cards = element("div", { className: "uses" });
    cards.append(...found.map((one) => this.use(one)));
    const details = element("details", { hidden: document.usage.length === 0, open: this.usage.content.querySelector("details")?.open ?? false });
    details.append(element("summary", { textContent: texts.say("usage_days") }), ...this.days(document.usage));
    this.usage.content.replaceChildren(...warnings, none, cards, details);
  }

  warning({ bound, service, percent, message }) {
    const key = { quota: "warning_quota", packages: "warning_packages" }[bound];
    return key === undefined ? message : this.texts.say(key, { service: this.serviceName(service), percent });
  }

  use({ service, unit, calls, amount, onDemand, bounds }) {
    const { texts } = this;
    const card = element("section", { className: "card" });
    card.append(
      element("h3", { textContent: this.serviceName(service) }),
      element("p", { className: "big", textContent: this.amount(unit, amount) }),
      element("p", {
        className: "fine",
        textContent: texts.say(bounds.some(({ kind }) => kind === "package") ? "use_on_demand" : "use_calls", { calls: this.texts.number(calls), rest: this.amount(unit, onDemand) }),
      }),
      ...bounds.map((one) => this.bound(one, unit)),
    );
    return card;
  }

  bound({ kind, used, of, starts_at, ends_at }, unit) {
    const { texts } = this;
    const box = element("div", { className: "bound" });
    box.dataset.level = levelOf(used, of);
    const day = (time) => (time === undefined ? "" : texts.date(new Date(time), { dateStyle: "medium" }));
    const words = texts.say(`bound_${kind}`, { used: unit === "calls" ? this.texts.number(used) : this.amount(unit, used), of: this.amount(unit, of), since: day(starts_at), until: day(ends_at) });
    const level = { ok: "", nearly: texts.say("bound_nearly"), over: texts.say("bound_over") }[box.dataset.level];
    const bar = element("progress", { max: Math.max(of, 1), value: of === 0 ? 1 : Math.min(used, of) });
    bar.setAttribute("aria-label", words);
    box.append(element("span", { textContent: words }), element("strong", { textContent: level }), bar);
    return box;
  }

  days(list) {
    const { texts } = this;
    const columns = [{ name: texts.say("day") }, { name: texts.say("service") }, { name: texts.say("key") }, { name: texts.say("calls"), isNumber: true }, { name: texts.say("amount"), isNumber: true }];
    const { shown, rest } = beginning([...list].sort((a, b) => b.day.localeCompare(a.day)), texts);
    const cells = shown.map(({ day, service, access_id, calls, amount, unit }) => [
      day,
      this.serviceName(service),
      access_id ?? texts.say("no_key"),
      this.texts.number(calls),
      this.amount(unit, amount),
    ]);
    return [table(texts.say("usage_days"), columns, cells), ...rest];
  }

  serviceName(service) {
    return SERVICES.includes(service) ? this.texts.say(`service_${service.replaceAll("-", "_")}`) : service;
  }

  amount(unit, amount) {
    const isLong = unit === "seconds" && amount >= HOUR_S;
    const number = isLong ? this.texts.number(amount / HOUR_S, 2) : this.texts.number(amount);
    return this.texts.say(isLong ? "amount_hours" : unit === "calls" ? "amount_calls" : "amount_seconds", { number });
  }
}

function lineOf(name) {
  const at = INTERFACES.indexOf(name);
  return at === -1 ? INTERFACES.length : at;
}

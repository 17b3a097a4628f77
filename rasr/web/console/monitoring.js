/** Calls by interface over time, as the server counts them, made ready to be drawn. */

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** What is drawn, as the server names it; the last one is a mean of the calls, the others are sums. */
export const METRICS = ["successful_calls_of_service", "api_calls_with_4xx_response", "api_calls_with_5xx_response", "average_delay"];
const [CALLS, , , DELAY] = METRICS;

/** What the console itself asks all the time says nothing of the project. */
const OWN = new Set(["keys", "sessions", "monitoring", "usage"]);

/**
 * Name → how long it is, what the server is asked for, the steps of its charts and those of its table. A step is as
 * long as makes a line that can be read.
 * @type {Record<string, {length: number, period: number, step: number, rows: number}>}
 */
export const SPANS = {
  day: { length: DAY_MS, period: 300, step: HOUR_MS / 2, rows: HOUR_MS },
  week: { length: 7 * DAY_MS, period: 3600, step: 3 * HOUR_MS, rows: DAY_MS },
};

/** The time that a span has at `now`, in whole steps. */
export function timesOf(span, now) {
  const { length, period, step } = SPANS[span];
  const to = Math.ceil(now / step) * step;
  return { from: to - length, to, period, step };
}

/**
 * The interfaces that were called, with their points in the order of time.
 * @param {{interfaces: {interface: string, datapoints: object[]}[]}} document
 */
export function called(document) {
  return document.interfaces
    .filter((one) => !OWN.has(one.interface) && one.datapoints.length > 0)
    .map((one) => ({ name: one.interface, points: [...one.datapoints].sort((a, b) => a.timestamp - b.timestamp) }));
}

/**
 * A value for each step; a step without calls has none of them, and no delay.
 *
 * @param {object[]} points
 * @param {string} metric
 * @param {{from: number, to: number, step: number}} times
 * @returns {(number | null)[]}
 */
export function values(points, metric, { from, to, step }) {
  const steps = Array.from({ length: Math.round((to - from) / step) }, () => []);
  for (const point of points) {
    steps[Math.floor((point.timestamp - from) / step)]?.push(point);
  }
  return steps.map((found) => summed(found)[metric]);
}

/** Points as one: sums, and the mean delay of all their successful calls. */
export function summed(points) {
  const sums = Object.fromEntries(METRICS.map((metric) => [metric, points.reduce((sum, point) => sum + (point[metric] ?? 0), 0)]));
  const delays = points.reduce((sum, point) => sum + (point[DELAY] ?? 0) * point[CALLS], 0);
  return { ...sums, [DELAY]: sums[CALLS] === 0 ? null : delays / sums[CALLS] };
}

/**
 * The rows of a table: what was called in each hour, or day, of the reader's own time zone; the newest first.
 * @returns {{at: number, name: string}[]} with the metrics
 */
export function rows(interfaces, span) {
  const isDays = SPANS[span].rows === DAY_MS;
  const groups = new Map();
  for (const { name, points } of interfaces) {
    for (const point of points) {
      const at = new Date(point.timestamp);
      at.setMinutes(0, 0, 0);
      if (isDays) {
        at.setHours(0);
      }
      const key = `${at.getTime()} ${name}`;
      groups.set(key, { at: at.getTime(), name, points: [...(groups.get(key)?.points ?? []), point] });
    }
  }
  return [...groups.values()].map(({ at, name, points }) => ({ at, name, ...summed(points) })).sort((a, b) => b.at - a.at || a.name.localeCompare(b.name));
}

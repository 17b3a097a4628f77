/** What was used in a month, by service: sums, packages and quotas, ready to be shown. */

/** From this share on a package or quota is said to be nearly used up. */
const NEARLY = 0.8;

/** The days of the month that `back` months lie before the one of `now`, as the server takes them (UTC). */
export function monthOf(now, back = 0) {
  const day = new Date(now);
  const first = Date.UTC(day.getUTCFullYear(), day.getUTCMonth() - back, 1);
  const last = Date.UTC(day.getUTCFullYear(), day.getUTCMonth() - back + 1, 0);
  const text = (at) => new Date(at).toISOString().slice(0, 10);
  return { at: first, from: text(first), to: text(last) };
}

/** "ok", "nearly" or "over" */
export function levelOf(used, of) {
  if (used >= of) {
    return "over";
  }
  return used >= of * NEARLY ? "nearly" : "ok";
}

/**
 * By service, in the order of their names: what was used, and of what. A package that begins after `now` is of the kind "later".
 *
 * @param {{usage: object[], packages: object[], quotas: object[], on_demand: object[]}} document
 * @returns {{service: string, unit: string, calls: number, amount: number, onDemand: number, bounds: object[]}[]}
 */
export function services({ usage, packages, quotas, on_demand }, now = Date.now()) {
  const named = [...usage, ...packages, ...quotas, ...on_demand];
  const names = [...new Set(named.map(({ service }) => service))].sort();
  return names.map((service) => {
    const of = (list) => list.filter((one) => one.service === service);
    const sum = (list, field) => of(list).reduce((total, one) => total + one[field], 0);
    return {
      service,
      unit: of(named)[0].unit,
      calls: sum(usage, "calls"),
      amount: sum(usage, "amount"),
      onDemand: sum(on_demand, "amount"),
      bounds: [
        ...of(quotas).map(({ used, per_month }) => ({ kind: "quota", used, of: per_month })),
        ...of(packages).map(({ id, used, amount, starts_at, ends_at }) => ({ kind: Date.parse(starts_at) > now ? "later" : "package", id, used, of: amount, starts_at, ends_at })),
      ],
    };
  });
}

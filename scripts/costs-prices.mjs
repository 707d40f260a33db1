// Cloudflare's prices for Durable Objects with SQLite (paid plan, November 2026), in dollars, beyond what the plan includes.
const MILLION = 1e6;
const REQUEST = 0.15 / MILLION;
const GB_SECOND = 12.5 / MILLION;
const ROW_READ = 0.001 / MILLION;
const ROW_WRITTEN = 1 / MILLION;
/** An object is billed for 128 MB, whatever it takes. */
const GB = 0.128;

/** The price of what was used: `{requests, rowsRead, rowsWritten, duration, total}`. `awake` is in seconds. */
export function priceOf({ requests, rowsRead, rowsWritten, awake }) {
  const price = {
    requests: requests * REQUEST,
    rowsRead: rowsRead * ROW_READ,
    rowsWritten: rowsWritten * ROW_WRITTEN,
    duration: awake * GB * GB_SECOND,
  };
  return { ...price, total: Object.values(price).reduce((sum, part) => sum + part, 0) };
}

/** A number as one reads it: whole from 10 on, else with two digits that count. */
export function amount(value) {
  const digits = Math.abs(value) >= 10 ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: 2 };
  return value.toLocaleString('en-US', digits);
}

export function money(dollars) {
  if (dollars === 0) return '$0';
  if (dollars > 0 && dollars < 0.0001) return '< $0.0001';
  return `$${dollars.toFixed(dollars >= 0.1 ? 2 : 4)}`;
}

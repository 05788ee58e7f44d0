// The keys of the configuration as nested objects in camelCase. Which keys there are, and what they mean, is the core's.

/** A value of a setting. */
export type Setting = string | number | boolean | readonly string[] | { readonly [key: string]: Setting | undefined };

/** The keys of `gladhand.toml`: `{ journal: { path: 'journal.db' }, carriers: { aurora: { baseUrl: … } } }`. */
export interface Settings {
  environment?: string | undefined;
  tenant?: string | undefined;
  journal?: { readonly [key: string]: Setting | undefined } | undefined;
  identity?: { readonly [key: string]: Setting | undefined } | undefined;
  carriers?: { readonly [name: string]: { readonly [key: string]: Setting | undefined } } | undefined;
  gateway?: { readonly [key: string]: Setting | undefined } | undefined;
}

/** Dotted keys in snake case, as the core reads them; a name of a carrier stays as it is. */
export function settings(given: object): [key: string, value: string][] {
  return flatten(given, '');
}

function flatten(given: object, prefix: string): [string, string][] {
  return Object.entries(given).flatMap(([name, value]: [string, unknown]): [string, string][] => {
    const key = prefix + (prefix === 'carriers.' ? name : snake(name));
    if (value === undefined) return [];
    if (Array.isArray(value)) return [[key, value.join(',')]];
    if (typeof value === 'object' && value !== null) return flatten(value, `${key}.`);
    return [[key, String(value)]];
  });
}

function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

// What the tests share: where the vectors are.
import { fileURLToPath } from 'node:url';

/** The language-neutral cases. */
export const vectors =
  process.env['GLADHAND_VECTORS'] ?? fileURLToPath(new URL('../../conformance/vectors', import.meta.url));

/** The repository's README. */
export const readme = process.env['GLADHAND_README'] ?? fileURLToPath(new URL('../../README.md', import.meta.url));

/** The pinned tools of the package: a `node_modules` of its own. */
export const tools = process.env['GLADHAND_TOOLS'] ?? fileURLToPath(new URL('../node_modules', import.meta.url));

/** Programs for the type checker alone. */
export const types = process.env['GLADHAND_TYPES'] ?? fileURLToPath(new URL('../types', import.meta.url));

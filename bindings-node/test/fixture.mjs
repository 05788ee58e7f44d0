// What the tests share: where the vectors are.
import { fileURLToPath } from 'node:url';

/** The language-neutral cases. */
export const vectors =
  process.env['GLADHAND_VECTORS'] ?? fileURLToPath(new URL('../../conformance/vectors', import.meta.url));

/** The repository's README. */
export const readme = process.env['GLADHAND_README'] ?? fileURLToPath(new URL('../../README.md', import.meta.url));

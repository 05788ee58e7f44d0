// What the tests share: where the vectors are.
import { fileURLToPath } from 'node:url';

/** The language-neutral cases. */
export const vectors =
  process.env['GLADHAND_VECTORS'] ?? fileURLToPath(new URL('../../conformance/vectors', import.meta.url));

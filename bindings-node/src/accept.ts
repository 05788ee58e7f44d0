// What may be given where a document is expected: a model, a native document, JSON text or bytes, or a plain object.
import { Document } from './native.js';
import { encode, Lexeme, Value, View, type Json } from './view.js';

/** A plain object: neither a promise, which is to be awaited, nor a model. */
export type Plain =
  { readonly [member: string]: unknown } | (object & { readonly then?: never; readonly document?: never });

/** A model of this kind, JSON text as string or bytes, or a plain object. Text and models keep their bytes; a number in a plain
 * object is written as JavaScript prints it, so give decimals as `new Lexeme('1250.00')`. */
export type DocumentLike<M extends View = View> = M | Document | Value | string | Uint8Array | Plain;

/** The native document of what was given. Throws `malformed_json`, or a TypeError for what JSON cannot say. */
export function documentOf(given: DocumentLike, name: string): Document {
  if (given instanceof Document) return given;
  if (given instanceof View) return given.document;
  if (typeof given === 'string' || given instanceof Uint8Array) return Document.parse(given);
  return Document.parse(encode(exact(given, name), name));
}

/** The same, where nothing may be given. */
export function optionalDocument(given: DocumentLike | undefined, name: string): Document | undefined {
  return given === undefined ? undefined : documentOf(given, name);
}

/** Numbers as the lexemes that JavaScript prints; `encode` refuses those that are no decimals. */
function exact(given: unknown, name: string): Json {
  if (typeof given === 'number' && !Number.isSafeInteger(given)) return new Lexeme(String(given));
  if (typeof given !== 'object' || given === null) return given as Json;
  if (given instanceof Date) return given.toISOString();
  if (Array.isArray(given)) return given.map((item, place) => exact(item, `${name}[${place}]`));
  const prototype: unknown = Object.getPrototypeOf(given);
  if (prototype !== Object.prototype && prototype !== null) return given as Json;
  return Object.fromEntries(Object.entries(given).map(([key, item]) => [key, exact(item, `${name}.${key}`)]));
}

// What the generated models stand on: typed views over the core's lossless document.
//
// A view never parses JSON. It holds a native Document (one JSON text, kept byte for byte) and a JSON Pointer; reading a
// member asks the core for that member's lexeme, setting one replaces that member's bytes and no others. Views of one
// document share it, so `offer.rate.amount = '1300.00'` changes the offer.
import { inspect } from 'node:util';
import { makeError, type GladhandError } from './errors.js';
import { Document, quote } from './native.js';

/** A place in a document that a family of views shares. */
export class At {
  constructor(
    readonly root: { document: Document },
    readonly pointer: string,
  ) {}
}

/** A number exactly as it is to stand in the document, for free members: `new Lexeme('0.10')`. */
export class Lexeme {
  constructor(readonly text: string) {
    if (!NUMBER.test(text)) throw new TypeError(`${text} is not a decimal number`);
  }
}

/** What a free member takes: a view, or a structure. Numbers must be safe integers; use Lexeme for a decimal. */
export type Json =
  | View
  | Value
  | Document
  | Lexeme
  | string
  | number
  | bigint
  | boolean
  | null
  | readonly Json[]
  | { readonly [member: string]: Json | undefined };

declare const unlisted: unique symbol;
/** A text of an enumeration that may grow, which this version does not know. Only what is read is one: a text of your own is
 * checked against those that are known, and `'…' as Unlisted` says that you mean it. */
export type Unlisted = string & { readonly [unlisted]: never };

/** How one kind of member is read and written. */
export interface Codec<Read, Write> {
  readonly what: string;
  read(at: At): Read | undefined;
  write(value: Write, name: string): string;
}

const NUMBER = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?$/;
const INTEGER = /^-?(?:0|[1-9][0-9]*)$/;

function wrong(name: string, what: string, value: unknown): TypeError {
  const found = value === null ? 'null' : Array.isArray(value) ? 'an array' : typeof value;
  return new TypeError(`${name} must be ${what}, not ${found}`);
}

function strings(what: string): Codec<string, string> {
  return {
    what,
    read: (at) => at.root.document.text(at.pointer) ?? undefined,
    write: (value, name) => {
      if (typeof value !== 'string') throw wrong(name, what, value);
      return quote(value);
    },
  };
}

/** A string. */
export const text = strings('a string');
/** An RFC 3339 instant, as text; `epochNanos` counts it. */
export const instant = strings('an RFC 3339 string');
const choices = strings('a string');
/** A string of an enumeration; unknown values are kept. */
export function choice<T extends string>(): Codec<T, T> {
  return choices as unknown as Codec<T, T>;
}
/** A safe integer. */
export const integer: Codec<number, number> = {
  what: 'a safe integer',
  read: (at) => {
    const lexeme = at.root.document.number(at.pointer) ?? '';
    return INTEGER.test(lexeme) && Number.isSafeInteger(Number(lexeme)) ? Number(lexeme) : undefined;
  },
  write: (value, name) => {
    if (!Number.isSafeInteger(value)) throw wrong(name, 'a safe integer', value);
    return String(value);
  },
};
/** A decimal as the string of its digits. Never a number: 0.1 is not a decimal. */
export const decimal: Codec<string, string> = {
  what: 'a decimal',
  read: (at) => at.root.document.number(at.pointer) ?? at.root.document.text(at.pointer) ?? undefined,
  write: (value, name) => {
    if (typeof value !== 'string' || !NUMBER.test(value))
      throw wrong(name, "a string of digits such as '1250.00'", value);
    return value;
  },
};
/** A boolean. */
export const flag: Codec<boolean, boolean> = {
  what: 'true or false',
  read: (at) => at.root.document.boolean(at.pointer) ?? undefined,
  write: (value, name) => {
    if (typeof value !== 'boolean') throw wrong(name, 'a boolean', value);
    return String(value);
  },
};
/** Any JSON value. */
export const json: Codec<Value, Json> = {
  what: 'a value',
  read: (at) => (kindAt(at) === undefined ? undefined : new Value(at)),
  write: encode,
};

/** A model inside a model. */
export function nested<T extends View, I extends object>(of: new (init: At | I) => T): Codec<T, T | I> {
  return {
    what: 'an object',
    read: (at) => (kindAt(at) === 'object' ? new of(at) : undefined),
    write: (value, name) => {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(name, `a ${of.name}`, value);
      if (value instanceof View && !(value instanceof of)) throw wrong(name, `a ${of.name}`, value);
      return (value instanceof View ? value : new of(value as I)).toJson();
    },
  };
}

/** An array; read as a fresh one, so set the whole of it to change it. */
export function list<R, W>(of: Codec<R, W>): Codec<readonly R[], readonly W[]> {
  return {
    what: 'an array',
    read: (at) => {
      if (kindAt(at) !== 'array') return undefined;
      return Array.from({ length: at.root.document.count(at.pointer) ?? 0 }, (_, place) => {
        const item = new At(at.root, `${at.pointer}/${place}`);
        const found = of.read(item);
        if (found === undefined) throw unreadable(item, of);
        return found;
      });
    },
    write: (value, name) => {
      if (!Array.isArray(value)) throw wrong(name, 'an array', value);
      return `[${(value as readonly W[]).map((item, place) => of.write(item, `${name}[${place}]`)).join(',')}]`;
    },
  };
}

function kindAt(at: At): string | undefined {
  return at.root.document.kind(at.pointer) ?? undefined;
}

function escape(token: string): string {
  return token.replaceAll('~', '~0').replaceAll('/', '~1');
}

function unreadable(at: At, codec: Codec<never, never> | Codec<unknown, never>): GladhandError {
  const absent = kindAt(at) === undefined;
  const message = absent ? 'is required' : `must be ${codec.what}`;
  const violations = [{ path: at.pointer, code: absent ? 'required' : 'type', message }];
  return makeError('schema_invalid', `${at.pointer} ${message}`, { violations });
}

/** A member that may be absent. */
export function get<R, W>(view: View, wire: string, codec: Codec<R, W>): R | undefined {
  return codec.read(view.place(wire));
}

/** A member that the contract requires; throws `schema_invalid` where it is absent. */
export function need<R, W>(view: View, wire: string, codec: Codec<R, W>): R {
  const at = view.place(wire);
  const found = codec.read(at);
  if (found === undefined) throw unreadable(at, codec as Codec<unknown, never>);
  return found;
}

/** Sets a member, or removes it with undefined; every other byte stays. */
export function put<R, W>(view: View, wire: string, codec: Codec<R, W>, value: W | undefined): void {
  const { root, pointer } = view.place(wire);
  if (value === undefined) {
    root.document = root.document.remove(pointer);
    return;
  }
  const changed = root.document.patch(pointer, codec.write(value, `${view.constructor.name}.${wire}`));
  root.document = changed.emitted((view.constructor as typeof View).entity, view.pointer, wire);
}

/** A document of the contract. An init object builds a new one; `fromJson` views one that came. */
export abstract class View {
  /** The name in the contract. */
  static readonly entity: string = '';
  readonly #at: At;

  protected constructor(init: At | object) {
    if (init instanceof At) {
      this.#at = init;
      return;
    }
    this.#at = new At({ document: Document.parse(Buffer.from('{}')) }, '');
    for (const [member, value] of Object.entries(init)) {
      if (!(member in this)) throw new TypeError(`${this.constructor.name} has no member ${member}`);
      if (value !== undefined) Reflect.set(this, member, value);
    }
    const { root } = this.#at;
    root.document = root.document.emitted((this.constructor as typeof View).entity, '');
  }

  /** A view of this JSON text, kept byte for byte. Throws `malformed_json`; `validate()` checks the contract. */
  static fromJson<T extends View>(this: new (init: At) => T, data: string | Uint8Array): T {
    const document = Document.parse(
      typeof data === 'string' ? Buffer.from(data) : Buffer.from(data.buffer, data.byteOffset, data.byteLength),
    );
    return new this(new At({ document }, ''));
  }

  /** A view of a native document. */
  static fromDocument<T extends View>(this: new (init: At) => T, document: Document): T {
    return new this(new At({ document }, ''));
  }

  /** The native document of this view by itself. */
  get document(): Document {
    return this.#at.pointer === '' ? this.#at.root.document : Document.parse(Buffer.from(this.toJson()));
  }

  /** The text, as it came or was changed. */
  toJson(): string {
    const { root, pointer } = this.#at;
    return pointer === '' ? root.document.json() : (root.document.raw(pointer) ?? 'null');
  }

  /** Checks the document against the contract and returns the view. Throws ValidationError with the violations. */
  validate(): this {
    this.document.validate((this.constructor as typeof View).entity);
    return this;
  }

  /** Any value below this one, by JSON Pointer (RFC 6901): also members that this version does not know. */
  find(pointer: string): Value | undefined {
    const at = new At(this.#at.root, this.#at.pointer + pointer);
    return kindAt(at) === undefined ? undefined : new Value(at);
  }

  /** Sets any value below this one, by JSON Pointer; undefined removes it. Every other byte stays. */
  set(pointer: string, value: Json | undefined): void {
    const { root } = this.#at;
    const at = this.#at.pointer + pointer;
    root.document = value === undefined ? root.document.remove(at) : root.document.patch(at, encode(value, pointer));
  }

  /** The JSON text of a member, as it stands in the document: `1250.00` keeps its zeros. */
  raw(member: string): string | undefined {
    const at = this.place(escape(member));
    return at.root.document.raw(at.pointer) ?? undefined;
  }

  /** The names of the members that are present, also those that this version does not know. */
  keys(): string[] {
    return this.#at.root.document.keys(this.#at.pointer);
  }

  /** Whether both have the same bytes. */
  equals(other: View): boolean {
    return this.constructor === other.constructor && this.toJson() === other.toJson();
  }

  /** As a plain object for an answer to a browser: decimals become strings. `toJson()` gives the bytes. */
  toJSON(): unknown {
    return new Value(this.#at).toJSON();
  }

  /** Where this view stands. @internal */
  get pointer(): string {
    return this.#at.pointer;
  }

  /** Where a member stands. @internal */
  place(wire: string): At {
    return new At(this.#at.root, `${this.#at.pointer}/${wire}`);
  }

  /** Identifiers, states, numbers and times; never free text, which may be personal data. */
  [inspect.custom](): string {
    const shown: string[] = [];
    for (const key of this.keys()) {
      const value = new Value(this.place(escape(key)));
      const plain = value.kind === 'number' || value.kind === 'boolean' || key.endsWith('Id') || key === 'state';
      if (plain && value.kind !== 'object' && value.kind !== 'array') shown.push(`${key}: ${value.raw}`);
    }
    return `${this.constructor.name} { ${shown.join(', ')} }`;
  }
}

/** A value of any shape: extensions, addresses, and members that this version does not know. */
export class Value {
  readonly #at: At;

  constructor(at: At) {
    this.#at = at;
  }

  /** object, array, string, number, boolean or null. */
  get kind(): string {
    return kindAt(this.#at) ?? 'null';
  }

  /** The string, if it is one. */
  get text(): string | undefined {
    return this.#at.root.document.text(this.#at.pointer) ?? undefined;
  }

  /** The number's digits, if it is one. */
  get number(): string | undefined {
    return this.#at.root.document.number(this.#at.pointer) ?? undefined;
  }

  /** The boolean, if it is one. */
  get boolean(): boolean | undefined {
    return this.#at.root.document.boolean(this.#at.pointer) ?? undefined;
  }

  /** The JSON text, as it stands in the document. */
  get raw(): string {
    return this.#at.root.document.raw(this.#at.pointer) ?? 'null';
  }

  /** How many elements or members. */
  get length(): number {
    return this.#at.root.document.count(this.#at.pointer) ?? 0;
  }

  /** The names of the members, in document order. */
  keys(): string[] {
    return this.kind === 'object' ? this.#at.root.document.keys(this.#at.pointer) : [];
  }

  /** The member of this name, or the element at this place. */
  get(key: string | number): Value | undefined {
    const at = new At(this.#at.root, `${this.#at.pointer}/${typeof key === 'string' ? escape(key) : key}`);
    return kindAt(at) === undefined ? undefined : new Value(at);
  }

  /** Numbers and booleans; of a text or a structure only its kind, for it may be personal data. */
  [inspect.custom](): string {
    const { kind } = this;
    if (kind === 'number' || kind === 'boolean' || kind === 'null') return `Value { ${this.raw} }`;
    return kind === 'string' ? 'Value { a string }' : `Value { ${kind} of ${this.length} }`;
  }

  /** The elements of an array. */
  *[Symbol.iterator](): IterableIterator<Value> {
    for (let place = 0; this.kind === 'array' && place < this.length; place += 1) {
      yield new Value(new At(this.#at.root, `${this.#at.pointer}/${place}`));
    }
  }

  /** As plain values: safe integers are numbers, every other number is the string of its digits. */
  toJSON(): unknown {
    switch (this.kind) {
      case 'object':
        return Object.fromEntries(this.keys().map((key) => [key, this.get(key)?.toJSON()]));
      case 'array':
        return [...this].map((item) => item.toJSON());
      case 'number':
        return INTEGER.test(this.raw) && Number.isSafeInteger(Number(this.raw)) ? Number(this.raw) : this.raw;
      case 'string':
        return this.text;
      case 'boolean':
        return this.boolean;
      default:
        return null;
    }
  }
}

/** A structure as JSON text. Throws a TypeError that names the member for a number that is not exact. */
export function encode(value: Json, name: string): string {
  if (value === null) return 'null';
  if (value instanceof View) return value.toJson();
  if (value instanceof Value) return value.raw;
  if (value instanceof Document) return value.json();
  if (value instanceof Lexeme) return value.text;
  if (typeof value === 'string') return quote(value);
  if (typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) throw wrong(name, 'exact: a safe integer, or a Lexeme', value);
    return String(value);
  }
  if (Array.isArray(value)) {
    return `[${(value as readonly Json[]).map((item, place) => encode(item, `${name}[${place}]`)).join(',')}]`;
  }
  if (typeof value === 'object') {
    const members = Object.entries(value as Record<string, Json | undefined>).filter(([, item]) => item !== undefined);
    return `{${members.map(([key, item]) => `${quote(key)}:${encode(item as Json, `${name}.${key}`)}`).join(',')}}`;
  }
  throw wrong(name, 'a JSON value', value);
}

const INSTANT = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/;

/** Nanoseconds since 1970 of an RFC 3339 instant. Throws a RangeError if it is none. */
export function epochNanos(instant: string): bigint {
  const found = INSTANT.exec(instant);
  const millis = found === null ? Number.NaN : Date.parse(instant.replace(/\.\d+/, ''));
  if (found === null || Number.isNaN(millis)) throw new RangeError(`${instant} is not an RFC 3339 instant`);
  return BigInt(millis) * 1_000_000n + BigInt((found[7] ?? '').padEnd(9, '0'));
}

export * from './errors.js';
export { Stream } from './stream.js';
export * from './models.js';
export { View, Value, Lexeme, epochNanos } from './view.js';
export { Document } from './native.js';

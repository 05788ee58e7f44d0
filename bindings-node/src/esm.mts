// The package for `import`: the same module, so that both worlds share one set of classes.
export * from './index.js';

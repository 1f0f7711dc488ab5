// Unit tests of the filter's pure rooms, in AssemblyScript: npx asp --config as-pect.config.js --as-config as-pect.asconfig.json
export default {
  entries: ["test/assembly/**/*.spec.ts"],
  include: [],
  disclude: [/node_modules/],
  outputBinary: false,
  async instantiate(memory, createImports, instantiate, binary) {
    return instantiate(binary, createImports({ env: { memory } }));
  },
};

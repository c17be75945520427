/** What does importing a codec's WebAssembly file give? esbuild's loader `file`: its name beside the built worker. */
declare module '*.wasm' {
  const fileName: string;
  export default fileName;
}

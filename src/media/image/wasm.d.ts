/** The type of an imported WebAssembly file: with esbuild's loader `file`, its name beside the built worker. */
declare module '*.wasm' {
  const fileName: string;
  export default fileName;
}

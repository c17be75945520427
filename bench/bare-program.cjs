/** The smallest Node program that answers each line with one line. */
process.stdin.setEncoding('utf8').on('data', (lines) => {
  for (const line of lines.split('\n')) {
    const { id } = line === '' ? {} : JSON.parse(line);
    if (id !== undefined) process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id, result: {} })}\n`);
  }
});

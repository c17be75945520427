/** Measures for how long a test's event loop could serve nothing else. */

/** Milliseconds of CPU that this thread has used: on a machine that is busy with something else, the clock runs on, and this does not. */
function cpuMilliseconds(): number {
  const { user, system } = (process as unknown as { threadCpuUsage(): NodeJS.CpuUsage }).threadCpuUsage();
  return (user + system) / 1000;
}

export interface SilenceMeter {
  /** Of CPU time in one stretch without a timer firing. */
  longestMilliseconds(): number;
  stop(): void;
}

export function measureSilence(): SilenceMeter {
  let last = cpuMilliseconds();
  let longest = 0;
  const look = () => {
    const now = cpuMilliseconds();
    longest = Math.max(longest, now - last);
    last = now;
  };
  const timer = setInterval(look, 10);
  return {
    longestMilliseconds: () => {
      look();
      return longest;
    },
    stop: () => clearInterval(timer),
  };
}

// A position as players show it: 0:18, 12:05, 1:02:03.
export function clock(seconds) {
  const whole = Math.floor(seconds + 1e-6);
  const pad = (n) => String(n).padStart(2, "0");
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  return hours ? `${hours}:${pad(minutes)}:${pad(rest)}` : `${minutes}:${pad(rest)}`;
}

import { type Call, stopSeconds } from './call.js';

export interface UnitFile {
  /** Below `/etc/systemd/system`. */
  readonly name: string;
  readonly text: string;
}

export interface SystemdCall extends Call {
  readonly job: string;
  /** Minutes of the hour by the clock of `zone`. */
  readonly minutes: readonly number[];
  readonly zone: string;
  /** Who owns project and state. */
  readonly user: string;
  /** How long items in flight may take after the first signal. */
  readonly graceMs: number;
  /** Comment lines: what must be added to its environment. */
  readonly needs: readonly string[];
}

/**
 * Service and timer of one job; the journal is its log. `KillMode=mixed` sends the first signal to nightpress alone, which
 * lets its workers end what they are at; systemd kills what is left after grace and some more. `Persistent` calls at once
 * when the machine was off. A service that still runs is not started again.
 */
export function systemdUnits(call: SystemdCall): readonly UnitFile[] {
  const name = `nightpress-${call.job}`;
  return [
    { name: `${name}.service`, text: service(call) },
    { name: `${name}.timer`, text: timer(call) },
  ];
}

function service({ job, words, env, user, graceMs, needs }: SystemdCall): string {
  const environment = Object.entries(env).map(([name, value]) => `Environment=${unitWord(`${name}=${value}`)}\n`);
  return `[Unit]
Description=nightpress publishes ${job}
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
User=${user}
${needs.map((line) => `${line}\n`).join('')}${environment.join('')}ExecStart=:${words.map(unitWord).join(' ')}
TimeoutStartSec=infinity
KillMode=mixed
KillSignal=SIGTERM
TimeoutStopSec=${stopSeconds(graceMs)}
# 3: live, with items carried or missing. Without it the unit fails until they are mended or accepted.
SuccessExitStatus=3 143
`;
}

function timer({ job, minutes, zone }: SystemdCall): string {
  const at = minutes.length === 60 ? '*' : minutes.map((minute) => String(minute).padStart(2, '0')).join(',');
  return `[Unit]
Description=nightpress calls ${job}, which knows its window

[Timer]
OnCalendar=*-*-* *:${at}:00 ${zone}
AccuracySec=1s
Persistent=true

[Install]
WantedBy=timers.target
`;
}

/** The `:` before the program keeps `$` as it is; `%`, quotes and backslashes are systemd's own to the end. */
function unitWord(word: string): string {
  const escaped = word.replaceAll('%', '%%');
  if (/^[\w./@:+%-]+$/.test(word)) return escaped;
  return `"${escaped.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
}

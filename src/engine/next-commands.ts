import { causesOf, showsAlone } from '../domain/causes.js';
import { isPromotable } from '../domain/channels.js';
import { deadlineRule, importRule } from '../domain/deadline.js';
import type { EdgeRecord } from '../domain/edges.js';
import { gateRules } from '../domain/gate.js';
import type { Head } from '../domain/head.js';
import type { Result } from '../domain/result.js';
import { assetCommand } from '../domain/shell.js';
import type { Finding, Job, Outcome } from '../domain/types.js';
import { publishCommand } from './move-head.js';
import { promoteCommand } from './promotion.js';
import type { ReportInput } from './report.js';

/** What the way a night ended is told by. */
type Ending = Pick<ReportInput, 'outcome' | 'held' | 'fault' | 'edges' | 'head'>;

/** The exact next commands for each way a night can end. */
export function nextCommands(job: Job, input: Ending, findings: readonly Finding[]): readonly string[] {
  return [
    ...edgeCommands(job.name, input.edges ?? []),
    ...(isShown(input.outcome) ? promoteCommands(job, input.head) : []),
    ...commandsAfter(job, input, findings),
  ];
}

function commandsAfter(line: Line, input: Ending, findings: readonly Finding[]): readonly string[] {
  const job = line.name;
  switch (input.outcome) {
    case 'held':
      return [...commandsWhenHeld(line, input), ...commandsToLook(job, errorsOf(findings))];
    case 'incomplete':
      return commandsWhenIncomplete(job, errorsOf(findings));
    case 'failed':
      return (input.fault?.waysOut ?? ['nightpress run {job}']).map((way) => way.replaceAll('{job}', job));
    case 'interrupted':
      return [`nightpress run ${job}`];
    case 'unknown':
      return [`nightpress run ${job}`, `nightpress publish ${job} --resolve`];
    case 'published':
      return [`nightpress status ${job}`];
    default:
      return [];
  }
}

function errorsOf(findings: readonly Finding[]): readonly Finding[] {
  return findings.filter(({ severity }) => severity === 'error');
}

/** Each with the command that shows its sample failing. */
export function causesTold(job: string, findings: readonly Finding[]): Pick<Result, 'causes'> {
  const causes = causesOf(errorsOf(findings));
  if (causes.length === 0) return {};
  const told = causes.map((cause) => {
    const { key } = cause.sample;
    return key !== undefined && showsAlone(cause.sample) ? { ...cause, command: assetCommand('try', job, key) } : cause;
  });
  return { causes: told };
}

function commandsWhenIncomplete(job: string, errors: readonly Finding[]): readonly string[] {
  if (errors.every(({ code }) => code === 'vanished')) return [`nightpress run ${job} --now`];
  return [`nightpress retry ${job} --failed`, ...commandsToLook(job, errors)];
}

/** One asset failing, or, where that shows nothing, the story of one. */
function commandsToLook(job: string, errors: readonly Finding[]): readonly string[] {
  const failing = errors.find(showsAlone);
  const { key } = failing ?? errors.find((finding) => finding.key !== undefined) ?? {};
  if (key === undefined) return [];
  return (failing ? (['try', 'explain'] as const) : (['explain'] as const)).map((verb) => assetCommand(verb, job, key));
}

type Hold = NonNullable<Result['held']>[number];

/** A rule that a command can lift names it. */
export function withOverride(job: string, hold: Hold, held: readonly Hold[]): Hold {
  const rules = gateRulesOf(held);
  return rules.includes(hold.rule) ? { ...hold, command: publishCommand(job, rules) } : hold;
}

function gateRulesOf(held: readonly Hold[]): readonly string[] {
  return held.map(({ rule }) => rule).filter((rule) => (gateRules as readonly string[]).includes(rule));
}

/** A freeze is lifted first; then one command names every rule that is left. */
function commandsWhenHeld(line: Line, { held = [], head }: Ending): readonly string[] {
  if (isByDeadline(held)) return [`nightpress run ${line.name} --rerun --deadline none`];
  const rules = gateRulesOf(held);
  return [
    ...(rules.length < held.length ? [`nightpress unfreeze ${line.name}`] : []),
    ...(rules.length > 0 ? overrideCommands(line, rules, head) : []),
  ];
}

type Line = Pick<Job, 'name' | 'channel'>;

/** What an unmounted or half copied source looks like. */
const ofTheSource: readonly string[] = ['empty', 'shrink'];

/** To publish all the same comes last: after a look at the source, where that may be the cause, and at what would change. */
export function overrideCommands(
  { name, channel }: Line,
  rules: readonly string[],
  head: Head | undefined,
): readonly string[] {
  const isComparable = channel === undefined && head?.channels.live !== undefined;
  return [
    ...(rules.some((rule) => ofTheSource.includes(rule))
      ? [`is the source mounted and whole? then: nightpress run ${name}`]
      : []),
    ...(isComparable ? [`nightpress diff ${name} live staged`] : []),
    publishCommand(name, rules),
  ];
}

/** Tells who was not told, and looks; anybody who was told stays so. */
export function edgeCommands(job: string, edges: readonly EdgeRecord[]): readonly string[] {
  return edges.some(({ error }) => error !== undefined) ? [`nightpress run ${job} --wait`] : [];
}

/** What the run made or confirmed is what its line of snapshots shows. */
function isShown(outcome: Outcome): boolean {
  return outcome === 'published' || outcome === 'incomplete' || outcome === 'unchanged';
}

/** How readers of the site would see what a channel shows. */
export function promoteCommands({ name, channel }: Job, head: Head | undefined): readonly string[] {
  if (channel === undefined || !head || !isPromotable(head)) return [];
  return [promoteCommand(name, { channel })];
}

export function isByDeadline(held: Result['held']): boolean {
  return held?.some(({ rule }) => rule === deadlineRule || rule === importRule) ?? false;
}

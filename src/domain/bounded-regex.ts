/**
 * Regular expressions in time that a hostile text cannot blow up. The engine of the language tries one way after the
 * other: `*(a|a*)*(a|a*)b` takes years over a name of sixty characters. Here a part of an expression is a function from
 * the places where the rest may begin to those where the part may begin, so no place is asked twice: one pass over the
 * text for each part, for a repeat inside a repeat one for each place.
 *
 * Only what globs compile to: literals, classes, groups, `|`, `* + ?`, `^ $` and looking ahead. The rest is refused.
 *
 * Rejected: re2 and its ports (they cannot look ahead, and every `*` does, for dotfiles); a time limit (one name would
 * stop the night).
 */
interface Part {
  readonly startsFor: (text: Text, ends: Places) => Places;
  /** UTF-16 code units that it takes, where that is one number. */
  readonly width: number | undefined;
  /** `*` and `+` in it, and how deep they lie in each other. */
  readonly repeats: number;
  readonly depth: number;
  /** By how many ways of the same repeats it may be tried. */
  readonly ways: number;
}

type Places = ReadonlySet<number>;

interface Text {
  readonly text: string;
  /** Where a look ahead succeeds, once known. */
  readonly seen: Map<Part, Places>;
}

/** A class, an escape that stands for one code unit, or a code unit that stands for itself. */
const oneUnitPattern = /^(?:\[(?:\\.|[^\]\\])*\]|\\u[\da-f]{4}|\\x[\da-f]{2}|\\[^1-9bBckux]|\{(?!\d)|[^*+?{\\[()])/is;

/** Lazy or not: only whether it matches is asked. */
const repeatPattern = /^(?:[*+?]|\{([01]),([12])\})\??/;

const deepest = 2;
/** Within these the engine of the language is safe too, and a hundred times faster. */
const plainRepeats = 3;
const plainWays = 256;

/** Tells whether a whole text matches. Throws `SyntaxError` on an expression that it cannot bound. */
export function compileBounded(regex: RegExp): (text: string) => boolean {
  const part = new Parser(regex.source).whole();
  if (part.depth > deepest)
    throw new SyntaxError(`has repeats in repeats in repeats, expected at most ${deepest} deep`);
  const isPlain = part.depth <= 1 && part.repeats <= plainRepeats && part.ways <= plainWays;
  return isPlain ? (text) => regex.test(text) : (text) => matchesWhole(part, text);
}

function matchesWhole(part: Part, text: string): boolean {
  return part.startsFor({ text, seen: new Map() }, new Set([text.length])).has(0);
}

class Parser {
  private at = 0;

  constructor(private readonly source: string) {}

  whole(): Part {
    const part = this.choice();
    if (this.at < this.source.length) throw this.unbounded(this.source.charAt(this.at));
    return part;
  }

  private choice(): Part {
    const branches = [this.sequence()];
    while (this.takes('|')) branches.push(this.sequence());
    return branches.length === 1 && branches[0] ? branches[0] : anyOf(branches);
  }

  private sequence(): Part {
    const parts: Part[] = [];
    while (this.at < this.source.length && !'|)'.includes(this.source.charAt(this.at))) parts.push(this.repeated());
    return inTurn(parts);
  }

  private repeated(): Part {
    const part = this.atom();
    const [sign, least, most] = repeatPattern.exec(this.source.slice(this.at)) ?? [];
    if (sign === undefined) return part;
    this.at += sign.length;
    const nothing = inTurn([]);
    if (sign.startsWith('?')) return anyOf([part, nothing]);
    if (sign.startsWith('*')) return anyOf([repeat(part), nothing]);
    if (sign.startsWith('+')) return repeat(part);
    const [must, may] = [Number(least), Number(most) - Number(least)];
    return inTurn([...Array<Part>(must).fill(part), ...Array<Part>(may).fill(anyOf([part, nothing]))]);
  }

  private atom(): Part {
    if (this.takes('(?:')) return this.closed((part) => part);
    if (this.takes('(?=')) return this.closed((part) => ahead(part, true));
    if (this.takes('(?!')) return this.closed((part) => ahead(part, false));
    if (this.takes('(?')) throw this.unbounded('(?');
    if (this.takes('(')) return this.closed((part) => part);
    if (this.takes('^')) return onlyAt((place) => place === 0);
    if (this.takes('$')) return onlyAt((place, length) => place === length);
    const [unit] = oneUnitPattern.exec(this.source.slice(this.at)) ?? [];
    if (unit === undefined) throw this.unbounded(this.source.slice(this.at, this.at + 2));
    this.at += unit.length;
    return oneUnit(new RegExp(`^${unit}$`, 's'));
  }

  private closed(make: (inner: Part) => Part): Part {
    const part = make(this.choice());
    if (!this.takes(')')) throw this.unbounded('(');
    return part;
  }

  private takes(text: string): boolean {
    if (!this.source.startsWith(text, this.at)) return false;
    this.at += text.length;
    return true;
  }

  private unbounded(what: string): SyntaxError {
    return new SyntaxError(`holds '${what}', for which no time can be promised`);
  }
}

function inTurn(parts: readonly Part[]): Part {
  return {
    startsFor: (text, ends) =>
      parts.reduceRight((places, part) => (places.size === 0 ? places : part.startsFor(text, places)), ends),
    width: parts.reduce<number | undefined>(
      (sum, { width }) => (sum === undefined || width === undefined ? undefined : sum + width),
      0,
    ),
    ...sizeOf(parts, (ways, part) => ways * part.ways),
  };
}

function anyOf(branches: readonly Part[]): Part {
  return {
    startsFor: (text, ends) => new Set(branches.flatMap((branch) => [...branch.startsFor(text, ends)])),
    width: undefined,
    ...sizeOf(branches, (ways, part) => ways + part.ways, 0),
  };
}

function sizeOf(parts: readonly Part[], add: (ways: number, part: Part) => number, ways = 1) {
  return {
    repeats: parts.reduce((sum, part) => sum + part.repeats, 0),
    depth: Math.max(0, ...parts.map((part) => part.depth)),
    ways: parts.reduce(add, ways),
  };
}

/** Once or more. What one round newly reaches is all that the next begins from. */
function repeat(part: Part): Part {
  const isStep = part.width === 1 && part.repeats === 0;
  return {
    startsFor: (text, ends) => {
      const starts = new Set<number>();
      for (let fresh = ends; fresh.size > 0; ) {
        const reached = [...part.startsFor(text, fresh)].filter((place) => !starts.has(place));
        for (const place of reached) starts.add(place);
        fresh = new Set(reached);
      }
      return starts;
    },
    width: undefined,
    repeats: part.repeats + 1,
    depth: isStep ? 1 : Math.max(part.depth, 1) + 1,
    ways: part.ways,
  };
}

function ahead(part: Part, wanted: boolean): Part {
  const holds = ({ text, seen }: Text): Places => {
    const known = seen.get(part);
    if (known) return known;
    const everywhere = new Set(Array.from({ length: text.length + 1 }, (_, place) => place));
    const found = part.startsFor({ text, seen }, everywhere);
    seen.set(part, found);
    return found;
  };
  return {
    ...part,
    startsFor: (text, ends) => {
      const found = holds(text);
      return new Set([...ends].filter((place) => found.has(place) === wanted));
    },
    width: 0,
  };
}

function onlyAt(is: (place: number, length: number) => boolean): Part {
  const startsFor: Part['startsFor'] = ({ text }, ends) => new Set([...ends].filter((place) => is(place, text.length)));
  return { startsFor, width: 0, repeats: 0, depth: 0, ways: 1 };
}

function oneUnit(unit: RegExp): Part {
  const startsFor: Part['startsFor'] = ({ text }, ends) =>
    new Set([...ends].filter((end) => end > 0 && unit.test(text.charAt(end - 1))).map((end) => end - 1));
  return { startsFor, width: 1, repeats: 0, depth: 0, ways: 1 };
}

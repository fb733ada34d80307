// Runs the engine of the pages on questions from standard input, for the tests: {data, asks: [[name, ...arguments]]}.

import { readFileSync } from "node:fs";
import { Captioner } from "../../serving/data/engine/captioner.js";
import { caseOf } from "../../serving/data/engine/casing.js";
import { featuresOf } from "../../serving/data/engine/confidence.js";
import { WriteOnce, constrain } from "../../serving/data/engine/constraints.js";
import { cutLine } from "../../serving/data/engine/cutting.js";
import { Generator } from "../../serving/data/engine/generator.js";
import { LoopGuard, repetitionOf, wordTable } from "../../serving/data/engine/loops.js";
import { randomNumbers } from "../../serving/data/engine/random.js";
import { readRules } from "../../serving/data/engine/rules.js";
import { draw } from "../../serving/data/engine/sampling.js";
import { search } from "../../serving/data/engine/search.js";
import { sentenceSpans } from "../../serving/data/engine/sentences.js";
import { findSpans } from "../../serving/data/engine/spans.js";
import { Network } from "../../serving/data/engine/network.js";
import { Translator } from "../../serving/data/engine/translator.js";
import { readVocabulary } from "../../serving/data/engine/vocabulary.js";
import { encoder, follower, stepper } from "./arithmetic_network.mjs";

const { data, asks } = JSON.parse(readFileSync(0, "utf8"));
const translator = data && new Translator(data, null, { nBest: 5 });

/** Offsets in UTF-16 units as those in code points. */
const points = (text, offsets) => offsets.map((offset) => [...text.slice(0, offset)].length);

/** A model that is a table: log-probabilities after the token before the last and the last one. */
class TableState {
  constructor(tables, previous, read) {
    Object.assign(this, { tables, previous, read, count: tables.length });
  }
  reorder(parents) {
    return new TableState(this.tables, parents.map((i) => this.previous[i]), parents.map((i) => this.read[i]));
  }
  keep(sentences) {
    const each = this.previous.length / this.count;
    const rows = (list) => sentences.flatMap((i) => list.slice(i * each, (i + 1) * each));
    return new TableState(sentences.map((i) => this.tables[i]), rows(this.previous), rows(this.read));
  }
}

async function tableStep(tokens, { tables, previous, read }) {
  const each = tokens.length / tables.length;
  const rows = tokens.map((token, i) => tables[Math.floor(i / each)][previous[i]][token].map(Number));
  const newest = read.map((row, i) => [tokens[i], ...row.slice(0, -1)]);
  return {
    logProbabilities: Float32Array.from(rows.flat()),
    vocabulary: rows[0].length,
    attention: Float32Array.from(newest.flat()),
    positions: newest[0].length,
    state: new TableState(tables, tokens, newest),
  };
}

/** A constrained step and state: `once` has {needed, first, last} and `loops` {starts, doubled, signs, sources}. */
function constrained({ once, loops }, step, state, end) {
  if (loops) {
    const guard = new LoopGuard(loops, loops, 3);
    [step, state] = constrain(step, state, loops.sources.map((source) => guard.noLoops(source)));
  }
  if (once) [step, state] = constrain(step, state, once.needed.map((ids) => new WriteOnce(ids, { ...once, end })));
  return [step, state];
}

const answers = {
  segments: (vocabulary, texts) => {
    const read = readVocabulary(vocabulary);
    return texts.map((text) => [read.encode(text), read.pieces(text), read.tokens(read.encode(text))]);
  },
  matches: (pattern, texts) => {
    const { anything } = readRules({ anything: pattern });
    const groups = (match) => Object.keys(pattern.groups).map((number) => match.group(number) ?? null);
    return texts.map((text) => [...anything.matches(text)].map((match) =>
      [...points(text, [match.start, match.end]), groups(match)]));
  },
  decoded: (vocabulary, all) => {
    const read = readVocabulary(vocabulary);
    return all.map(([ids, copies]) => read.decode(ids, copies));
  },
  wordStarts: (vocabulary) => readVocabulary(vocabulary).wordStarts,
  spans: (text) =>
    findSpans(text, translator.rules).map(({ start, end, kind }) => [...points(text, [start, end]), kind]),
  sentences: (text) => sentenceSpans(text, translator.rules).map((span) => points(text, span)),
  case: (text) => caseOf(text, translator.rules),
  cut: (line, limit) => {
    const { pieces, between, isLong } = cutLine(line, translator.reader, limit);
    return {
      between,
      is_long: isLong,
      pieces: pieces.map((piece) => ({
        text: piece.text,
        ids: piece.ids,
        tokens: piece.tokens,
        copies: [...piece.copies],
        marks: piece.marks.map(({ text, position, left, right }) => [text, position, left, right]),
        case: piece.case,
        capitals: [...piece.capitals].sort((a, b) => a - b),
        translatable: piece.translatable,
        final_mark: piece.finalMark(translator.rules),
      })),
    };
  },
  written: (line, hypotheses) => {
    const cut = cutLine(line, translator.reader, translator.rules.model.max_source_length);
    return translator.writer.write(cut, hypotheses).map(({ text, score, tokens, attention }) =>
      ({ text, score, tokens, attention: attention && attention.map((row) => [...row]) }));
  },
  judged: (line, hypotheses) => {
    const { pieces } = cutLine(line, translator.reader, translator.rules.model.max_source_length);
    const features = pieces.map((piece, i) => (hypotheses[i].length ? featuresOf(piece, hypotheses[i][0]) : null));
    return { features, judgement: translator.calibration.judge(pieces, hypotheses) };
  },
  repetition: (tokens, words) => repetitionOf(tokens, words),
  loops: (tokens, source, words) => new LoopGuard(words, words, 3).loops(tokens, source),
  allowed: (source, words) => new LoopGuard(words, words, 3).allowedBy(source),
  wordTable: (side) => {
    const table = wordTable(translator[side], data.rules.words[side]);
    const marks = { doubled: [...table.doubled], signs: [...table.signs], unique: [...table.unique] };
    return { starts: table.starts, ...marks };
  },
  found: async (tables, limits, options, constraints) => {
    const first = new TableState(tables, tables.map(() => 0), tables.map(() => Array(24).fill(0)));
    const [step, state] = constrained(constraints, tableStep, first, options.end);
    const found = await search(step, state, limits, options);
    return found.map((of) => of.map((each) => ({ ...each, attention: each.attention.map((row) => [...row]) })));
  },
  captioned: (captioner, familiarity, hypothesis, summary) => {
    const model = new Captioner(captioner, null, Buffer.from(familiarity, "base64"));
    const features = model.featuresOf(hypothesis, summary);
    return { sentence: model.write(hypothesis), features, judgement: model.calibration.judgeOne(features) };
  },
  translated: async (texts, options) => {
    const network = new Network(encoder, stepper(translator.target.size));
    const found = await new Translator(data, network, options).translate(texts);
    return found.map(({ places, nBest, ...rest }, i) => ({
      ...rest,
      places: places.map((place) => points(texts[i].normalize("NFC"), place)),
      nBest: nBest.map((each) => ({ ...each, attention: each.attention?.map((row) => [...row]) ?? null })),
    }));
  },
  numbers: (seed, key, count) => {
    const numbers = randomNumbers(BigInt(seed), key);
    return Array.from({ length: count }, () => numbers.next().value);
  },
  drawn: (rows, banned, options, numbers) =>
    rows.map((row, i) => draw(Float32Array.from(row.map(Number)), new Set(banned), options, numbers[i])),
  sampled: async (model, prime, { seed, ...options }) => {
    const generator = new Generator(model, new Network(null, follower(model.vocabulary.surfaces.length + 4)));
    let sample;
    try {
      sample = generator.begin(prime, { ...options, seed: BigInt(seed) });
    } catch (error) {
      return { error: error.message };
    }
    const pieces = [];
    while (!sample.done) pieces.push(await sample.advance());
    const { text, tokens, logProbability, stopped } = sample;
    return { text, tokens, log_probability: logProbability, stopped, whole: pieces.join("") === text };
  },
  batches: (lengths, width, batchTokens) => {
    const sized = new Translator(data, null, { width }, batchTokens);
    return sized.batches([...lengths.keys()], (i) => lengths[i]);
  },
};

const results = [];
for (const [name, ...given] of asks) results.push(await answers[name](...given));
process.stdout.write(JSON.stringify(results));

import * as fc from 'fast-check';
import type { Pod } from '../../api/types.ts';
import { NodeInfo } from '../cache/node_info.ts';
import type { Candidate } from '../framework/candidate.ts';
import { errorStatus, unschedulable } from '../framework/status.ts';
import { node, pod } from '../testing/objects.ts';
import type { NodeOutcome } from './candidate_board.ts';
import { CandidateBoard, NOT_HELPED } from './candidate_board.ts';
import { chooseCandidate } from './choose_candidate.ts';

const victim = (priority: number): Pod => pod(`v-${priority}`, { spec: { priority } });
const REFUSED = { ...unschedulable('Insufficient cpu'), plugin: 'NodeResourcesFit' };

/** Few different costs, so that there are ties. */
const outcome = fc.oneof(
  { weight: 6, arbitrary: fc.record({ priority: fc.integer({ min: 0, max: 3 }), violations: fc.nat(1) }) },
  { weight: 1, arbitrary: fc.constantFrom<NodeOutcome>(REFUSED, NOT_HELPED) },
);

function outcomeOf(given: NodeOutcome | { priority: number; violations: number }, name: string): NodeOutcome {
  if (typeof given === 'symbol' || !('priority' in given)) return given;
  return { node: name, victims: [victim(given.priority)], violations: given.violations };
}

/** One node after the other. */
function naive(outcomes: readonly NodeOutcome[], offset: number, enough: number): Candidate | undefined {
  const found: Candidate[] = [];
  for (let i = 0; i < outcomes.length; i++) {
    const one = outcomes[(offset + i) % outcomes.length];
    if (one === undefined || one === NOT_HELPED || 'code' in one) continue;
    found.push(one);
    if (found.length >= enough && found.some(({ violations }) => violations === 0)) break;
  }
  return chooseCandidate(found);
}

test('S4: finds what a look at one node after the other finds, whatever changes in between', () => {
  fc.assert(
    fc.property(
      fc.array(outcome, { minLength: 1, maxLength: 90 }),
      fc.array(
        fc.record({
          offset: fc.nat(89),
          enough: fc.integer({ min: 1, max: 60 }),
          changes: fc.array(fc.record({ at: fc.nat(89), to: outcome }), { maxLength: 4 }),
        }),
        { maxLength: 12 },
      ),
      (initial, searches) => {
        // Rows in another order than the nodes.
        const { length } = initial;
        const nodes = initial.map((_, i) => new NodeInfo(node(`n${i}`), length - 1 - i));
        const outcomes = initial.map((given, i) => outcomeOf(given, `n${i}`));
        const board = new CandidateBoard(nodes, length);
        for (const { offset, enough, changes } of searches) {
          for (const { at, to } of changes) {
            outcomes[at % length] = outcomeOf(to, `n${at % length}`);
            board.changed(length - 1 - (at % length));
          }
          const tryOut = (n: NodeInfo): NodeOutcome => outcomes[nodes.indexOf(n)] ?? NOT_HELPED;
          const found = board.search({ offset: offset % length, enough, tryOut });
          expect(found).toEqual(naive(outcomes, offset % length, enough));
          if (found === undefined)
            expect([...board.refusals().keys()]).toEqual(
              nodes.filter((_, i) => outcomes[i] === REFUSED).map(({ name }) => name),
            );
        }
      },
    ),
  );
});

test('S4: tries out only nodes of which nothing is known, and gives the error of a plugin back', () => {
  const nodes = Array.from({ length: 40 }, (_, i) => new NodeInfo(node(`n${i}`), i));
  const board = new CandidateBoard(nodes, 40);
  const tried: string[] = [];
  const tryOut = ({ name }: NodeInfo): NodeOutcome => {
    tried.push(name);
    return { node: name, victims: [victim(1)], violations: 0 };
  };
  for (let i = 0; i < 3; i++)
    expect(board.search({ offset: 30, enough: 20, tryOut })).toMatchObject({ node: 'n30' });
  expect(tried).toHaveLength(20);
  board.changed(35);
  const failed = errorStatus('broken');
  expect(board.search({ offset: 30, enough: 20, tryOut: () => failed })).toBe(failed);
  board.changed(35);
  expect(board.search({ offset: 30, enough: 20, tryOut })).toMatchObject({ node: 'n30' });
  expect(tried.slice(20)).toEqual(['n35']);
});

use hotpath_runtime::segment::reader;

use super::*;
use crate::collect::clock::Rate;

fn functions(count: usize) -> Vec<Function> {
    (0..count)
        .map(|index| Function {
            package: "p".to_owned(),
            target: "t".to_owned(),
            module: "t".to_owned(),
            name: format!("f{index}"),
            file: "src/lib.rs".to_owned(),
            line: index as u32 + 1,
            column: 4,
            is_async: false,
            sites: Vec::new(),
            origin: [0; 2],
            budget: String::new(),
        })
        .collect()
}

fn merged(trees: &[&[Node]], count: usize) -> (Vec<Context>, Vec<u64>, Vec<String>) {
    let functions = functions(count);
    let same: Vec<usize> = (0..count).collect();
    let mut contexts = Contexts::default();
    let mut notes = Vec::new();
    let local = Local { rate: Rate::new(1.0), functions: &same, looks: None };
    let inside =
        trees.iter().map(|nodes| contexts.add(nodes, &functions, local, &mut notes)).collect();
    (contexts.finish(), inside, notes)
}

/// Runs calls as the runtime does, and keeps beside it what the truth is.
struct Program {
    nodes: Vec<Node>,
    open: Vec<u64>,
    stack: Vec<Frame>,
    now: u64,
    /// Exclusive ticks by node that the frame ran as.
    truth: Vec<u64>,
    /// Ticks with an empty stack.
    outside: u64,
}

struct Frame {
    record: usize,
    current: usize,
    start: u64,
}

impl Program {
    fn new() -> Self {
        Self {
            nodes: vec![Node::default()],
            open: vec![0],
            stack: Vec::new(),
            now: 0,
            truth: vec![0],
            outside: 0,
        }
    }

    fn work(&mut self, ticks: u64) {
        self.now += ticks;
        match self.stack.last() {
            Some(frame) => self.truth[frame.current] += ticks,
            None => self.outside += ticks,
        }
    }

    fn enter(&mut self, function: usize) {
        let from = self.stack.last().map_or(0, |frame| frame.current);
        let mut up = Some(from);
        let mut ancestor = None;
        while let Some(index) = up {
            if self.nodes[index].function == Some(function) {
                ancestor = Some(index);
                break;
            }
            up = self.nodes[index].parent;
        }
        let known = self
            .nodes
            .iter()
            .position(|node| node.parent == Some(from) && node.function == Some(function));
        let record = known.unwrap_or_else(|| {
            self.nodes.push(Node {
                function: Some(function),
                parent: Some(from),
                alias_of: ancestor,
                ..Node::default()
            });
            self.open.push(0);
            self.truth.push(0);
            self.nodes.len() - 1
        });
        self.nodes[record].calls += 1;
        self.nodes[record].timed += 1;
        self.open[record] += 1;
        let current = ancestor.unwrap_or(record);
        self.stack.push(Frame { record, current, start: self.now });
    }

    fn leave(&mut self) {
        let Some(frame) = self.stack.pop() else { return };
        let span = self.now - frame.start;
        self.open[frame.record] -= 1;
        let node = &mut self.nodes[frame.record];
        node.max = node.max.max(span);
        *(if self.open[frame.record] == 0 { &mut node.sum } else { &mut node.nested }) += span;
    }

    fn random(seed: u64, functions: usize) -> Self {
        let mut program = Self::new();
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let mut next = |below: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state % below
        };
        for _ in 0..400 {
            program.work(next(50));
            if next(100) < 55 {
                program.enter(next(functions as u64) as usize);
            } else {
                program.leave();
            }
        }
        while !program.stack.is_empty() {
            program.work(next(50));
            program.leave();
        }
        program
    }
}

#[test]
fn self_times_are_exact_for_random_recursive_programs() {
    for seed in 1..200 {
        let functions = 1 + (seed as usize % 6);
        let program = Program::random(seed, functions);
        let (contexts, inside, notes) = merged(&[&program.nodes], functions);
        assert_eq!(notes, Vec::<String>::new(), "seed {seed}");

        let selves: u64 = contexts.iter().map(|context| context.self_ns).sum();
        let roots = program.nodes.iter().filter(|node| node.parent == Some(0));
        let roots: u64 = roots.map(|node| node.sum + node.nested).sum();
        assert_eq!(selves, roots, "seed {seed}");
        assert_eq!(inside, [roots], "seed {seed}");
        assert_eq!(program.now - roots, program.outside, "seed {seed}");

        let mut expected: Vec<u64> = (1..program.nodes.len())
            .filter(|&index| program.nodes[index].alias_of.is_none())
            .map(|index| program.truth[index])
            .collect();
        let mut measured: Vec<u64> = contexts.iter().map(|context| context.self_ns).collect();
        expected.sort_unstable();
        measured.sort_unstable();
        assert_eq!(measured, expected, "seed {seed}");
    }
}

#[test]
fn merging_two_trees_adds_what_is_at_the_same_path() {
    for seed in 1..50 {
        let programs = [Program::random(seed, 4), Program::random(seed + 1000, 4)];
        let trees: Vec<&[Node]> = programs.iter().map(|program| &program.nodes[..]).collect();
        let (both, _, _) = merged(&trees, 4);
        let calls = |of: &[Context]| of.iter().map(|context| context.calls).sum::<u64>();
        let selves = |of: &[Context]| of.iter().map(|context| context.self_ns).sum::<u64>();
        let single: Vec<_> = trees.iter().map(|tree| merged(&[tree], 4).0).collect();
        assert_eq!(calls(&both), calls(&single[0]) + calls(&single[1]));
        assert_eq!(selves(&both), selves(&single[0]) + selves(&single[1]));

        let (swapped, _, _) = merged(&[trees[1], trees[0]], 4);
        assert_eq!(both, swapped, "the order of slabs makes no difference");

        let mut paths = std::collections::HashSet::new();
        for (index, context) in both.iter().enumerate() {
            assert!(context.parent.is_none_or(|parent| parent < index), "parents come first");
            assert!(paths.insert((context.parent, context.function)), "a path is there once");
        }
    }
}

#[test]
fn every_call_of_a_recursion_is_counted_and_its_edge_named() {
    let mut program = Program::new();
    // a -> b -> a -> b
    for function in [0, 1, 0, 1] {
        program.enter(function);
        program.work(10);
    }
    for _ in 0..4 {
        program.leave();
    }
    let (contexts, _, _) = merged(&[&program.nodes], 2);
    let [a, b] = &contexts[..] else { panic!("{contexts:?}") };
    assert_eq!((a.calls, a.back_calls, a.total_ns, a.self_ns), (2, 1, 40, 20));
    assert_eq!(a.back_edges, [BackEdge { caller: 1, calls: 1, total_ns: 20 }]);
    assert_eq!((b.calls, b.back_calls, b.total_ns, b.self_ns), (2, 0, 30, 20));
    assert_eq!(b.back_edges, []);
}

#[test]
fn the_first_call_of_a_thread_is_that_of_its_oldest_node() {
    let node = |function, parent, first: Option<u64>| Node {
        function: Some(function),
        parent: Some(parent),
        calls: 2,
        timed: 2,
        first: first.map(|count| reader::First { count, ..reader::First::default() }),
        ..Node::default()
    };
    // f2 is called from f0, then from f1 where its first call allocates more.
    let tree = |from_f0, from_f1| {
        [
            Node::default(),
            node(0, 0, None),
            node(2, 1, from_f0),
            node(1, 0, None),
            node(2, 3, from_f1),
        ]
    };
    let first = |trees: &[&[Node]]| {
        let (contexts, _, _) = merged(trees, 3);
        contexts.iter().filter(|it| it.function == 2).filter_map(|it| it.first).max()
    };
    assert_eq!(first(&[&tree(Some(1), Some(1000))]).unwrap().allocs, 1);
    assert_eq!(first(&[&tree(None, Some(1000))]), None, "that one is not known");
    let threads: [&[Node]; 2] = [&tree(Some(1), None), &tree(Some(90), None)];
    assert_eq!(first(&threads).unwrap().allocs, 90, "either may have come first");
}

#[test]
fn children_longer_than_their_parent_are_noted() {
    let node = |function, parent, sum| Node {
        function: Some(function),
        parent: Some(parent),
        calls: 1,
        timed: 1,
        sum,
        ..Node::default()
    };
    let (contexts, _, notes) = merged(&[&[Node::default(), node(0, 0, 10), node(1, 1, 11)]], 2);
    assert_eq!((contexts[0].self_ns, notes.len()), (0, 0), "one tick is rounding");
    let (contexts, _, notes) = merged(&[&[Node::default(), node(0, 0, 10), node(1, 1, 500)]], 2);
    assert_eq!(contexts[0].self_ns, 0);
    assert!(notes[0].contains("f0") && notes[0].contains("490 ns"), "{notes:?}");
}

#[test]
fn estimates_may_exceed_their_parent_as_far_as_they_are_off() {
    let node = |function, parent, sum, variance| Node {
        function: Some(function),
        parent: Some(parent),
        calls: 100,
        timed: 10,
        sum,
        variance,
        ..Node::default()
    };
    let tree = |variance| [Node::default(), node(0, 0, 1_000, 0.0), node(1, 1, 1_100, variance)];
    let (contexts, _, notes) = merged(&[&tree(900.0)], 2);
    assert_eq!((contexts[0].self_ns, notes), (0, Vec::new()), "four times 30, and rounding");
    assert_eq!((contexts[0].error_ns, contexts[1].error_ns), (0.0, 30.0));
    let (_, _, notes) = merged(&[&tree(100.0)], 2);
    assert_eq!(notes.len(), 1, "four times 10");
    let (contexts, _, _) = merged(&[&tree(900.0), &tree(1_600.0)], 2);
    assert_eq!((contexts[1].total_ns, contexts[1].error_ns), (2_200, 50.0), "errors of threads");
}

#[test]
fn what_went_to_the_overflow_node_stays_with_its_parent() {
    let held = hotpath_runtime::segment::reader::Allocs { count: 3, ..Default::default() };
    let tree = [
        Node::default(),
        Node {
            function: Some(0),
            parent: Some(0),
            calls: 1,
            timed: 1,
            sum: 100,
            ..Node::default()
        },
        Node { parent: Some(1), calls: 5, timed: 5, sum: 60, allocs: held, ..Node::default() },
        Node { function: Some(1), parent: Some(2), calls: 1, timed: 1, sum: 20, ..Node::default() },
    ];
    let (contexts, inside, notes) = merged(&[&tree], 2);
    assert_eq!(notes, Vec::<String>::new());
    assert_eq!(inside, [100]);
    let [outer, inner] = &contexts[..] else { panic!("{contexts:?}") };
    assert_eq!((outer.self_ns, outer.allocs.count), (80, 3));
    assert_eq!((inner.self_ns, inner.parent), (20, Some(0)));
}

#[test]
fn links_that_point_forward_or_at_themselves_do_no_harm() {
    let nodes = [
        Node::default(),
        Node { function: Some(0), parent: Some(1), alias_of: Some(2), sum: 5, ..Node::default() },
        Node { function: None, parent: None, alias_of: Some(2), sum: 5, ..Node::default() },
        Node { function: Some(1), parent: None, sum: u64::MAX, ..Node::default() },
        Node { function: Some(1), parent: None, sum: u64::MAX, ..Node::default() },
    ];
    let (contexts, _, _) = merged(&[&nodes, &nodes], 2);
    assert_eq!(contexts.last().unwrap().total_ns, u64::MAX);
    assert_eq!(merged(&[&[]], 2).0, []);
}

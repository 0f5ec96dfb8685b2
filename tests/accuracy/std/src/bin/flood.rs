//! How far each cell of a grid with walls is from its centre, level by level.

use std::collections::VecDeque;

use accuracy::{Random, is_fixed, mix};

const SIDE: usize = 1_800;
const FAR: u32 = u32::MAX;

struct Grid {
    walls: Vec<bool>,
    costs: Vec<u8>,
}

fn main() {
    let grid = build(&mut Random::new(8));
    let start = (SIDE / 2) * SIDE + SIDE / 2;
    let distances = if is_fixed() { flood_deque(&grid, start) } else { flood(&grid, start) };
    let reached = distances.iter().filter(|distance| **distance != FAR).count();
    println!("{reached} cells, {:016x}", shade(&grid, &distances));
}

fn build(random: &mut Random) -> Grid {
    let walls = (0..SIDE * SIDE).map(|_| random.below(5) == 0).collect();
    let costs = (0..SIDE * SIDE).map(|_| random.below(7) as u8).collect();
    Grid { walls, costs }
}

fn neighbours(cell: usize) -> impl Iterator<Item = usize> {
    let (x, y) = (cell % SIDE, cell / SIDE);
    let left = (x > 0).then(|| cell - 1);
    let right = (x + 1 < SIDE).then(|| cell + 1);
    let up = (y > 0).then(|| cell - SIDE);
    let down = (y + 1 < SIDE).then(|| cell + SIDE);
    [left, right, up, down].into_iter().flatten()
}

fn flood(grid: &Grid, start: usize) -> Vec<u32> {
    let mut distances = vec![FAR; grid.walls.len()];
    distances[start] = 0;
    let mut queue = vec![start];
    while !queue.is_empty() {
        // culprit
        let cell = queue.remove(0);
        for next in neighbours(cell) {
            if !grid.walls[next] && distances[next] == FAR {
                distances[next] = distances[cell] + 1;
                queue.push(next);
            }
        }
    }
    distances
}

fn flood_deque(grid: &Grid, start: usize) -> Vec<u32> {
    let mut distances = vec![FAR; grid.walls.len()];
    distances[start] = 0;
    let mut queue = VecDeque::from([start]);
    while let Some(cell) = queue.pop_front() {
        for next in neighbours(cell) {
            if !grid.walls[next] && distances[next] == FAR {
                distances[next] = distances[cell] + 1;
                queue.push_back(next);
            }
        }
    }
    distances
}

/// A blurred picture of the distances, as a checksum.
fn shade(grid: &Grid, distances: &[u32]) -> u64 {
    let mut sum = 0;
    for radius in 1..=6 {
        for y in radius..SIDE - radius {
            sum = mix(sum, row(grid, distances, y, radius));
        }
    }
    sum
}

fn row(grid: &Grid, distances: &[u32], y: usize, radius: usize) -> u64 {
    let mut light = 0;
    for x in radius..SIDE - radius {
        let here = y * SIDE + x;
        let around = [here - radius, here + radius, here - radius * SIDE, here + radius * SIDE];
        let near = around.iter().map(|cell| u64::from(distances[*cell].min(4_000))).sum::<u64>();
        light += near * u64::from(grid.costs[here]) / 4;
    }
    light
}

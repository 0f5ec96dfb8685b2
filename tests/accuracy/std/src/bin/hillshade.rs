//! Shades a landscape; built for size (`--profile small`), or for speed (`--release`).

use accuracy::{Random, mix};

const SIDE: usize = 700;
const ROUNDS: usize = 36;

struct Landscape {
    heights: Vec<f32>,
}

impl Landscape {
    fn new(random: &mut Random) -> Self {
        Self { heights: (0..SIDE * SIDE).map(|_| random.fraction() as f32 * 900.0).collect() }
    }

    /// Each height with its neighbours', as wind and water do it.
    fn weather(&mut self) {
        let old = self.heights.clone();
        for y in 1..SIDE - 1 {
            let row = &mut self.heights[y * SIDE..(y + 1) * SIDE];
            for x in 1..SIDE - 1 {
                let at = y * SIDE + x;
                let around = old[at - 1] + old[at + 1] + old[at - SIDE] + old[at + SIDE];
                row[x] = 0.6 * old[at] + 0.1 * around;
            }
        }
    }

    /// Slopes to the east and to the south.
    fn slopes(&self) -> Vec<(f32, f32)> {
        let (above, below) = (&self.heights[..], &self.heights[SIDE..]);
        let pairs = above.windows(2).zip(below.iter());
        pairs.map(|(pair, below)| (pair[1] - pair[0], below - pair[0])).collect()
    }
}

/// How much light falls on a slope.
fn light(slopes: &[(f32, f32)], sun: (f32, f32)) -> Vec<u8> {
    slopes
        .iter()
        .map(|(east, south)| {
            let length = (1.0 + east * east + south * south).sqrt();
            let cosine = (1.0 - east * sun.0 - south * sun.1) / length;
            (cosine.clamp(0.0, 1.0) * 255.0) as u8
        })
        .collect()
}

fn histogram(picture: &[u8]) -> [u32; 256] {
    let mut counts = [0; 256];
    for shade in picture {
        counts[usize::from(*shade)] += 1;
    }
    counts
}

fn main() {
    let mut landscape = Landscape::new(&mut Random::new(19));
    let mut sum = 0;
    for round in 0..ROUNDS {
        landscape.weather();
        let slopes = landscape.slopes();
        for hour in 0..6 {
            let angle = (round * 6 + hour) as f32 * 0.1;
            let picture = light(&slopes, (angle.cos(), angle.sin()));
            let counts = histogram(&picture);
            sum = counts.iter().fold(sum, |sum, count| mix(sum, u64::from(*count)));
        }
    }
    println!("{sum:016x}");
}

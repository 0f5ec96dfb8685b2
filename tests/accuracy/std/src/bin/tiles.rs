//! Renders tiles of a map in indexed colours and prints a checksum of the picture.

use accuracy::{Random, is_fixed, mix, words};

const TILES: usize = 40_000;
const SIDE: usize = 32;
const COLOURS: usize = 256;

#[derive(Clone)]
struct Colour {
    red: u16,
    green: u16,
    blue: u16,
    name: String,
}

struct Tile {
    column: usize,
    row: usize,
}

fn main() {
    let mut random = Random::new(3);
    let palette = palette(&mut random);
    println!("from {} to {}", palette[0].name, palette[COLOURS - 1].name);
    let heights = heights(&mut random);
    let tiles: Vec<Tile> = (0..TILES).map(|n| Tile { column: n % 60, row: n / 60 }).collect();
    let sum = if is_fixed() {
        draw_all(&tiles, &heights, &palette)
    } else {
        draw_each(&tiles, &heights, palette)
    };
    println!("{sum:016x}");
}

fn palette(random: &mut Random) -> Vec<Colour> {
    let channel = |random: &mut Random| random.below(1 << 12) as u16;
    words(random, COLOURS)
        .into_iter()
        .map(|name| Colour {
            red: channel(random),
            green: channel(random),
            blue: channel(random),
            name,
        })
        .collect()
}

fn heights(random: &mut Random) -> Vec<u32> {
    (0..SIDE * SIDE * 64).map(|_| random.below(1 << 16) as u32).collect()
}

fn draw_each(tiles: &[Tile], heights: &[u32], palette: Vec<Colour>) -> u64 {
    let mut sum = 0;
    for tile in tiles {
        // culprit
        let pixels = draw(tile, heights, palette.clone());
        sum = mix(sum, compress(&pixels));
    }
    sum
}

fn draw_all(tiles: &[Tile], heights: &[u32], palette: &[Colour]) -> u64 {
    let mut sum = 0;
    for tile in tiles {
        let pixels = draw_with(tile, heights, palette);
        sum = mix(sum, compress(&pixels));
    }
    sum
}

/// Takes the colours as its own, as if it were to keep them.
fn draw(tile: &Tile, heights: &[u32], palette: Vec<Colour>) -> Vec<u64> {
    draw_with(tile, heights, &palette)
}

fn draw_with(tile: &Tile, heights: &[u32], palette: &[Colour]) -> Vec<u64> {
    let mut pixels = Vec::with_capacity(SIDE * SIDE);
    for y in 0..SIDE {
        for x in 0..SIDE {
            let at = (tile.row * SIDE + y) * 61 + tile.column * SIDE + x;
            let colour = &palette[heights[at % heights.len()] as usize % palette.len()];
            pixels.push(shade(colour, heights[(at + 1) % heights.len()]));
        }
    }
    pixels
}

/// A colour, darker on the side that is turned away.
fn shade(colour: &Colour, slope: u32) -> u64 {
    let light = 256 - u64::from(slope & 0x7F);
    let channel = |value: u16| u64::from(value) * light / 256;
    channel(colour.red) << 32 | channel(colour.green) << 16 | channel(colour.blue)
}

/// Runs of the same pixel, as a number.
fn compress(pixels: &[u64]) -> u64 {
    let (mut sum, mut last, mut length) = (0, 0, 0);
    for pixel in pixels {
        if *pixel == last {
            length += 1;
        } else {
            sum = mix(sum, last ^ length);
            (last, length) = (*pixel, 1);
        }
    }
    mix(sum, last ^ length)
}
